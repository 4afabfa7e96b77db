"""Backups: files that must be there, fresh, whole and of their usual size, and their tape records."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

BACKUP_STATUS: Final = (
    "MISSING",  # there is none, or today's is not there though its hour has passed
    "STALE",  # older than may be
    "SMALL",
    "LARGE",
    "DAMAGED",  # a checksum or an archive test says so
    "LATE",  # it will not be ready in time
    "UNTESTED",  # a test that is asked for could not be made
    "TAPE",  # its record in the tape library is not there in time
    "WRITING",  # it is being written now
    "CLOCK",  # dated in the future: two clocks differ
)
"""Flags of ``backup.status``."""

PLAIN: Final = (
    flags("backup.status", BACKUP_STATUS, "what is wrong with a backup; empty or WRITING where all is well"),
    text("backup.problem", "what is wrong, in sentences separated by '; '; 'none' where all is well"),
    text("backup.file", "newest backup that is whole"),
    number("backup.age", "s", -86400, 5e9, "age of the newest backup that is whole; of the oldest one of several"),
    number("backup.size", "B", 0, 1e18, "size of the newest backup that is whole"),
    number("backup.size.usual", "B", 0, 1e18, "median size of the last seven"),
    number("backup.written", "B", 0, 1e18, "size so far of the backup that is being written"),
    number("backup.rate", "B/s", 0, 1e12, "how fast it grows"),
    number("backup.left", "s", 0, 1e9, "time until it has its usual size, at this rate"),
    number("backup.count", "", 0, 1e6, "backups there are"),
    number("backup.wrong", "", 0, 1e6, "of several backups, how many have something wrong"),
    number("backup.tape.age", "s", -86400, 5e9, "age of the last record in the tape library"),
)

NUMBERED: Final[tuple[Quantity, ...]] = (
    text("backup.#.name", "which backup # is"),
    number("backup.#.age", "s", -86400, 5e9, "age of backup #"),
    number("backup.#.size", "B", 0, 1e18, "size of backup #"),
)
