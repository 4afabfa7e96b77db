import os
import socket

from agent.systemd import Notifier, reads, watchdog_interval


def test_what_is_said_arrives_at_the_socket_that_systemd_named(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(5)
        Notifier(str(tmp_path / "notify")).say(READY=1, STATUS="2 of 2 devices answer")
        assert ear.recv(1000) == b"READY=1\nSTATUS=2 of 2 devices answer"


def test_an_abstract_socket_is_spoken_to():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("")  # the kernel chooses an abstract name
        ear.settimeout(5)
        Notifier("@" + ear.getsockname()[1:].decode()).say(WATCHDOG=1)
        assert ear.recv(1000) == b"WATCHDOG=1"


def test_without_systemd_and_with_a_dead_socket_nothing_happens(tmp_path):
    Notifier(None).say(READY=1)
    Notifier(str(tmp_path / "nobody")).say(READY=1)


def test_the_watchdog_is_fed_twice_in_its_time(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "90000000")
    assert watchdog_interval() == 45.0
    monkeypatch.delenv("WATCHDOG_USEC")
    assert watchdog_interval() == 0.0


def test_the_journal_is_known_by_its_stream(monkeypatch):
    here, there = os.pipe()
    try:
        found = os.fstat(there)
        assert not reads(there)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert reads(there)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + 1}")  # of the shell that started us
        assert not reads(there)
    finally:
        os.close(here)
        os.close(there)
    assert not reads(there)
