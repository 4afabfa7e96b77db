"""``wolfsmoke-sims demo --once`` as a process: every step of the story in its order, and a story that can fail."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
DEMO = (Path(sys.executable).with_name("wolfsmoke-sims"), "demo", "--once")
LIMIT = 150.0
STORY = (
    "mains lost",
    "alarm raised",
    "clause 3.1.1 in force",
    "message to the person on call",
    "acknowledged 我处理",
    "mains back",
    "cause gone",
    "cause checked",
    "incident closed",
)
"""The issue's: mains lost → alarm → trigger 3.1.1 → message → acknowledged → mains back → cause checked → closed."""


def begun(*more):
    return subprocess.Popen([*DEMO, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def demos():
    """Run the true story and two that must fail, side by side; return their exit codes and what they said."""
    running = {
        "whole": begun(),
        "nobody answers": begun("--without", "answer", "--patience", "15"),
        "the mail is refused": begun("--without", "mail", "--patience", "15"),
    }
    try:
        ended = {name: (process.communicate(timeout=LIMIT), process) for name, process in running.items()}
        return {name: (process.returncode, out, err) for name, ((out, err), process) in ended.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def timeline(out):
    """Return the steps of the table with the second of each."""
    rows = out.partition("after the last")[2].splitlines()
    found = [re.fullmatch(r"  (.+?) +(\d+\.\d+) s +([+-]\d+\.\d+) s", row) for row in rows]
    return [(match[1], float(match[2]), float(match[3])) for match in found if match]


def test_the_story_is_told_whole_and_in_its_order(demos):
    code, out, err = demos["whole"]
    assert code == 0, err
    steps = timeline(out)
    assert tuple(name for name, _, _ in steps if name in STORY) == STORY
    seconds = [second for _, second, _ in steps]
    assert seconds == sorted(seconds)
    assert "every step happened" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "step"),
    [("nobody answers", "acknowledged 我处理"), ("the mail is refused", "message to the person on call")],
)
def test_a_step_that_does_not_happen_fails_the_demo_and_is_named(demos, name, step):
    code, out, err = demos[name]
    assert code == 1
    assert f"the demo failed: {step}: did not happen within 15 s" in err
    assert "every step happened" not in out
    done = tuple(told for told, _, _ in timeline(out) if told in STORY)
    assert done == STORY[: STORY.index(step)]
    assert "Traceback" not in err


def test_a_demo_that_is_cut_short_is_no_success_and_takes_its_processes_along():
    process = begun()
    said = ""
    while "gateway ready" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 3
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
