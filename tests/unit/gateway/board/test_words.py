"""The catalogue speaks both languages, and says all that the contract can."""

import re
from pathlib import Path

import pytest

from agent.kinds import defaults, kinds
from agent.selfcheck import Mark, Step, Verdict
from contract.alarm import AlarmState
from contract.condition import Severity
from contract.quantities import QUANTITIES
from contract.reading import Quality
from gateway.board import catalogue, words
from gateway.board.words import Words
from gateway.incident import IncidentState, Purpose
from gateway.watches import CONDITIONS

BOARD = Path(words.__file__).parent


def test_no_text_is_missing_in_either_language():
    for key, (zh, en) in words.pairs().items():
        assert zh, key
        assert en, key
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), key


def test_no_text_stands_in_two_parts_of_the_catalogue():
    keys = [key for part in catalogue.PARTS for key in part]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("flag", [flag for quantity in QUANTITIES.values() for flag in quantity.flags]),
        ("quality", Quality),
        ("severity", Severity),
        ("alarm", AlarmState),
        ("incident", IncidentState),
        ("condition", [name for kind in kinds() for name in defaults(kind)]),
        ("condition", CONDITIONS),
        ("purpose", Purpose),
        ("verdict", Verdict),
        ("step", Step),
        ("mark", Mark),
    ],
)
def test_every_code_has_a_word(group, codes):
    assert not [code for code in codes if f"{group}.{code}" not in words.pairs()]


def test_every_text_that_the_templates_ask_for_is_there():
    asked = set()
    for template in (BOARD / "templates").iterdir():
        asked |= set(re.findall(r"\bt\('([\w.-]+)'", template.read_text()))
    for module in BOARD.glob("*.py"):
        asked |= set(re.findall(r'\bwords\("([\w.-]+)"', module.read_text()))
    assert asked
    assert not asked - words.pairs().keys()


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (-3, "刚刚", "just now"),
        (1.9, "刚刚", "just now"),
        (119, "119 秒前", "119 s ago"),
        (120, "2 分钟前", "2 min ago"),
        (7200, "2 小时前", "2 h ago"),
        (172800, "2 天前", "2 d ago"),
    ],
)
def test_ages_read_as_people_say_them(seconds, zh, en):
    assert Words("zh").age(seconds) == zh
    assert Words("en").age(seconds) == en


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 秒"), (45, "45 秒"), (2600, "43 分 20 秒"), (18000, "5 小时"), (90061, "1 天 1 小时")]
)
def test_durations_read_as_people_say_them(seconds, said):
    assert Words("zh").span(seconds) == said


def test_what_is_not_in_the_catalogue_speaks_for_itself():
    assert Words("zh").name("condition", "own-one") == "own-one"
