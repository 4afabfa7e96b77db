import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signs.logins import Attempts, Failure, failure, failure_of

HEAD = "Nov 25 13:00:00 host "


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"{HEAD}sshd[42]: Failed password for root from 192.0.2.7 port 40022 ssh2",
            Failure("192.0.2.7", "root", "40022"),
        ),
        (
            "2026-11-25T13:00:00.123456+08:00 host sshd-session[42]: Failed password for invalid user x from ::1 port 5 ssh2",
            Failure("::1", "x", "5"),
        ),
        ("Failed password for root from 127.0.0.1 port 4 ssh2", Failure("127.0.0.1", "root", "4")),  # sshd -E
        (
            f"{HEAD}sshd[42]: Failed keyboard-interactive/pam for a from 192.0.2.7 port 4 ssh2",
            Failure("192.0.2.7", "a", "4"),
        ),
        (
            f"{HEAD}sshd[42]: message repeated 3 times: [ Failed password for a from 192.0.2.7 port 4 ssh2]",
            Failure("192.0.2.7", "a", "4", 3),
        ),
        (
            f"{HEAD}sshd[42]: Connection closed by invalid user admin 192.0.2.7 port 4 [preauth]",
            Failure("192.0.2.7", "admin", "4", left=True),
        ),
        (
            f"{HEAD}dropbear[9]: Bad password attempt for 'root' from 192.0.2.7:5555",
            Failure("192.0.2.7", "root", "5555"),
        ),
        (
            f"{HEAD}login[9]: pam_unix(login:auth): authentication failure; logname= uid=0 euid=0 tty=tty1 ruser= rhost=  user=root",
            Failure("local", "root"),
        ),
        (
            f"{HEAD}vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=u rhost=192.0.2.7  user=u",
            Failure("192.0.2.7", "u"),
        ),
        (
            f"{HEAD}sudo: PAM 2 more authentication failures; logname= rhost= user=wolf",
            Failure("local", "wolf", count=2),
        ),
        # a name that an attacker chose: the last address is the true one
        (
            f"{HEAD}sshd[42]: Failed password for invalid user a from 198.51.100.1 port 1 ssh2 from 192.0.2.7 port 4 ssh2",
            Failure("192.0.2.7", "a from 198.51.100.1 port 1 ssh2", "4"),
        ),
        # sshd says it twice, by PAM too: it counts once
        (f"{HEAD}sshd[42]: pam_unix(sshd:auth): authentication failure; logname= rhost=192.0.2.7  user=root", None),
        (f"{HEAD}sshd[42]: Failed none for invalid user x from 192.0.2.7 port 4 ssh2", None),
        (f"{HEAD}sshd[42]: Failed publickey for root from 192.0.2.7 port 4 ssh2: ED25519 x", None),
        (f"{HEAD}sshd[42]: Accepted password for root from 192.0.2.7 port 4 ssh2", None),
        (f"{HEAD}web[42]: Failed password for root from 192.0.2.7 port 4 ssh2", None),
        (f"{HEAD}sshd[42]: error: x: Failed password for root from 192.0.2.7 port 4 ssh2", None),
        ("", None),
    ],
)
def test_a_failed_log_in_is_known_by_its_words(line, expected):
    assert failure(line) == expected


@given(st.text(max_size=300) | st.sampled_from([HEAD, "sshd[1]: ", "Failed password for "]), st.text(max_size=3000))
def test_no_line_is_an_error(head, text):
    failure(head + text)
    failure_of("sshd", head + text)
    failure_of(head, text)


@pytest.mark.parametrize(
    "piece", ["Failed password for x from ", " from 1 port 1", "message repeated 1 times: [ ", "a"]
)
def test_no_long_line_takes_long(piece):
    import time

    began = time.process_time()
    for head in (f"{HEAD}sshd[1]: ", f"{HEAD}sudo: ", "", "Failed password for "):
        failure(head + piece * (65536 // len(piece)))
    assert time.process_time() - began < 0.5


def test_an_attempt_that_is_told_of_twice_counts_once():
    attempts = Attempts()
    failed, left = Failure("a", "u", "1"), Failure("a", "u", "1", left=True)
    assert [attempts.count(each) for each in (failed, failed, left)] == [1, 1, 0]
    assert attempts.count(Failure("a", "u", "2", left=True)) == 1
    for number in range(10_000):
        attempts.count(Failure("a", "u", str(number)))
    assert len(attempts._told) <= 256
