"""Why there is no broker is told once, with what to do; a reason that a person must mend is told on top of it."""

from contract.broker import HUNG_UP, Absence

REFUSED = "[Errno 111] Connection refused"


def test_a_broker_that_is_away_is_told_once_whatever_the_network_says_of_it():
    absence = Absence()
    assert absence.tell("the connection is lost: Unspecified error")
    assert absence.tell(REFUSED) == ""
    assert absence.tell("timed out") == ""
    assert absence.over()
    assert absence.tell(REFUSED) == REFUSED


def test_what_a_person_must_mend_is_told_though_the_broker_was_away_before_and_that_once():
    absence = Absence()
    absence.tell(REFUSED)
    told = absence.tell("it refuses us: Not authorized")
    assert "Not authorized" in told
    assert "check user, password" in told
    assert absence.tell("it refuses us: Not authorized") == ""
    assert "tls.ca" in absence.tell(
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    )
    assert "want TLS" in absence.tell(HUNG_UP)


def test_a_connection_after_which_nothing_was_told_says_so():
    assert not Absence().over()
