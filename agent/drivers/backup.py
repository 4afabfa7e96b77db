"""Backups: looks at their files, judges each, has the newest tested in a thread of its own."""

import asyncio
import logging
import os
import re
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from agent.aside import Aside
from agent.backups import archive
from agent.backups.archive import Budget, Outcome
from agent.backups.daily import Daily
from agent.backups.files import last_record, newest_first
from agent.backups.growth import Growth
from agent.backups.verdict import AHEAD, LAST, Backup, Plan, Sight, Verdict, Wholeness, judge, tape
from agent.drivers.base import Identity, Lane
from agent.drivers.said import brief, joined
from agent.memo import Memo
from contract.clock import Clock, Stamp
from contract.errors import DeviceGarbled, PortUnavailable
from contract.reading import Reading, Value, judged, unavailable

_log = logging.getLogger(__name__)
_MOST: Final = 500
"""Backups of one device that are told apart."""
_NUMBERED: Final = 64
"""Those that are told of by number."""
_SIZES: Final = LAST + 1
"""Sizes that are remembered of each."""
_FORGET: Final = 30 * 86400.0
"""Seconds until a backup of which nothing was seen is no longer asked for: its device is gone."""
_AGAIN: Final = 3600.0
"""Seconds until a test that could not be made is tried again."""
_SANE: Final = 1_735_689_600.0
"""2025-01-01: a wall clock before it was never set, and knows of no day."""


class Files(Protocol):
    """What the driver needs of the disk; see ``agent.backups.files.Disk``. It may block, and raises DeviceError."""

    def seen(self, pattern: str) -> list[Sight]:
        """Return the files that a pattern finds, newest first."""
        ...

    def mounted(self, point: str) -> bool:
        """Say whether something is mounted there."""
        ...

    def tail(self, path: str) -> str:
        """Return the end of a log."""
        ...


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. Durations in seconds."""

    files: tuple[str, ...]
    each: bool = False
    """Every file is a backup of its own; else the newest of each pattern counts."""
    leaves: bool = False
    """It may be taken away once it was seen whole, as to a tape."""
    parts: str = ""
    mount: str = ""
    plan: Plan = Plan()
    settle: float = 60.0
    test: str = "auto"
    test_rate: float = 50e6
    test_time: float = 3600.0
    tape_files: str = ""
    tape_log: str = ""
    tape_match: re.Pattern[str] | None = None
    tape_by: Daily | None = None


class _Test(msgspec.Struct, frozen=True, omit_defaults=True):
    """A test that was made, of which file."""

    path: str = ""
    size: int = -1
    modified: float = 0.0
    sums: str = ""
    tested: Wholeness = Wholeness.NONE
    finding: str = ""
    at: float = 0.0
    """Wall time."""

    def of(self, sight: Sight, sums: str) -> bool:
        return (self.path, self.size, self.modified, self.sums) == (sight.path, sight.size, sight.modified, sums)


class _Item(msgspec.Struct, omit_defaults=True):
    """What is remembered of one backup."""

    sizes: list[Sight] = []
    """Newest first."""
    test: _Test = _Test()
    seen: float = 0.0
    """Wall time when there last was a file."""


class Memory(msgspec.Struct):
    """What is remembered of all, by pattern or, with ``each``, by path."""

    items: dict[str, _Item] = {}


class _View(msgspec.Struct):
    """What one look found."""

    files: dict[str, list[Sight]]
    parts: list[Sight]
    record: float | None
    sums: dict[str, str]
    """Path of the newest → the checksum beside it."""


Tester = Callable[[str, str, Budget], Outcome]


class BackupDriver:
    """Watches the backups of one device."""

    def __init__(
        self,
        wanted: Wanted,
        files: Files,
        memo: Memo[Memory],
        clock: Clock,
        *,
        tester: Tester = archive.examine,
    ) -> None:
        """Take what is asked for, the files, what is remembered, the clock, and who tests."""
        self._wanted = wanted
        self._files = files
        self._memo = memo
        self._kept = b""
        """What was written last."""
        self._clock = clock
        self._tester = tester
        where = os.path.dirname(wanted.files[0])  # noqa: PTH120 - a pattern, no path
        self._aside = Aside(where, "does the share answer? `ls` it by hand")
        self._testing = Aside(where)
        self._stop = threading.Event()
        self._growth = Growth(wanted.settle)
        self._memory: Memory | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(profile="backup", description=brief(", ".join(self._wanted.files)))

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:  # noqa: ARG002 - see Driver
        """See ``Driver.read``.

        Raises:
            PortUnavailable: a folder cannot be read, or is not mounted.
            DeviceTimeout: the share has not answered to the last look yet.
            DeviceGarbled: the clock of this machine was never set.
        """
        self._stop.clear()
        stamp = self._clock.stamp()
        if stamp.wall < _SANE:
            hint = "is there a time server? Without a date no backup is late"
            raise DeviceGarbled("the clock of this machine was never set", where="backup", hint=hint)
        if self._memory is None:
            self._memory = await self._memo.load() or Memory()
        memory = self._memory
        view = await self._aside.do(self._look)
        everything = [sight for sights in view.files.values() for sight in sights]
        self._growth.look([*everything, *view.parts], stamp.boottime, stamp.wall)
        judged_ones = [
            (name, backup, judge(backup, self._wanted.plan, stamp.wall))
            for name, backup in self._backups(view, memory, stamp)
        ]
        self._test_next(judged_ones, view, memory)
        self._keep(memory)
        return self._readings(judged_ones, view, stamp.wall)

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._stop.set()
        await self._memo.close()

    def _keep(self, memory: Memory) -> None:
        """Write what is remembered, if it is another than before: flash wears out."""
        text = msgspec.json.encode(memory)
        if text != self._kept:
            self._kept = text
            self._memo.save(memory)

    def _look(self) -> _View:
        """Look at all files; in a thread."""
        wanted = self._wanted
        if wanted.mount and not self._files.mounted(wanted.mount):
            raise PortUnavailable("nothing is mounted there", where=wanted.mount, hint=f"mount {wanted.mount}")
        files = {pattern: self._files.seen(pattern) for pattern in wanted.files}
        newest = {sight.path for sights in files.values() for sight in sights[: None if wanted.each else 4]}
        records = [sight.modified for sight in self._files.seen(wanted.tape_files)[:1]] if wanted.tape_files else []
        if wanted.tape_log and wanted.tape_match:
            found = last_record(self._files.tail(wanted.tape_log), wanted.tape_match, wanted.plan.zone)
            records += [found] if found is not None else []
        return _View(
            files=files,
            parts=self._files.seen(wanted.parts) if wanted.parts else [],
            record=max(records, default=None),
            sums={path: archive.sum_beside(path) for path in newest} if wanted.test in ("auto", "checksum") else {},
        )

    def _backups(self, view: _View, memory: Memory, stamp: Stamp) -> list[tuple[str, Backup]]:
        """Return what is known of each backup, and remember it."""
        groups = view.files
        if self._wanted.each:
            groups = {sight.path: [sight] for sights in view.files.values() for sight in sights}
            known = (name for name, item in memory.items.items() if stamp.wall - item.seen < _FORGET)
            groups |= {name: [] for name in known if name not in groups}
        memory.items = {name: memory.items.get(name) or _Item() for name in sorted(groups)[:_MOST]}
        return [
            (name, self._backup(groups[name], view, memory.items[name], stamp, alone=not self._wanted.each))
            for name in memory.items
        ]

    def _backup(self, sights: list[Sight], view: _View, item: _Item, stamp: Stamp, *, alone: bool) -> Backup:
        whole = next((sight for sight in sights if self._growth.settled(sight)), None)
        after = [sight for sight in sights if not self._growth.settled(sight)]
        if alone:
            after = newest_first([*after, *(part for part in view.parts if not self._growth.settled(part))])
        writing = after[0] if after else None
        if sights:
            item.seen = round(stamp.wall / 3600.0) * 3600.0  # to the hour: it is written to flash
        if whole is not None:
            others = [sight for sight in sights if sight != whole and self._growth.settled(sight)]
            remembered = {(sight.size, sight.modified): sight for sight in (*item.sizes, *others, whole)}
            item.sizes = newest_first(remembered.values())[:_SIZES]
        elif writing is not None and item.sizes:
            whole = item.sizes[0]  # it is being written over: until that is done, the one before is what there was
        if self._wanted.leaves and item.sizes and (whole is None or item.sizes[0].modified > whole.modified):
            whole = item.sizes[0]
        test = item.test
        same = whole is not None and test.of(whole, view.sums.get(whole.path, "") if whole in sights else test.sums)
        return Backup(
            whole=whole,
            writing=writing,
            rate=self._growth.rate(writing, stamp.boottime) if writing else None,
            earlier=[sight for sight in item.sizes if whole is None or sight.modified < whole.modified],
            tested=test.tested if same else Wholeness.NONE,
            finding=test.finding if same else "",
        )

    def _test_next(self, backups: list[tuple[str, Backup, Verdict]], view: _View, memory: Memory) -> None:
        """Have one tested that was not yet."""
        if self._wanted.test == "none" or self._testing.busy or self._tasks:
            return
        now = self._clock.stamp().wall
        there = {sight for sights in view.files.values() for sight in sights}
        for name, backup, _ in backups:
            whole, test = backup.whole, memory.items[name].test
            # not while the disk is busy with the next one, and not what was taken away
            if whole is None or backup.writing is not None or whole not in there:
                continue
            sums = view.sums.get(whole.path, "")
            if test.of(whole, sums) and not (test.tested is Wholeness.FAILED and now - test.at >= _AGAIN):
                continue
            task = asyncio.create_task(self._run_test(whole, sums, memory.items[name]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return

    async def _run_test(self, sight: Sight, sums: str, item: _Item) -> None:
        budget = Budget(self._wanted.test_rate, self._wanted.test_time, self._stop)
        outcome = await self._testing.do(lambda: self._tester(sight.path, self._wanted.test, budget))
        if self._stop.is_set():
            return
        item.test = _Test(
            sight.path, sight.size, sight.modified, sums, outcome.tested, outcome.finding, self._clock.stamp().wall
        )
        if outcome.tested is Wholeness.DAMAGED:
            _log.warning("%s: %s", sight.path, outcome.finding)

    def _readings(self, backups: list[tuple[str, Backup, Verdict]], view: _View, now: float) -> list[Reading]:
        alone = len(backups) == 1
        flags: set[str] = set()
        problems: list[str] = []
        for name, _, verdict in backups:
            flags |= verdict.flags
            problems += verdict.problems if alone else [f"{_short(name)}: {what}" for what in verdict.problems]
        if not backups:  # with `each`: there is no file, and none is remembered
            flags.add("MISSING")
            problems.append("there is none")
        missing = self._tape_missing(view, now)
        if missing:
            flags.add("TAPE")
            problems.append(missing)
        ages = {name: now - backup.whole.modified for name, backup, _ in backups if backup.whole}
        oldest = max(ages, key=lambda name: ages[name], default=None)
        whole = next((backup.whole for name, backup, _ in backups if name == oldest), None)
        said: list[tuple[str, Value | None]] = [
            ("backup.status", tuple(sorted(flags))),
            ("backup.problem", joined(problems)),
            ("backup.file", brief(whole.path) if whole else None),
            ("backup.age", _age(ages[oldest]) if oldest is not None else None),
            ("backup.count", float(sum(len(sights) for sights in view.files.values()))),
            ("backup.wrong", float(sum(verdict.wrong for _, _, verdict in backups))),
        ]
        if alone:
            said += _alone(backups[0][1], backups[0][2])
        else:
            said += _numbered(backups, ages)
        if self._wanted.tape_by is not None:
            said.append(("backup.tape.age", None if view.record is None else _age(now - view.record)))
        return [unavailable(name) if value is None else judged(name, value) for name, value in said]

    def _tape_missing(self, view: _View, now: float) -> str:
        by, plan = self._wanted.tape_by, self._wanted.plan
        if by is None:
            return ""
        record = view.record if view.record is None or view.record <= now + AHEAD else None
        return tape(record, by=by, begins=plan.begins or plan.by, now=now, zone=plan.zone)


def _alone(backup: Backup, verdict: Verdict) -> list[tuple[str, Value | None]]:
    """Return what is said where there is one backup only."""
    said: list[tuple[str, Value | None]] = [("backup.size", float(backup.whole.size) if backup.whole else None)]
    if verdict.usual is not None:
        said.append(("backup.size.usual", verdict.usual))
    if backup.writing is not None:
        said.append(("backup.written", float(backup.writing.size)))
        if backup.rate is not None:
            said.append(("backup.rate", round(max(0.0, backup.rate), 1)))
        if verdict.left is not None:
            said.append(("backup.left", round(verdict.left, 0)))
    return said


def _numbered(backups: list[tuple[str, Backup, Verdict]], ages: dict[str, float]) -> list[tuple[str, Value | None]]:
    said: list[tuple[str, Value | None]] = []
    for number, (name, backup, _) in enumerate(backups[:_NUMBERED], 1):
        said += [
            (f"backup.{number}.name", brief(name)),
            (f"backup.{number}.age", _age(ages[name]) if name in ages else None),
            (f"backup.{number}.size", float(backup.whole.size) if backup.whole else None),
        ]
    return said


def _age(seconds: float) -> float:
    return round(seconds, 0)


def _short(name: str) -> str:
    """Return the end of a path that still tells files apart: its folder and its name."""
    return "/".join(name.split("/")[-2:])
