"""Backups: files on this machine's disks and shares."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import SplitResult, unquote

import msgspec

from agent.backups.archive import TESTS
from agent.backups.daily import WEEK, Daily, minute
from agent.backups.verdict import Plan
from agent.drivers.base import Driver
from agent.ways import url
from agent.ways.base import Context
from agent.zones import timezone_of
from contract.errors import UsageError
from contract.settings import Bytes, Fault, Seconds, Text

NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]
_HOURS: Final = ("by", "begins", "tape_by")


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What must be there. Hours of the day are those of the site: ``"22:00"``; ``"24:00"`` ends a day."""

    KINDS: ClassVar[tuple[str, ...]] = ("backup",)
    EXAMPLE: ClassVar[str] = "backup:///mnt/backup/sales-*.tar.gz"

    files: tuple[Text, ...]
    """Patterns, with full paths. The newest file of each counts; ``**`` stands for folders."""
    each: bool = False
    """Every file is a backup of its own, as with configurations of network devices."""
    leaves: bool = False
    """It may be taken away once it was seen whole, as to a tape; left out: one that goes is missing."""
    parts: str = ""
    """Pattern of files that are still being written under another name."""
    mount: str = ""
    """Mount point that must be there: an empty folder is no share."""
    by: str = ""
    """The hour at which that of the day must be there."""
    begins: str = ""
    """The hour at which it begins to be written; left out, what was usual counts."""
    grace: Seconds = 1800.0
    """How late it may begin."""
    age: Seconds | None = None
    """How old the newest may be."""
    smallest: Bytes = 0
    largest: Bytes = 0
    """Left out: any size."""
    low: NotNegative = 0.5
    """Of the median of the last seven: how small it may be; 0: any size."""
    high: NotNegative = 2.0
    """The same, how large."""
    settle: Seconds = 60.0
    """A file that has not changed for so long is whole."""
    test: Literal["auto", "none", "checksum", "gzip", "bzip2", "xz", "tar", "zip", "sqlite"] = "auto"
    test_rate: Bytes = 50 << 20
    """Bytes a second that a test reads at the most."""
    test_time: Seconds = 3600.0
    """How long a test may take."""
    tape: str = ""
    """Pattern of the files that record what is on tape …"""
    tape_log: str = ""
    """… or the log that does,"""
    tape_match: str = ""
    """and what its line says (a regular expression); the line holds its time: ``2026-11-25 22:31:07``."""
    tape_by: str = ""
    """The hour at which the record must be there: some time before midnight, so that it can still be mended."""
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    """Those on which there is one; none: each. The hours above are of these days."""
    timezone: str = ""
    """``"Asia/Shanghai"``; left out: this machine's."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.files == ():
            yield Fault("no files", 'write files = ["/mnt/backup/sales-*.tar.gz"]', ("files",))
        for index, pattern in enumerate(draft.files if isinstance(draft.files, tuple) else ()):
            if isinstance(pattern, str):
                yield from _path(pattern, ("files", index))
        for key in ("parts", "mount", "tape", "tape_log"):
            value = getattr(draft, key)
            if isinstance(value, str) and value:
                yield from _path(value, (key,))
        yield from _times(draft)
        yield from _tape(draft)
        if isinstance(draft.test_rate, int) and draft.test_rate < 1 << 20:
            yield Fault("too slow to end", 'write test_rate = "10 MiB" or more', ("test_rate",))
        if isinstance(draft.high, float) and isinstance(draft.low, float) and 0.0 < draft.high <= draft.low:
            yield Fault("high is not above low", "write low = 0.5 and high = 2.0", ("high",))
        if draft.each is True and draft.parts:
            yield Fault("parts of which file?", "leave parts out where each file is a backup of its own", ("parts",))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Backup":
        """See ``Way.from_url``. ``backup:///mnt/backup/sales-*.tar.gz?by=22:00&test=none``; ``?`` is written %3F."""
        where = "backup://"
        if parts.netloc or not parts.path.startswith("/") or parts.fragment:
            raise UsageError("not a full path", where=where, hint=f"write {cls.EXAMPLE}, with three slashes")
        given = url.options(parts, ("by", "begins", "test", "timezone"), where)
        test = given.pop("test", "auto")
        if test not in TESTS:
            raise UsageError(f"no test {test!r}", where=where, hint=f"there are {', '.join(TESTS)}")
        way = cls(files=(unquote(parts.path),), test=test, **given)  # type: ignore[arg-type] # all texts, checked below
        for fault in cls.faults(way):
            raise UsageError(fault.what, where=where, hint=fault.hint)
        return way

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.backups.files import Disk  # noqa: PLC0415
        from agent.drivers.backup import BackupDriver, Memory, Wanted  # noqa: PLC0415
        from agent.memo import Memo  # noqa: PLC0415

        zone = timezone_of(self.timezone)
        days = frozenset(map(WEEK.index, self.days or WEEK))
        hours = {key: Daily(minute(value), zone, days) if (value := getattr(self, key)) else None for key in _HOURS}
        wanted = Wanted(
            files=self.files,
            each=self.each,
            leaves=self.leaves,
            parts=self.parts,
            mount=self.mount,
            plan=Plan(
                by=hours["by"],
                begins=hours["begins"],
                grace=self.grace,
                age=self.age,
                factors=(self.low, self.high),
                smallest=self.smallest,
                largest=self.largest,
                zone=zone,
            ),
            settle=self.settle,
            test=self.test,
            test_rate=float(self.test_rate),
            test_time=self.test_time,
            tape_files=self.tape,
            tape_log=self.tape_log,
            tape_match=re.compile(self.tape_match) if self.tape_match else None,
            tape_by=hours["tape_by"],
        )
        path = context.state / f"backup-{context.device}.json" if context.state and context.device else None
        return BackupDriver(wanted, Disk(), Memo(Memory, path), context.clock)


def _path(value: str, at: tuple[str | int, ...]) -> Iterable[Fault]:
    if not value.startswith("/"):
        yield Fault(f"{value!r} is no full path", 'write "/mnt/backup/…"', at)


def _times(draft: Any) -> Iterable[Fault]:
    for key in _HOURS:
        value = getattr(draft, key)
        if isinstance(value, str) and value:
            try:
                minute(value)
            except ValueError as error:
                yield Fault(str(error), 'write "22:00"; "24:00" is the midnight that ends a day', (key,))
    if draft.days and not (draft.by or draft.tape_by):
        yield Fault("days without an hour", 'write by = "22:00"', ("days",))
    if draft.begins and not draft.by:
        yield Fault("begins without by", 'write by = "22:00": the hour at which it must be there', ("begins",))
    if isinstance(draft.timezone, str):
        try:
            timezone_of(draft.timezone)
        except ValueError as error:
            yield Fault(str(error), 'write timezone = "Asia/Shanghai"', ("timezone",))


def _tape(draft: Any) -> Iterable[Fault]:
    if (draft.tape or draft.tape_log) and not draft.tape_by:
        yield Fault("a tape record by when?", 'write tape_by = "23:00": it can then still be mended', ("tape_by",))
    if draft.tape_by and not (draft.tape or draft.tape_log):
        yield Fault("which tape record?", 'write tape = "/mnt/tape/*.done", or tape_log and tape_match', ("tape_by",))
    if bool(draft.tape_log) is not bool(draft.tape_match):
        key = "tape_log" if draft.tape_log else "tape_match"
        yield Fault("tape_log and tape_match go together", 'write tape_match = "archived .* OK"', (key,))
    if isinstance(draft.tape_match, str):
        try:
            re.compile(draft.tape_match)
        except re.error as error:
            yield Fault(f"not a regular expression: {error}", "in ' ' a backslash is one", ("tape_match",))
