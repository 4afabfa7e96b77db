"""The simulated share, looked at by the agent's own driver: each fault is what it says it is."""

import asyncio
import re
import time
from datetime import UTC, datetime

import pytest

from agent.backups.daily import Daily
from agent.backups.files import Disk
from agent.backups.verdict import Plan
from agent.drivers.backup import BackupDriver, Memory, Wanted
from agent.memo import Memo
from contract.clock import Stamp
from contract.errors import PortUnavailable
from firmware_sims.backup_share import Backups, BackupShare
from firmware_sims.faults import Fault


class Clock:
    def __init__(self):
        self.ahead = 0.0

    def boottime(self):
        return time.monotonic() + self.ahead

    def stamp(self):
        return Stamp(time.time() + self.ahead, self.boottime(), "boot", True)


class Site:
    def __init__(self, folder):
        self.share = BackupShare(Backups(), folder / "share")
        self.clock = Clock()
        self.driver = BackupDriver(
            Wanted(
                files=(self.share.address,),
                plan=Plan(age=25 * 3600.0, zone=UTC),
                settle=60.0,
                tape_log=self.share.tape,
                tape_match=re.compile(r"sales-\S+ archived OK"),
                tape_by=Daily(_minute(3600.0), UTC),
            ),
            Disk(),
            Memo(Memory, None),
            self.clock,
        )

    async def look(self):
        readings = {reading.quantity: reading.value for reading in await self.driver.read()}
        await asyncio.gather(*self.driver._tasks)
        return readings

    async def status_later(self):
        """After two minutes without a change, and after a test."""
        await self.look()
        self.clock.ahead += 120.0
        await self.look()
        return set((await self.look())["backup.status"])


def _minute(ahead):
    moment = datetime.fromtimestamp(time.time() + ahead, UTC)
    return moment.hour * 60 + moment.minute


@pytest.fixture
async def site(tmp_path):
    site = Site(tmp_path)
    await site.share.start()
    yield site
    await site.driver.close()
    await site.share.stop()


async def test_a_share_with_its_history_is_good_and_the_backup_of_today_too(site):
    assert await site.status_later() == set()
    await site.share.backup()
    assert await site.status_later() == set()
    readings = await site.look()
    assert readings["backup.count"] == 8
    assert 100 < readings["backup.age"] < 300


@pytest.mark.parametrize(
    ("fault", "flags"),
    [
        (Fault.SILENCE, {"STALE", "TAPE"}),
        (Fault.GARBAGE, {"DAMAGED"}),
        (Fault.HALF, {"SMALL", "DAMAGED"}),
        (Fault.CHECKSUM, {"DAMAGED"}),
        (Fault.ADDRESS, {"STALE", "TAPE"}),
        (Fault.SENTINELS, {"SMALL", "DAMAGED"}),
    ],
)
async def test_each_fault_is_seen_as_what_it_is(site, fault, flags):
    await site.look()
    await site.share.set_fault(fault)
    await site.share.backup()
    if fault in (Fault.SILENCE, Fault.ADDRESS):
        site.clock.ahead += 2 * 3600.0  # the hours at which the backup and its record must be there
    found = await site.status_later()
    assert flags <= found
    await site.share.set_fault(Fault.NONE)
    site.clock.ahead = 0.0
    await asyncio.sleep(1.1)  # the next one has another second in its name
    await site.share.backup()
    assert await site.status_later() == set()


async def test_a_share_that_is_unplugged_is_not_empty(site):
    await site.share.set_fault(Fault.UNPLUG)
    with pytest.raises(PortUnavailable):
        await site.look()
    await site.share.set_fault(Fault.NONE)
    assert (await site.look())["backup.count"] == 7


async def test_a_backup_grows_while_it_is_written(site):
    site.share.backups.seconds = 2.0
    await site.look()
    site.share.begin()
    await asyncio.sleep(0.5)
    first = await site.look()
    await asyncio.sleep(0.5)
    second = await site.look()
    assert first["backup.status"] == second["backup.status"] == ("WRITING",)
    assert 0 < first["backup.written"] < second["backup.written"]
    await site.share._writing
    assert await site.status_later() == set()
