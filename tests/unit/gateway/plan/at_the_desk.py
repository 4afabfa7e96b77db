"""The timetable with the desk in front of the incidents: what is put aside, suppressed, made worse, counted and calmed."""

import msgspec
from timetable import Day

from contract.errors import StorageError
from contract.message import Alarms, Device, Inventory, Readings
from gateway.alarms import aside
from gateway.alarms.desk import LOOK, Desk
from gateway.alarms.model import load_rules
from gateway.event import Event
from gateway.incidents import Incidents
from gateway.live import Live


class DeskDay(Day):
    """One scenario."""

    def __init__(self, rules: str = "", **more):
        self.rules = load_rules(rules)
        self.heard = []
        self.owed = []
        """Alarms that the disk has not taken yet: they come again, in their order."""
        super().__init__(**more)

    def device(self, name, kind, **more):
        device = super().device(name, kind, **more)
        self._describe()
        return device

    def hear(self, alarm, source):
        self.heard.append((alarm, source))
        self.live.alarm(source.site, source.agent, Alarms(occurrence=alarm.occurrence))
        self.owed.append((alarm, source))
        self._settle()

    def _settle(self):
        while self.owed:
            try:
                self.run(self.desk.on_alarm(*self.owed[0]))
            except StorageError:
                break
            del self.owed[0]
        return super()._settle()

    def reads(self, device, **values):
        """A poll of a device that no agent judges."""
        named = {name.replace("_", "."): value for name, value in values.items()}
        message = Readings(device=device.source.device, at=self.clock.stamp(), sent=self.clock.boot, values=named)
        self.live.readings(device.source.site, device.source.agent, message, self.clock.wall)
        self._settle()

    def put(self, kind, target, *, minutes=0.0, who="li", why="换电池"):
        """A person puts something aside, or back."""
        data = {"target": msgspec.to_builtins(aside.target_of(target))}
        data |= {"until": self.clock.wall + 60 * minutes} if minutes else {}
        self.run(self.desk.put(Event(at=self.clock.wall, kind=kind, who=who, text=why, data=data)))
        self._settle()

    def restart(self):
        self.incidents = self._made()
        self._describe()
        for alarm, source in self.heard:
            self.live.alarm(source.site, source.agent, Alarms(occurrence=alarm.occurrence))
        self.run(self.incidents.load())
        self.run(self.desk.adopt(self.incidents.list(), ()))
        self._settle()

    def clock_is_put(self, seconds):
        super().clock_is_put(seconds)
        self.desk.moved(seconds)

    def states(self):
        """What every list shows: condition → state."""
        now = self.clock.wall
        return {one.alarm.occurrence.condition: str(one.alarm.state(now)) for one in self.live.standing()}

    def _describe(self):
        by_agent = {}
        for device in self.devices.values():
            source = device.source
            one = Device(id=source.device, kind=source.kind, room=source.room, title=source.title, interval=1.0)
            by_agent.setdefault((source.site, source.agent), []).append(one)
        for key, devices in by_agent.items():
            self.live.inventory(*key, Inventory(devices=tuple(devices)))

    def _made(self):
        self.live = Live(self.clock)
        made = Incidents(self.journal, self.plan, self.contacts, self, self.clock, self)
        self.desk = Desk(self.rules, self.live, made, self.journal, self.clock, self.contacts.hours)
        self.live.on_readings = self.desk.own.take
        return made

    def latest(self, source, quantity):
        return super().latest(source, quantity) or self.desk.own.latest(source, quantity)

    def conditions(self, source):
        return {**super().conditions(source), **self.desk.own.conditions(source)}

    async def _tick(self):
        try:
            await self.desk.look()
        except StorageError:
            return self.clock.wall + LOOK
        wake = await super()._tick()
        return min(self.clock.wall + LOOK, wake or float("inf"))
