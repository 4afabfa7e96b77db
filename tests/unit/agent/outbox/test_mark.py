"""How far a process spoke, as the next one finds it."""

import pytest

from agent.outbox.mark import open_mark
from agent.outbox.spool import Account

E1, E2, E3 = "1" * 16, "2" * 16, "3" * 16


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "mark"


def test_the_next_process_knows_how_far_this_one_came_though_nobody_closed_anything(path):
    mark = open_mark(path, "boot")
    for number in range(1, 100):
        mark.note(E1, number, number // 2, "journal-1")
    assert open_mark(path, "boot").left == (Account(E1, 99, 49, "journal-1"),)


def test_it_is_remembered_until_the_spool_knows(path):
    open_mark(path, "boot").note(E1, 5, 0, "")
    second = open_mark(path, "boot")
    second.note(E2, 7, 7, "j")
    third = open_mark(path, "boot")
    assert [account.epoch for account in third.left] == [E1, E2]
    third.note(E3, 1, 0, "")
    third.known()
    assert third.left == ()
    assert open_mark(path, "boot").left == (Account(E3, 1, 0, ""),)


def test_another_boot_has_nothing_to_say_of_this_one(path):
    open_mark(path, "boot").note(E1, 5, 0, "")
    assert open_mark(path, "another").left == ()


@pytest.mark.parametrize("cut", [0, 1, 60, 127])
def test_a_torn_record_is_none(path, cut):
    open_mark(path, "boot").note(E1, 5, 0, "")
    body = path.read_bytes()
    path.write_bytes(body[:cut])
    assert open_mark(path, "boot").left == ()


@pytest.mark.parametrize("at", range(0, 128, 7))
def test_a_flipped_byte_is_found(path, at):
    open_mark(path, "boot").note(E1, 5, 3, "j")
    body = bytearray(path.read_bytes())
    body[at] ^= 0x40
    path.write_bytes(body)
    assert open_mark(path, "boot").left == ()


def test_a_file_of_anything_else_is_no_error(path):
    path.parent.mkdir()
    path.write_bytes(b"\xff" * 100_000)
    mark = open_mark(path, "boot")
    mark.note(E1, 1, 0, "")
    assert open_mark(path, "boot").left == (Account(E1, 1, 0, ""),)


def test_where_no_file_can_be_the_rest_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    mark = open_mark(tmp_path / "file" / "mark", "boot")
    mark.note(E1, 1, 0, "")
    mark.known()
    mark.close()


def test_many_processes_without_a_spool_are_remembered_the_youngest_of_them(path):
    for number in range(40):
        open_mark(path, "boot").note(f"{number:016x}", number, 0, "")
    left = open_mark(path, "boot").left
    assert [account.last for account in left] == list(range(9, 40))


def test_a_journal_s_name_that_is_too_long_is_not_half_said(path):
    open_mark(path, "boot").note(E1, 9, 9, "j" * 500)
    assert open_mark(path, "boot").left == (Account(E1, 9, 0, ""),)
