"""What breaks loses nothing: a whole site of real processes under kill -9, bad links, full disks and stepped clocks.

The store is compared with what the devices really said, point by point: see ``faults/judgement.py`` for what is
promised, and ``faults/schedule.py`` for what breaks. A schedule is made from a seed; ``make soak MINUTES=0 SEED=n
ROUND=s`` plays one again, ``make soak MINUTES=n`` goes on with one seed after the other.
"""

import os
import shutil
import time

import pytest
from faults import ground, soak
from faults.evidence import NOT_YET
from faults.schedule import Kind

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("mosquitto") is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
    pytest.mark.skipif(shutil.which("influxd") is None, reason="needs Debian's influxdb: see tests/packages.sh"),
]
SEED = int(os.environ.get("SEED") or 1)
SECONDS = float(os.environ.get("ROUND") or soak.SECONDS)
MINUTES = float(os.environ.get("MINUTES") or 0)
READINGS = 1000
"""That a short round has at the least; it has some 2,500 where nobody else works on the machine."""


@pytest.fixture(scope="module")
def unable(tmp_path_factory):
    """What cannot be broken on this machine, and why."""
    return ground.unable(tmp_path_factory.mktemp("unable"))


@pytest.mark.parametrize("kind", list(Kind))
def test_this_machine_can_break(kind, unable):
    """A kind of fault that cannot be made here is left out of the rounds, and skips here, with the reason."""
    if kind in unable:
        pytest.skip(unable[kind])


async def one_round(folder, seed, seconds, unable):
    again = f"make soak MINUTES=0 SEED={seed} ROUND={seconds:g}"
    print(f"\nseed {seed}, {seconds:g} s; again: {again}")  # noqa: T201
    report = await soak.play(folder, seed, seconds, unable)
    print(report)  # noqa: T201
    wrong = report.verdict.but(NOT_YET)
    assert not wrong, f"{len(wrong)} promises broken; again: {again}; what was said and kept: {folder}\n{report}"
    return report


@pytest.mark.timeout(240)
async def test_nothing_is_lost_and_nothing_is_late(tmp_path, unable):
    report = await one_round(tmp_path, SEED, soak.SECONDS, unable)
    assert report.verdict.answers >= READINGS
    assert report.verdict.latencies, "no alarm was measured"
    assert {fault.kind for fault in report.faults} == set(Kind) - set(unable)
    if Kind.CUT not in unable:
        assert report.verdict.behind, "no alarm was measured while backlog was replayed"


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_nothing_is_lost_however_long_it_goes_on(tmp_path, unable):
    """Round after round, each with the next seed and a fresh site; the first that breaks a promise ends it."""
    end = time.monotonic() + 60.0 * MINUTES
    seed = SEED
    while True:
        folder = tmp_path / f"seed-{seed}"
        folder.mkdir()
        await one_round(folder, seed, SECONDS, unable)
        shutil.rmtree(folder)
        seed += 1
        if time.monotonic() >= end:
            break
