"""What people read of a root cause and of what it took with it: in a message, on the board, in a terminal."""

import io
import pathlib

import pytest

from gateway.board import cases
from gateway.board.words import Words
from gateway.cli import _details
from gateway.control import details
from gateway.event import Event
from gateway.incident import Purpose, Source, fold
from gateway.notify.message import compose, facts
from gateway.plan.loader import load_plan

CONFIG = pathlib.Path(__file__).parents[4] / "config"
PLAN = load_plan({path.name: path.read_text("utf-8") for path in (CONFIG / "plan").glob("*.toml")})
T0 = 1_800_000_000.0
UPS = {"site": "hq", "agent": "hall", "device": "ups-1", "title": "机房 UPS", "kind": "ups"}


def symptom(name, condition, title, **more):
    return {
        "id": name,
        "condition": condition,
        "title_zh": title,
        "title_en": condition,
        "rank": 3,
        "since": T0,
        **more,
    }


def lines(count):
    return [
        symptom(
            f"l{n}",
            "line-down",
            "线路中断",
            source={"site": "hq", "agent": "desk", "device": f"line-{n}", "title": f"线路 {n}", "kind": "line"},
            clause="3.1.4",
            of="ups-1",
        )
        for n in range(count)
    ]


def incident(count=2):
    opened = {"clause": "3.1.1", "source": UPS, "symptom": symptom("u", "output-off", "UPS 输出关闭")}
    first, *others = lines(count)
    return fold(
        [
            Event(at=T0, incident="A10", kind="opened", data=opened),
            Event(at=T0 + 1, incident="A11", kind="opened", data={"clause": "3.1.4", "symptom": first}),
            Event(at=T0 + 2, incident="A10", kind="merged", data={"symptoms": [first], "of": "ups-1", "out_of": "A11"}),
            *(Event(at=T0 + 3, incident="A10", kind="joined", data={"symptom": one, "of": "ups-1"}) for one in others),
        ]
    )


def message(one, purpose, clause="3.1.1", language="zh"):
    found = PLAN.find(clause)
    assert found is not None
    return compose(one, found, purpose, language, link="", utc_offset=8 * 3600)


def test_the_page_is_about_the_root_cause_and_names_what_else_is_affected():
    text = message(incident()["A10"], Purpose.PAGE)
    assert text.subject == "[A10] UPS 输出关闭 — 机房 UPS (3.1.1)"
    assert "另有 2 台设备受影响：线路 0、线路 1" in text.body
    english = message(incident()["A10"], Purpose.PAGE, language="en")
    assert "2 more devices affected: 线路 0, 线路 1" in english.body


def test_of_very_many_some_are_named():
    text = message(incident(60)["A10"], Purpose.PAGE)
    assert "另有 60 台设备受影响：线路 0、线路 1" in text.body
    assert "线路 7 等" in text.body
    assert "线路 8" not in text.body


def test_who_answers_for_what_is_affected_reads_why_and_their_own_steps():
    text = message(incident()["A10"], Purpose.AFFECTED, "3.1.4")
    clause = PLAN.find("3.1.4")
    assert text.subject.startswith(f"[A10] 【受影响】{clause.title.zh}")
    assert "根本原因：UPS 输出关闭 — 机房 UPS [A10]" in text.body
    assert "受影响：线路 0、线路 1" in text.body
    assert clause.step[0].text.zh in text.body


def test_machines_get_the_affected_devices():
    said = facts(incident()["A10"], PLAN.find("3.1.1"), Purpose.PAGE, link="")
    assert [one["device"] for one in said["affected"]] == ["line-0", "line-1"]
    assert said["condition"] == "output-off"


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "另有 2 台设备受影响：线路 0、线路 1"), ("en", "2 more devices")]
)
def test_the_board_shows_root_and_affected(language, said):
    shown = cases.case(incident()["A10"], Words(language), str)
    assert [one.title for one in shown.signs] == ["UPS 输出关闭" if language == "zh" else "output-off"]
    assert said in shown.affected[0]
    merged = next(entry for entry in shown.timeline if entry.kind == "merged")
    assert merged.text == ("A11：线路 0" if language == "zh" else "A11: 线路 0")


def test_a_terminal_shows_them_as_a_short_tree():
    out = io.StringIO()
    _details({**details(incident()["A10"], PLAN), "report": [], "utc_offset": 0.0}, out)
    assert "另有 2 台设备受影响 also affected\n  └ 线路 0\n  └ 线路 1\n" in out.getvalue()
    assert "A11" in out.getvalue()


def test_an_incident_that_was_left_over_says_so():
    gone = Event(
        at=T0 + 400,
        incident="A12",
        kind="opened",
        data={
            "clause": "3.1.4",
            "source": lines(1)[0]["source"],
            "symptom": symptom("l0", "line-down", "线路中断"),
            "of": "A10",
            "out_of": "A10",
        },
    )
    found = fold([*incident()["A10"].timeline, gone])
    assert found["A10"].affected() == (Source(site="hq", agent="desk", device="line-1", title="线路 1", kind="line"),)
    assert cases.case(found["A12"], Words("zh"), str).of == "A10"
