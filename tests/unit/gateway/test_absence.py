"""What an agent no longer speaks of ends, once, and is handed on though the disk fails at first."""

import pytest

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Alarms, Hello
from gateway.absence import Absence
from gateway.live import ABSENT_AFTER, Live
from gateway.twins import Twins


class TurnedClock:
    def __init__(self):
        self.now = 1000.0

    def stamp(self):
        return Stamp(wall=1_700_000_000.0 + self.now, boottime=self.now, boot="g", trusted=True)

    def boottime(self):
        return self.now


async def test_it_ends_is_handed_on_once_and_again_only_while_the_disk_fails():
    clock, told, fails = TurnedClock(), [], [True]
    live = Live(clock)

    async def on_alarm(alarm, view):
        if fails:
            raise StorageError("the disk is full")
        told.append((alarm.occurrence.id, alarm.occurrence.active, alarm.occurrence.cleared.wall, view.id))

    absence = Absence(live, Twins(), clock, on_alarm)
    live.alarm("hq", "a", Alarms(occurrence=Occurrence(id="o1", device="ups-1", condition="on-battery")))
    live.hello("hq", "a", Hello(epoch="00000000000000aa"))
    await absence.look()
    clock.now += ABSENT_AFTER
    with pytest.raises(StorageError):
        await absence.look()
    fails.clear()
    for _ in range(2):
        await absence.look()
    assert told == [("o1", False, 1_700_000_000.0 + clock.now, "ups-1")]
