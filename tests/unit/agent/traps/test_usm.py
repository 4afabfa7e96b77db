"""SNMPv3: keys by the RFC's own examples, and what a receiver must not take."""

import pytest
from trap_senders import OWN, PLAIN, SEALED, SIGNED, THEIRS, Bench, pdu, report, v3

from agent.traps import keys
from agent.traps.keys import User

LEVEL, WINDOW, USER, ENGINE, DIGEST, CIPHER = range(1, 7)


@pytest.mark.parametrize(
    ("auth", "key"),
    [("md5", "526f5eed9fcce26f8964c2930787d82b"), ("sha", "6695febc9288e36282235fc7151f128497b38f3f")],
)
def test_keys_are_those_of_rfc_3414_a_3(auth, key):
    assert keys.localised(auth, "maplesyrup", bytes(11) + b"\x02").hex() == key


def test_a_short_digest_is_made_longer_in_two_ways_and_a_long_one_is_cut():
    assert len({key for key in keys.cipher_keys("sha", "privpass1", THEIRS, 32) if len(key) == 32}) == 2
    assert len(keys.cipher_keys("sha256", "privpass1", THEIRS, 32)) == 1


@pytest.mark.parametrize("user", [SEALED, SIGNED, PLAIN], ids=str)
def test_a_trap_is_opened_by_its_user(bench, user):
    assert bench.take(v3(user)) is None
    assert bench.poked == ["ups-1", "sensor-1"]
    assert bench.said() == {"x.traps": 1.0, "x.trap.last": "on-battery"}


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("a level below its user's", {"level": 1}),
        ("no signature at all", {"level": 0}),
        ("a user who is not in the settings", {"name": "mallory"}),
    ],
)
def test_a_trap_that_its_user_did_not_send_like_that_is_refused(bench, caplog, what, how):
    assert bench.take(v3(SEALED, **how)) is None, what
    assert bench.poked == []
    assert "refused" in caplog.text


def test_wrong_keys_are_told_apart(bench, caplog):
    stranger = User(name="sealed", auth="sha256", auth_key="wrong-key", priv="aes", priv_key="privpass1")
    bench.take(v3(stranger))
    assert "another key, or another algorithm" in caplog.text
    half = User(name="sealed", auth="sha256", auth_key="authpass1", priv="aes", priv_key="wrong-key")
    bench.take(v3(half))
    assert "encrypts with another key" in caplog.text
    assert bench.poked == []


def test_one_that_was_sent_long_ago_is_not_taken_again(bench, caplog):
    old = v3(SIGNED, boots=3, time=1000)
    bench.take(old)
    bench.take(v3(SIGNED, boots=3, time=1100))
    assert bench.said()["x.traps"] == 2
    bench.take(old)
    assert bench.said()["x.traps"] == 3, "within the window messages may overtake one another"
    bench.clock.now += 200
    bench.take(old)
    bench.take(v3(SIGNED, boots=2, time=9999))
    assert bench.said()["x.traps"] == 3
    assert "sent long ago and repeated" in caplog.text
    bench.take(v3(SIGNED, boots=4, time=1))
    assert bench.said()["x.traps"] == 4, "it started anew"


def test_a_name_can_be_bound_to_one_engine():
    bound = User(name="bound", auth="sha", auth_key="authpass3", engine=THEIRS)
    bench = Bench({"ups-1": "192.0.2.10"}, more=(bound,))
    bench.take(v3(bound, engine=b"another engine"))
    assert bench.poked == []
    bench.take(v3(bound))
    assert bench.poked == ["ups-1"]


def test_who_asks_for_our_engine_is_told_it_and_its_clock(bench):
    bench.clock.now += 40
    asked = v3(PLAIN, engine=b"", boots=0, time=0, reportable=True, inner=pdu(tag=0xA6))
    assert report(bench.take(asked)) == (ENGINE, OWN.id, OWN.boots, 40)
    assert bench.poked == []
    assert bench.service.desk.refused == 0, "every inform begins like that"


def test_an_inform_by_our_clock_is_taken_and_answered_and_by_another_it_is_told_ours(bench):
    inform = pdu(tag=0xA6)
    wrong = {"engine": OWN.id, "reportable": True, "inner": inform}
    assert report(bench.take(v3(SIGNED, boots=OWN.boots, time=500, **wrong)))[0] == WINDOW
    assert report(bench.take(v3(SIGNED, boots=OWN.boots - 1, time=0, **wrong)))[0] == WINDOW
    assert bench.poked == []
    for user in (SIGNED, SEALED):
        answer = bench.take(v3(user, boots=OWN.boots, time=20, **wrong))
        assert OWN.id in answer
    assert bench.poked == ["ups-1", "sensor-1"] * 2


def test_a_stranger_is_not_told_our_engine(bench):
    asked = v3(PLAIN, engine=b"", reportable=True)
    assert bench.take(asked, "198.51.100.66") is None
