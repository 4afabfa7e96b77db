"""The messages in memory, and the order in which they go: alarms first, live readings, then the backlog, in a window."""

from collections.abc import Iterable

from agent.entry import RESEND_AFTER, Entry, Key, Sender, restamped
from contract.message import Topic
from contract.ranges import Range, Ranges

WINDOW = 64
"""Readings messages that may be under way at once; alarms go outside it."""
RESEND_MOST = 300.0
RESTAMP_AFTER = 1.0
"""Seconds after which the time of sending that a message carries is too old to be left."""


class Lanes:
    """What is in memory. All times are boottimes."""

    def __init__(self, boot: str) -> None:
        """Take the boot that boottimes belong to."""
        self.alarms: dict[Key, Entry] = {}
        """All that are held, in the order of their queueing; the older epochs first."""
        self.readings: dict[Key, Entry] = {}
        """Those that are under way, and those that are not on disk yet."""
        self.outstanding = 0
        """Readings that are under way: sent, and not answered by everybody who is there."""
        self.sender: Sender | None = None
        self._boot = boot

    def __contains__(self, key: Key) -> bool:
        return key in self.readings or key in self.alarms

    def all(self) -> Iterable[tuple[Key, Entry]]:
        """Return all that is in memory, the alarms first."""
        return [*self.alarms.items(), *self.readings.items()]

    def epochs(self) -> set[str]:
        """Return the epochs that something is of."""
        return {epoch for epoch, _ in [*self.alarms, *self.readings]}

    def add(self, key: Key, entry: Entry, now: float) -> None:
        """Take a new message, and send it if it may go at once."""
        if entry.topic is Topic.ALARMS:
            self.alarms[key] = entry
        else:
            self.readings[key] = entry
        if self.sender is not None and (entry.topic is Topic.ALARMS or self.outstanding < WINDOW):
            self._send(entry, now)

    def pump(self, now: float) -> None:
        """Send what waits: alarms, then readings while the window is open."""
        if self.sender is None:
            return
        for entry in [entry for entry in self.alarms.values() if entry.sent is None and not entry.answered]:
            self._send(entry, now)
        if self.outstanding < WINDOW:
            waiting = [entry for entry in self.readings.values() if entry.sent is None and not entry.answered]
            for entry in waiting[: WINDOW - self.outstanding]:
                self._send(entry, now)

    def again(self) -> None:
        """Let everything wait again, as if it had never been sent."""
        for _, entry in self.all():
            entry.sent = None
            entry.resend = RESEND_AFTER
            entry.answered = False
        self.outstanding = 0

    def overdue(self, now: float) -> None:
        """Let wait again what was sent long ago and nobody answered."""
        for _, entry in self.all():
            if entry.sent is not None and not entry.answered and now - entry.sent >= entry.resend:
                entry.resend = min(entry.resend * 2, RESEND_MOST)
                self.outstanding -= _under_way(entry)
                entry.sent = None

    def drop(self, epoch: str, numbers: Ranges) -> None:
        """Forget messages that everybody has."""
        for lane in (self.alarms, self.readings):
            for key in [key for key in lane if key[0] == epoch and key[1] in numbers]:
                self.outstanding -= _under_way(lane.pop(key))

    def answer(self, epoch: str, numbers: Ranges) -> None:
        """Mark exactly these of an epoch as answered."""
        for (of, seq), entry in self.all():
            if of == epoch:
                self.outstanding -= _under_way(entry)
                entry.answered = seq in numbers
                self.outstanding += _under_way(entry)

    def lose(self, epoch: str, span: Range) -> None:
        """Forget readings that will never be sent."""
        for key in [key for key in self.readings if key[0] == epoch and span[0] <= key[1] <= span[1]]:
            self.outstanding -= _under_way(self.readings.pop(key))

    def rest(self) -> list[Key]:
        """Forget readings that the disk has and that must wait: no need to hold them twice; return which."""
        gone = [key for key, entry in self.readings.items() if entry.spooled and (entry.sent is None or entry.answered)]
        for key in gone:
            del self.readings[key]
        return gone

    def unspooled(self) -> list[tuple[Key, Entry]]:
        """Return what is not on the disk, the alarms first."""
        return [(key, entry) for key, entry in self.all() if not entry.spooled]

    def _send(self, entry: Entry, now: float) -> None:
        assert self.sender is not None  # noqa: S101 - the callers look
        self.outstanding -= _under_way(entry)
        entry.sent = now
        self.outstanding += _under_way(entry)
        if now - entry.queued > RESTAMP_AFTER:
            entry.body = restamped(entry, self._boot, now)
        self.sender.send(entry.topic, entry.body)


def _under_way(entry: Entry) -> bool:
    return entry.topic is Topic.READINGS and entry.sent is not None and not entry.answered
