"""The harness of ``test_faults.py`` can fail: each fault that is planted here, it finds."""

import shutil
import sys
from pathlib import Path

import faults
import pytest
from faults import soak
from faults.devices import encode
from faults.evidence import NOT_YET, Kind
from faults.judgement import judge
from faults.schedule import GATEWAY, Fault, Flip
from faults.schedule import Kind as Broke
from faults.site import Site

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("mosquitto") is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
    pytest.mark.skipif(shutil.which("influxd") is None, reason="needs Debian's influxdb: see tests/packages.sh"),
]
PLANTED = Path(next(iter(faults.__path__))) / "planted.py"
LOOPBACK = dict.fromkeys(Broke, "on loopback only")
KILLS = [Fault(Broke.KILL, GATEWAY, at, at + 0.3) for at in (1.5, 4.5)]


async def played(site, broken, mains):
    site.build()
    one = soak.Round(site)
    await one.flowing()
    await one.play(broken, mains)
    return one, (await one.drain(patience=6.0)).verdict


async def test_an_acknowledgement_before_the_commit_is_found_as_loss_and_so_is_what_was_moved_in_the_store(tmp_path):
    site = Site(tmp_path, LOOPBACK, agents=1, gateway=[sys.executable, str(PLANTED), "early-ack"])
    try:
        one, verdict = await played(site, KILLS, [])
        assert verdict.kills == 0
        lost = verdict.of(Kind.LOST)
        assert lost
        assert all("its agent was not killed" in text for text in lost)

        # Now behind everybody's back: one point twice, one moved, one taken away, one changed.
        before = one.evidence()
        assert not judge(before).but({Kind.LOST, Kind.ALARM_LATE, *NOT_YET})
        twice, moved, gone, changed = [point for point in before.points if point.device == "ups-1a"][-4:]
        for point in (moved, gone, changed):
            site.query(f'DELETE FROM "ups" WHERE "device" = \'ups-1a\' AND time = {round(point.wall * 1000)}ms')
        for number, wall in (
            (twice.number, twice.wall + 0.02),
            (moved.number, moved.wall + 2.5),
            (999_999, changed.wall),
        ):
            site.write(line(number, wall))
        after = judge(one.evidence())
        found = {kind: len(after.of(kind)) - len(judge(before).of(kind)) for kind in Kind}
        wanted = {Kind.DUPLICATE: 1, Kind.WRONG_TIME: 1, Kind.LOST: 2, Kind.INVENTED: 1}
        assert {kind: count for kind, count in found.items() if count} == wanted
    finally:
        site.close()


async def test_alarms_that_are_held_up_are_found(tmp_path):
    site = Site(tmp_path, LOOPBACK, agents=1, gateway=[sys.executable, str(PLANTED), "late-alarms"])
    try:
        _, verdict = await played(site, [], [Flip("ups-1a", 0.5, 3.5)])
        assert verdict.of(Kind.ALARM_LATE)
        assert not verdict.but({Kind.ALARM_LATE, *NOT_YET})
    finally:
        site.close()


def line(number, wall):
    volts, out, load = encode(number)
    series = "ups,agent=agent-1,device=ups-1a,room=机房,site=hq"
    return f"{series} input_voltage={volts},output_voltage={out},ups_load={load} {round(wall * 1000)}"
