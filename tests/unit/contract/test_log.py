"""The log as people read it, and as the journal does."""

import logging

from contract.log import Lines


def line(level, text, *, journal):
    return Lines(journal=journal).format(logging.LogRecord("agent.app", level, "", 0, text, None, None))


def test_people_read_level_and_name():
    assert line(logging.WARNING, "away", journal=False) == "WARNING agent.app: away"


def test_the_journal_gets_a_priority_for_every_line():
    assert line(logging.WARNING, "one\ntwo", journal=True) == "<4>WARNING agent.app: one\n<4>two"
    priorities = [
        line(level, "x", journal=True)[:3] for level in (logging.CRITICAL, logging.ERROR, logging.INFO, logging.DEBUG)
    ]
    assert priorities == ["<2>", "<3>", "<6>", "<7>"]
