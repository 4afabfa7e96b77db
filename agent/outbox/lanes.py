"""The messages in memory, and the order in which they go: alarms first, live readings, then the backlog; each in a window."""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from agent.outbox.entry import RESEND_AFTER, Entry, Key, Sender, restamped
from contract.message import Topic
from contract.ranges import Range, Ranges

WINDOW = 64
"""Live readings that may be under way at once."""
ALARMS: Final = 256
"""The same of alarms."""
OLD: Final = 2 * WINDOW
"""The same of what is said once more, beside them: it holds up nothing that is new, and a tenth of a second on the way
leaves it its rate."""
RESEND_MOST = 300.0
RESTAMP_AFTER = 1.0
"""Seconds after which the time of sending that a message carries is too old to be left."""


class Lane:
    """Messages that go first in, first out, so many under way at once. What is done costs what it is done to."""

    def __init__(self, window: int) -> None:
        """Take how many may be under way."""
        self.entries: dict[Key, Entry] = {}
        self.under_way: dict[Key, Entry] = {}
        """Sent, and not answered."""
        self.unspooled: dict[Key, Entry] = {}
        """Not on the disk."""
        self._window = window
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        """To be sent."""
        self._seqs: dict[str, list[int]] = {}
        """Epoch → its numbers, in order."""

    @property
    def room(self) -> int:
        """How many it may still have, if all that it has is under way."""
        return self._window - len(self.entries)

    @property
    def epochs(self) -> Iterable[str]:
        """The epochs that something is of."""
        return self._seqs.keys()

    def lowest(self, epoch: str) -> int:
        """Return the lowest number of an epoch, 0 for none, with what it stands for."""
        seqs = self._seqs.get(epoch)
        return (self.entries[epoch, seqs[0]].first or seqs[0]) if seqs else 0

    def add(self, key: Key, entry: Entry) -> None:
        """Take a message, which is to be sent."""
        self.entries[key] = entry
        insort(self._seqs.setdefault(key[0], []), key[1])
        self._waiting[key] = None
        if not entry.spooled:
            self.unspooled[key] = entry

    def drop(self, epoch: str, numbers: Iterable[Range]) -> None:
        """Forget messages."""
        seqs = self._seqs.get(epoch, [])
        for first, last in numbers:
            begin, end = bisect_left(seqs, first), bisect_right(seqs, last)
            for seq in seqs[begin:end]:
                key = epoch, seq
                for all_or_some in (self.entries, self.under_way, self.unspooled, self._waiting):
                    all_or_some.pop(key, None)
            del seqs[begin:end]
        if not seqs:
            self._seqs.pop(epoch, None)

    def clear(self) -> None:
        """Forget all."""
        for each in (self.entries, self.under_way, self.unspooled, self._waiting, self._seqs):
            each.clear()

    def answer(self, epoch: str, numbers: Iterable[Range]) -> None:
        """Take it that somebody has these."""
        seqs = self._seqs.get(epoch, [])
        for first, last in numbers:
            for seq in seqs[bisect_left(seqs, first) : bisect_right(seqs, last)]:
                self.entries[epoch, seq].answered = True
                self.under_way.pop((epoch, seq), None)

    def spooled(self, key: Key) -> None:
        """Take it that a message is on the disk."""
        self.unspooled.pop(key, None)
        self.entries[key].spooled = True

    def again(self, has: Callable[[Key], bool]) -> None:
        """Let everything wait again that nobody has, as if it had never been sent."""
        self.under_way.clear()
        for key, entry in self.entries.items():
            entry.sent, entry.resend, entry.answered = None, RESEND_AFTER, has(key)
        self._wait()

    def refill(self, entries: Iterable[tuple[Key, Entry]]) -> None:
        """Take these in place of those that are there; what is under way stays so."""
        under_way = list(self.under_way)
        self.clear()
        for key, entry in entries:
            self.add(key, entry)
        self.under_way = {key: self.entries[key] for key in under_way if key in self.entries}
        self._wait()

    def _wait(self) -> None:
        """Let everything wait that nobody has."""
        self._waiting = OrderedDict((key, None) for key, entry in self.entries.items() if not entry.answered)

    def pump(self, send: Callable[[Entry], None]) -> None:
        """Send what waits, while the window is open."""
        while self._waiting and len(self.under_way) < self._window:
            key, _ = self._waiting.popitem(last=False)
            if key not in self.under_way:
                entry = self.under_way[key] = self.entries[key]
                send(entry)

    def overdue(self, now: float) -> list[Entry]:
        """Return what was sent long ago and nobody answered."""
        return [entry for entry in self.under_way.values() if entry.sent is None or now - entry.sent >= entry.resend]


class Lanes:
    """What is in memory. All times are boottimes."""

    def __init__(self, boot: str) -> None:
        """Take the boot that boottimes belong to."""
        self.alarms = Lane(ALARMS)
        """All that are held, in the order of their queueing; the older epochs first."""
        self.live = Lane(WINDOW)
        """Readings that were never on disk only: under way, or not on disk yet, or answered by one gateway just now."""
        self.old = Lane(OLD)
        """What goes once more: readings from the disk, and alarms that somebody has and somebody lacks."""
        self.sender: Sender | None = None
        self._boot = boot

    def __contains__(self, key: Key) -> bool:
        return any(key in lane.entries for lane in self._every)

    @property
    def _every(self) -> tuple[Lane, Lane, Lane]:
        return self.alarms, self.live, self.old

    def all(self) -> list[tuple[Key, Entry]]:
        """Return all that is in memory, the alarms first."""
        return [each for lane in self._every for each in lane.entries.items()]

    def epochs(self) -> set[str]:
        """Return the epochs that something is of."""
        return {epoch for lane in self._every for epoch in lane.epochs}

    def numbers(self, beside: Mapping[str, Ranges] | None = None) -> dict[str, Ranges]:
        """Return all numbers that are in memory, epoch by epoch, after those that are held ``beside``."""
        found = {epoch: Ranges(ranges) for epoch, ranges in (beside or {}).items()}
        for (epoch, seq), entry in self.all():
            found.setdefault(epoch, Ranges()).add_range(entry.first or seq, seq)
        return found

    def lowest(self, epoch: str) -> list[int]:
        """Return the lowest numbers of an epoch, if there are any."""
        return [lowest for lane in self._every if (lowest := lane.lowest(epoch))]

    def add(self, key: Key, entry: Entry, now: float) -> None:
        """Take a new message, and send it if it may go at once."""
        lane = self.alarms if entry.topic is Topic.ALARMS else self.live
        lane.add(key, entry)
        if self.sender is not None:
            lane.pump(lambda each: self._send(each, now))

    def pump(self, now: float) -> None:
        """Send what waits: alarms, then readings."""
        if self.sender is not None:
            for lane in self._every:
                lane.pump(lambda each: self._send(each, now))

    def again(self, has: Callable[[Key], bool]) -> None:
        """Let everything wait again that nobody has; the backlog comes by the rest."""
        self.old.clear()
        self.alarms.again(has)
        self.live.again(has)

    def overdue(self, now: float) -> None:
        """Send again what was sent long ago and nobody answered."""
        for lane in self._every:
            for entry in lane.overdue(now):
                entry.resend = min(entry.resend * 2, RESEND_MOST)
                self._send(entry, now)

    def drop(self, epoch: str, numbers: Ranges) -> None:
        """Forget messages that everybody has."""
        for lane in self._every:
            lane.drop(epoch, numbers)

    def answer(self, epoch: str, numbers: Ranges) -> None:
        """Take it that somebody has these."""
        self.alarms.answer(epoch, numbers)
        self.live.answer(epoch, numbers)

    def lose(self, epoch: str, span: Range) -> None:
        """Forget readings that will never be sent."""
        self.live.drop(epoch, [span])
        self.old.drop(epoch, [span])

    def rest(self, now: float) -> list[Key]:
        """Forget readings that the disk has and that are not under way: no need to hold them twice; return which.

        What somebody has was sent to all just now: whoever lacks it may take a while.
        """
        live = self.live
        gone = [
            key
            for key, entry in live.entries.items()
            if entry.spooled and key not in live.under_way and (entry.sent is None or now - entry.sent >= RESEND_AFTER)
        ]
        for epoch, seq in gone:
            live.drop(epoch, [(seq, seq)])
        return gone

    def unspooled(self) -> list[tuple[Key, Entry]]:
        """Return what is not on the disk, the alarms first."""
        return [*self.alarms.unspooled.items(), *self.live.unspooled.items()]

    def spooled(self, key: Key) -> None:
        """Take it that a message is on the disk."""
        (self.alarms if key in self.alarms.entries else self.live).spooled(key)

    def compare(self, disk: dict[str, Ranges]) -> None:
        """Take it that exactly these are on the disk; a reading that came from there, and is there no longer, is as new."""
        back = [each for each in self.old.entries.items() if each[1].topic is Topic.READINGS and not _on(disk, each[0])]
        for (epoch, seq), entry in back:
            self.old.drop(epoch, [(seq, seq)])
            self.live.add((epoch, seq), entry)
        for lane in (self.alarms, self.live):
            for key, entry in lane.entries.items():
                entry.spooled = _on(disk, key)
            lane.unspooled = {key: entry for key, entry in lane.entries.items() if not entry.spooled}

    def _send(self, entry: Entry, now: float) -> None:
        assert self.sender is not None  # noqa: S101 - the callers look
        entry.sent = now
        if now - entry.queued > RESTAMP_AFTER:
            entry.body = restamped(entry, self._boot, now)
        self.sender.send(entry.topic, entry.body)


def _on(disk: dict[str, Ranges], key: Key) -> bool:
    epoch, seq = key
    return seq in disk.get(epoch, ())
