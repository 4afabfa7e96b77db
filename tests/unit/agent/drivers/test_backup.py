"""A backup device over days: files, dates and the clock are turned by hand."""

import asyncio
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from agent.backups.archive import Outcome
from agent.backups.daily import Daily, minute
from agent.backups.verdict import Plan, Sight, Wholeness
from agent.drivers.backup import BackupDriver, Memory, Wanted
from agent.memo import Memo
from contract.clock import Stamp
from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable
from contract.reading import Quality

CHINA = ZoneInfo("Asia/Shanghai")
MB = 10**6
PATTERN = "/b/sales-*.gz"


def at(text):
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=CHINA).timestamp()


class FakeFiles:
    def __init__(self):
        self.there = {}
        self.log = ""
        self.mounts = set()
        self.error = None

    def put(self, name, size, when):
        self.there[f"/b/{name}"] = Sight(f"/b/{name}", size, at(when))

    def seen(self, pattern):
        if self.error:
            raise self.error
        found = [sight for path, sight in self.there.items() if Path(path).match(pattern)]
        return sorted(found, key=lambda sight: sight.modified, reverse=True)

    def mounted(self, point):
        return point in self.mounts

    def tail(self, _path):
        return self.log


class FakeTester:
    def __init__(self):
        self.tested = []
        self.outcome = Outcome(Wholeness.GOOD)

    def __call__(self, path, _wanted, _budget):
        self.tested.append(path)
        return self.outcome


class HandClock:
    def __init__(self):
        self.wall = at("25 12:00")

    def boottime(self):
        return self.wall - at("01 00:00")

    def stamp(self):
        return Stamp(self.wall, self.boottime() if self.wall > at("01 00:00") else 5.0, "boot", True)


class Bench:
    def __init__(self, folder=None, **wanted):
        plan = Plan(by=Daily(minute("22:00"), CHINA), begins=Daily(minute("20:00"), CHINA), age=26 * 3600.0, zone=CHINA)
        self.files, self.tester, self.clock = FakeFiles(), FakeTester(), HandClock()
        self.wanted = Wanted(**{"files": (PATTERN,), "plan": plan, **wanted})
        self.path = folder / "backup-sales.json" if folder else None
        self.start()

    def start(self):
        """Begin anew, as after a restart."""
        self.driver = BackupDriver(self.wanted, self.files, Memo(Memory, self.path), self.clock, tester=self.tester)

    def days(self, *days):
        for day in days:
            self.files.put(f"sales-{day}.gz", 100 * MB, f"{day} 21:30")

    async def read(self, when=None):
        if when:
            self.clock.wall = at(when)
        readings = {reading.quantity: reading for reading in await self.driver.read()}
        await asyncio.gather(*self.driver._tasks)
        await self.driver._memo.close()
        return readings

    async def status(self, when=None):
        return (await self.read(when))["backup.status"].value


@pytest.fixture
def bench():
    bench = Bench()
    bench.days(*range(17, 25))
    return bench


async def test_a_good_day(bench):
    assert await bench.status("25 12:00") == ()
    readings = await bench.read("25 12:01")
    assert all(reading.good for reading in readings.values()), readings
    assert readings["backup.problem"].value == "none"
    assert readings["backup.file"].value == "/b/sales-24.gz"
    assert readings["backup.age"].value == 14.5 * 3600 + 60
    assert readings["backup.size"].value == readings["backup.size.usual"].value == 100 * MB
    assert readings["backup.count"].value == 8


async def test_the_evening_of_a_backup_that_grows_and_is_whole_and_is_tested(bench):
    await bench.read("25 20:00")
    for minutes in range(30):
        bench.files.put("sales-25.gz", (3 * minutes + 1) * MB, f"25 20:{minutes + 10:02}")
        readings = await bench.read(f"25 20:{minutes + 10:02}")
        assert readings["backup.status"].value == ("WRITING",)
    assert readings["backup.rate"].value == pytest.approx(3 * MB / 60, rel=0.01)
    assert readings["backup.left"].value == pytest.approx(12 / 3 * 60, abs=2)
    bench.files.put("sales-25.gz", 101 * MB, "25 20:45")
    assert await bench.status("25 20:45") == ("WRITING",)
    assert "/b/sales-25.gz" not in bench.tester.tested
    assert await bench.status("25 20:47") == ()
    assert "/b/sales-25.gz" in bench.tester.tested
    assert await bench.status("25 22:10") == ()


async def test_one_that_grows_too_slowly_is_told_long_before_its_hour(bench):
    for minutes in range(5):
        bench.files.put("sales-25.gz", 100_000 * (minutes + 1), f"25 20:{minutes + 10:02}")
        readings = await bench.read(f"25 20:{minutes + 10:02}")
    assert readings["backup.status"].value == ("LATE", "WRITING")
    assert "too slowly" in readings["backup.problem"].value


async def test_one_that_stopped_half_way_is_small_and_not_being_written_for_ever(bench):
    for minutes in (10, 11, 12):
        bench.files.put("sales-25.gz", 10 * MB, "25 20:10")
        status = await bench.status(f"25 20:{minutes}")
    assert status == ("SMALL",)


async def test_a_part_under_another_name_counts_as_being_written():
    bench = Bench(parts="/b/*.part")
    bench.days(*range(17, 25))
    await bench.read("25 20:00")
    bench.files.put("x.part", 10 * MB, "25 20:40")
    assert await bench.status("25 20:40") == ("WRITING",)


async def test_one_that_does_not_come_is_late_and_then_missing(bench):
    assert [await bench.status(when) for when in ("25 20:29", "25 20:31", "25 22:01")] == [(), ("LATE",), ("MISSING",)]
    assert "that of 11-25 22:00 is not there" in (await bench.read())["backup.problem"].value


async def test_a_file_is_tested_once_and_once_more_when_it_is_another(bench):
    for minutes in range(5):
        await bench.read(f"25 12:{minutes:02}")
    assert bench.tester.tested == ["/b/sales-24.gz"]
    bench.files.put("sales-24.gz", 100 * MB + 1, "24 21:40")
    for minutes in range(5):
        await bench.read(f"25 13:{minutes:02}")
    assert len(bench.tester.tested) == 2


async def test_damage_stands_until_a_whole_one_comes(bench):
    bench.tester.outcome = Outcome(Wholeness.DAMAGED, "gzip: CRC check failed")
    await bench.read("25 12:00")
    readings = await bench.read("25 12:01")
    assert readings["backup.status"].value == ("DAMAGED",)
    assert "CRC check failed" in readings["backup.problem"].value
    bench.tester.outcome = Outcome(Wholeness.GOOD)
    bench.files.put("sales-25.gz", 100 * MB, "25 13:00")
    for minutes in (0, 1, 2, 3):
        status = await bench.status(f"25 14:0{minutes}")
    assert status == ()


async def test_a_test_that_could_not_be_made_is_tried_again_an_hour_later(bench):
    bench.tester.outcome = Outcome(Wholeness.FAILED, "it takes too long")
    await bench.read("25 12:00")
    assert await bench.status("25 12:01") == ("UNTESTED",)
    await bench.read("25 12:30")
    assert len(bench.tester.tested) == 1
    bench.tester.outcome = Outcome(Wholeness.GOOD)
    await bench.read("25 13:01")
    assert await bench.status("25 13:02") == ()


async def test_what_was_tested_and_how_large_it_was_outlives_a_restart(tmp_path):
    bench = Bench(tmp_path)
    bench.days(*range(17, 24))
    for day in range(17, 24):
        bench.files.there = {f"/b/sales-{day}.gz": Sight(f"/b/sales-{day}.gz", 100 * MB, at(f"{day} 21:30"))}
        await bench.read(f"{day} 23:00")
        await bench.read(f"{day} 23:02")
    bench.start()
    bench.files.there = {}
    bench.files.put("sales-24.gz", 10 * MB, "24 21:30")  # the older ones are no longer beside it
    assert await bench.status("24 22:50") == ("SMALL",)
    tested = len(bench.tester.tested)
    await bench.read("24 22:51")
    bench.start()
    await bench.read("24 22:52")
    await bench.read("24 22:53")
    assert len(bench.tester.tested) == tested


@pytest.mark.parametrize("text", ["", "{", "[]", '{"items": 3}', "\xff", '{"items": {"a": {"sizes": [1]}}}'])
async def test_a_memory_that_is_damaged_is_begun_anew(tmp_path, text):
    (tmp_path / "backup-sales.json").write_text(text, "latin-1")
    bench = Bench(tmp_path)
    bench.days(*range(17, 25))
    assert await bench.status("25 12:00") == ()
    assert b"sales-24.gz" in (tmp_path / "backup-sales.json").read_bytes()


async def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path):
    bench = Bench(tmp_path / "gone")
    bench.days(*range(17, 25))
    assert await bench.status("25 12:00") == ()


async def test_a_share_that_is_not_mounted_is_no_empty_folder():
    bench = Bench(mount="/mnt/backup")
    with pytest.raises(PortUnavailable, match="/mnt/backup"):
        await bench.read()
    bench.files.mounts.add("/mnt/backup")
    assert "MISSING" in await bench.status()


async def test_a_share_that_cannot_be_read_is_contact_lost_and_comes_back(bench):
    bench.files.error = PortUnavailable("stale handle")
    with pytest.raises(PortUnavailable):
        await bench.read()
    bench.files.error = None
    assert await bench.status("25 12:00") == ()


async def test_a_share_that_hangs_is_not_asked_again_and_again(bench):
    import threading

    free = threading.Event()
    bench.files.mounted = lambda _: free.wait()
    bench.driver._wanted = msgspec.structs.replace(bench.wanted, mount="/mnt")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await bench.driver.read()
    with pytest.raises(DeviceTimeout):
        await bench.driver.read()
    free.set()


async def test_a_clock_that_was_never_set_knows_of_no_day(bench):
    bench.clock.wall = 1000.0
    with pytest.raises(DeviceGarbled, match="never set"):
        await bench.driver.read()


async def test_a_tape_record_is_a_file_or_a_line():
    for wanted in ({"tape_files": "/b/*.done"}, {"tape_log": "/log", "tape_match": re.compile("archived OK")}):
        bench = Bench(tape_by=Daily(minute("23:00"), CHINA), **wanted)
        bench.days(*range(17, 26))
        bench.files.put("24.done", 1, "24 22:40")
        bench.files.log = "2026-11-24 22:40:00 archived OK\n"
        assert await bench.status("25 22:59") == ()
        assert await bench.status("25 23:01") == ("TAPE",)
        assert "no tape record" in (await bench.read())["backup.problem"].value
        bench.files.put("25.done", 1, "25 23:10")
        bench.files.log += "2026-11-25 23:10:00 archived OK\n"
        readings = await bench.read("25 23:11")
        assert readings["backup.status"].value == ()
        assert readings["backup.tape.age"].value == 60


async def test_without_any_tape_record_its_age_is_unknown():
    bench = Bench(tape_by=Daily(minute("23:00"), CHINA), tape_files="/b/*.done")
    bench.days(*range(17, 25))
    readings = await bench.read("25 12:00")
    assert readings["backup.tape.age"].quality is Quality.UNAVAILABLE
    assert readings["backup.status"].value == ("TAPE",)


async def test_configurations_are_each_a_backup_and_one_that_goes_is_missed(tmp_path):
    plan = Plan(age=7 * 86400.0, zone=CHINA)
    bench = Bench(tmp_path, files=("/b/*.cfg",), each=True, plan=plan, test="none")
    bench.files.put("sw-1.cfg", 4000, "24 02:00")
    bench.files.put("sw-2.cfg", 5000, "10 02:00")
    readings = await bench.read("25 12:00")
    assert readings["backup.status"].value == ("STALE",)
    assert readings["backup.problem"].value.startswith("b/sw-2.cfg: of 11-10 02:00: older than")
    assert readings["backup.wrong"].value == 1
    assert readings["backup.age"].value == at("25 12:00") - at("10 02:00")
    assert [readings[f"backup.{n}.name"].value for n in (1, 2)] == ["/b/sw-1.cfg", "/b/sw-2.cfg"]
    del bench.files.there["/b/sw-2.cfg"]
    bench.start()
    readings = await bench.read("25 12:10")
    assert readings["backup.problem"].value == "b/sw-2.cfg: there is none"
    assert readings["backup.2.age"].quality is Quality.UNAVAILABLE
    await bench.read("28 12:00")
    bench.clock.wall = at("25 12:00") + 31 * 86400  # its device is gone for good
    bench.files.there["/b/sw-1.cfg"] = Sight("/b/sw-1.cfg", 4000, bench.clock.wall - 3600)
    await bench.read()
    bench.clock.wall += 61.0
    assert (await bench.read())["backup.status"].value == ()


async def test_one_that_is_written_over_each_night_is_not_missing_meanwhile():
    bench = Bench(files=("/b/sales.gz",))
    bench.files.put("sales.gz", 100 * MB, "24 21:30")
    assert await bench.status("25 12:00") == ()
    for minutes in range(5):
        bench.files.put("sales.gz", (minutes + 1) * MB, f"25 20:0{minutes}")
        readings = await bench.read(f"25 20:0{minutes}")
        assert readings["backup.status"].value == ("WRITING",)
        assert readings["backup.age"].value > 22 * 3600
    bench.files.put("sales.gz", 100 * MB, "25 20:10")
    await bench.read("25 20:10")
    readings = await bench.read("25 20:12")
    assert (readings["backup.status"].value, readings["backup.age"].value) == ((), 120.0)


@pytest.mark.parametrize(("leaves", "status"), [(True, ()), (False, ("MISSING",))])
async def test_one_that_is_taken_away_is_missing_unless_it_may_be(tmp_path, leaves, status):
    bench = Bench(tmp_path, leaves=leaves)
    bench.files.put("sales-25.gz", 100 * MB, "25 21:30")
    for minutes in range(3):
        await bench.read(f"25 21:4{minutes}")
    bench.files.there = {}
    bench.start()
    assert await bench.status("25 22:30") == status
    assert len(bench.tester.tested) == 1
    if leaves:
        assert (await bench.read())["backup.file"].value == "/b/sales-25.gz"
        assert await bench.status("26 20:31") == ("LATE",)


async def test_a_damaged_one_that_is_taken_away_stays_damaged():
    bench = Bench(leaves=True)
    bench.tester.outcome = Outcome(Wholeness.DAMAGED, "gzip: CRC")
    bench.files.put("sales-25.gz", 100 * MB, "25 21:30")
    await bench.read("25 21:40")
    bench.files.there = {}
    assert await bench.status("25 22:30") == ("DAMAGED",)


async def test_no_configuration_at_all_is_missing():
    bench = Bench(files=("/b/*.cfg",), each=True)
    assert "MISSING" in await bench.status("25 12:00")


async def test_very_many_files_are_no_endless_reading():
    bench = Bench(files=("/b/*.cfg",), each=True, plan=Plan(zone=CHINA), test="none")
    for number in range(2000):
        bench.files.put(f"sw-{number}.cfg", 4000, "24 02:00")
    readings = await bench.read("25 12:00")
    assert len(readings) < 250


async def test_all_that_is_said_is_in_the_dictionary(bench):
    for when in ("25 20:31", "25 22:01"):
        readings = await bench.read(when)
        assert not [name for name, reading in readings.items() if reading.quality is Quality.IMPLAUSIBLE]
