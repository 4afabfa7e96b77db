"""What is right and what is wrong with one backup. Pure: files as they were seen, and the moment, are arguments.

Times are wall times in seconds, sizes in bytes.
"""

from collections.abc import Sequence
from datetime import tzinfo
from enum import Enum
from statistics import median
from typing import Final

import msgspec

from agent.backups.daily import Daily, opens, said

ENOUGH: Final = 3
"""Earlier backups without which nothing is usual."""
LAST: Final = 7
"""Earlier backups that make what is usual."""
AHEAD: Final = 300.0
"""Seconds that a file may be dated in the future: two clocks are never the same."""


_LONGEST: Final = 30 * 86400.0
"""Seconds: what takes longer is as good as standing still."""


class Sight(msgspec.Struct, frozen=True):
    """A file as it was seen."""

    path: str
    size: int
    modified: float


class Wholeness(Enum):
    """What became of a test."""

    NONE = "none"
    """There is none for it, or none is wanted."""
    RUNNING = "running"
    GOOD = "good"
    DAMAGED = "damaged"
    FAILED = "failed"
    """It could not be made."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup should be; None where nothing is asked for."""

    by: Daily | None = None
    begins: Daily | None = None
    grace: float = 1800.0
    """Seconds after the hour at which it begins until it is late."""
    age: float | None = None
    factors: tuple[float, float] = (0.5, 2.0)
    """Of its usual size, how small and how large it may be; 0 for either: any size."""
    smallest: int = 0
    largest: int = 0
    """0: any size."""
    zone: tzinfo | None = None


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one backup."""

    whole: Sight | None = None
    """The newest one that is no longer being written."""
    writing: Sight | None = None
    """The one that is."""
    rate: float | None = None
    """Bytes a second that it grows by; None: not known yet."""
    earlier: Sequence[Sight] = ()
    """Those before ``whole``, newest first."""
    tested: Wholeness = Wholeness.NONE
    finding: str = ""
    """Of the test, in words."""


class Verdict(msgspec.Struct, frozen=True):
    """What is said of it."""

    flags: frozenset[str] = frozenset()
    """Of ``backup.status``."""
    problems: tuple[str, ...] = ()
    usual: float | None = None
    """Bytes."""
    left: float | None = None
    """Seconds until it has its usual size."""

    @property
    def wrong(self) -> bool:
        """Whether something is wrong."""
        return bool(self.flags - {"WRITING"})


class _Findings:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.problems: list[str] = []

    def add(self, flag: str, problem: str) -> None:
        self.flags.add(flag)
        self.problems.append(problem)


def judge(backup: Backup, plan: Plan, now: float) -> Verdict:
    """Return what is said of a backup at this moment."""
    found = _Findings()
    usual = _usual(backup)
    left = _left(backup, usual)
    if backup.writing is not None:
        found.flags.add("WRITING")
    if plan.by is not None:
        _in_time(found, backup, plan, plan.by, left, now)
    if backup.whole is None:
        if backup.writing is None and "MISSING" not in found.flags:
            found.add("MISSING", "there is none")
        return Verdict(frozenset(found.flags), tuple(found.problems), usual, left)
    whole = backup.whole
    if whole.modified > now + AHEAD:
        found.add("CLOCK", f"dated in the future: {said(whole.modified, plan.zone)}")
    elif plan.age is not None and now - whole.modified > plan.age:
        found.add("STALE", f"of {said(whole.modified, plan.zone)}: older than {plan.age / 3600:g} h")
    _size(found, whole.size, usual, plan)
    if backup.tested is Wholeness.DAMAGED:
        found.add("DAMAGED", f"damaged: {backup.finding}")
    elif backup.tested is Wholeness.FAILED:
        found.add("UNTESTED", f"not tested: {backup.finding}")
    return Verdict(frozenset(found.flags), tuple(found.problems), usual, left)


def _usual(backup: Backup) -> float | None:
    """Return the median size of those before; before the one that is being written if there is one."""
    sizes = [sight.size for sight in backup.earlier]
    if backup.writing is not None and backup.whole is not None:
        sizes.insert(0, backup.whole.size)
    return float(median(sizes[:LAST])) if len(sizes) >= ENOUGH else None


def _left(backup: Backup, usual: float | None) -> float | None:
    if backup.writing is None or usual is None or backup.rate is None or backup.rate <= 0.0:
        return None
    return min(_LONGEST, max(0.0, usual - backup.writing.size) / backup.rate)


def _in_time(found: _Findings, backup: Backup, plan: Plan, by: Daily, left: float | None, now: float) -> None:
    """Look whether the last one that was due is there, and whether the next one will be."""
    newest = backup.whole.modified if backup.whole else float("-inf")
    passed = by.last(now)
    if newest < opens(by, plan.begins, passed):
        still = " (it is being written)" if backup.writing else ""
        found.add("MISSING", f"that of {said(passed, plan.zone)} is not there{still}")
    due = by.next(now)
    opened = opens(by, plan.begins, due)
    if newest >= opened or now < opened:
        return
    if backup.writing is not None:
        if left is not None and now + left > due:
            end, until = said(now + left, plan.zone), said(due, plan.zone)
            found.add("LATE", f"it grows too slowly: ready at {end}, due {until}")
        return
    started = plan.begins.last(due) + plan.grace if plan.begins else _usually(backup, by, due, plan.grace)
    if started is not None and now >= started:
        what = f"usually there by {said(started - plan.grace, plan.zone)}"
        if plan.begins:
            what = f"it should have begun at {said(started - plan.grace, plan.zone)}"
        found.add("LATE", f"{what}, and nothing is being written; due {said(due, plan.zone)}")


def _usually(backup: Backup, by: Daily, due: float, grace: float) -> float | None:
    """Return when it is late by what was usual: how long before their hour the others were ready."""
    others = [sight.modified for sight in ([backup.whole] if backup.whole else []) + list(backup.earlier)][:LAST]
    if len(others) < ENOUGH:
        return None
    return due - median(by.next(modified) - modified for modified in others) + grace


def _size(found: _Findings, size: int, usual: float | None, plan: Plan) -> None:
    low, high = plan.factors
    if size == 0:
        found.add("SMALL", "it is empty")
    elif size < plan.smallest:
        found.add("SMALL", f"{_mib(size)}: less than {_mib(plan.smallest)}")
    elif usual is not None and size < low * usual:
        found.add("SMALL", f"{_mib(size)}, where {_mib(usual)} is usual")
    if plan.largest and size > plan.largest:
        found.add("LARGE", f"{_mib(size)}: more than {_mib(plan.largest)}")
    elif usual is not None and high and size > high * usual:
        found.add("LARGE", f"{_mib(size)}, where {_mib(usual)} is usual")


def tape(record: float | None, *, by: Daily, begins: Daily | None, now: float, zone: tzinfo | None) -> str:
    """Return what is wrong with the tape record, or "".

    Args:
        record: when the last one was made; None for none.
        by: the hour at which it must be there.
        begins: the earliest thing of its day that has an hour: the backup that it is of.
        now: the moment.
        zone: for the times in what is said.
    """
    passed = by.last(now)
    if record is not None and record >= opens(by, begins, passed):
        return ""
    last = f"the last one is of {said(record, zone)}" if record is not None else "there is none"
    return f"no tape record for {said(passed, zone)}: {last}"


def _mib(size: float) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} bytes"
