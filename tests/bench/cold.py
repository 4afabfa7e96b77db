# ruff: noqa: T201 - a script that prints its table
"""How long a start takes with a big journal: opening it, and reading what is known now from it.

Two journals are made in a scratch folder: one with as many rows as asked for and short bodies (so that it fits on the
disk), one with a tenth of them and bodies of a real poll's size. Both were killed: the ranges of the last messages are
in no checkpoint. The system's cache of the file is dropped before each start, where we may.

usage: cold.py [--rows 10000000] [--folder DIR]
"""

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from contract.message import Alarms, Device, Inventory, Readings, encode
from gateway.clock import SystemClock
from gateway.feed import rebuild
from gateway.journal import Journal
from gateway.journal.file import connect
from gateway.journal.retention import Retention
from gateway.journal.verify import verify
from gateway.journal.writer import CHECKPOINT
from gateway.live import HOUR, Live

AGENTS = 50
EVERY = 50
"""Messages a second, the last of them now."""
RARE = 5000
"""Messages to one alarm."""
SLICE = 10_000


def body(agent: int, seq: int, at: float, *, big: bool) -> bytes:
    """Return a reading; a big one has some 700 bytes."""
    names = [f"x.point.{number}" for number in range(24)] if big else ["battery.charge"]
    device = f"ups-{seq % 10}"
    message = Readings(epoch=f"{agent:016x}", seq=seq, device=device, values=dict.fromkeys(names, 99.5))
    return encode(message).replace(b'"device"', b'"at":{"wall":%.3f,"boot":"b","trusted":true},"device"' % at)


def rows(count: int, *, big: bool) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the messages table."""
    begin = time.time() - count / EVERY
    inventory = encode(Inventory(devices=tuple(Device(id=f"ups-{number}", kind="ups") for number in range(10))))
    bodies: dict[tuple[int, int], bytes] = {}
    for number in range(1, count + 1):
        seq, agent = divmod(number - 1, AGENTS)
        at = begin + number / EVERY
        if number <= AGENTS:
            yield number, AGENTS + agent + 1, 3, 0, 0, at, inventory
        elif number % RARE == 0:
            yield number, agent + 1, 1, seq, seq, at, encode(Alarms(epoch=f"{agent:016x}", seq=seq))
        else:  # made once: a start reads them, and does not look at their numbers
            made = bodies.setdefault((agent, seq % 10), body(agent, seq, at, big=big))
            yield number, agent + 1, 0, seq, seq, at, made


def make(path: Path, count: int, *, big: bool) -> None:
    """Write a journal as a kill leaves it behind."""
    db = connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    for agent in range(AGENTS):
        last = (count - CHECKPOINT) // AGENTS - 1
        have = json.dumps([[1, last]])
        db.execute(
            "INSERT INTO streams VALUES (?, 'hq', ?, ?, ?, 0, ?)",
            (agent + 1, f"a{agent}", f"{agent:016x}", have, time.time()),
        )
        db.execute(
            "INSERT INTO streams VALUES (?, 'hq', ?, '', '[]', 0, ?)", (AGENTS + agent + 1, f"a{agent}", time.time())
        )
    db.execute("INSERT INTO meta VALUES ('checkpoint', ?)", (str(count - CHECKPOINT),))
    db.execute("INSERT INTO cursors VALUES ('store', ?, '')", (count - 1000,))
    db.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", rows(count, big=big))
    db.execute("COMMIT")
    db.close()


def forget_cache(path: Path) -> None:
    """Have the system drop what it has of a file in memory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def start(path: Path) -> tuple[float, float, float]:
    """Return the seconds of opening, of reading what is known now, and of the first commit."""
    clock = SystemClock()
    begin = time.monotonic()
    journal = await Journal.open(path, clock)
    opened = time.monotonic()
    writer = asyncio.create_task(journal.run())
    live = Live(clock)
    await rebuild(journal, live, clock.wall() - HOUR)
    known = time.monotonic()
    assert len(live.devices) == AGENTS * 10
    await journal.flushed()
    committed = time.monotonic()
    retention = Retention(
        journal, clock, keep=1e9, most=2**40, readers=["store"], rare_readers=[], standing=set, disk=lambda: 2**40
    )
    print(f"    {await retention.room()}")
    writer.cancel()
    await asyncio.wait([writer])
    await journal.close()
    return opened - begin, known - opened, committed - known


def cold(folder: Path, count: int, *, big: bool) -> float:
    """Make a journal, start with it, print the figures; return the seconds until it was ready."""
    path = folder / f"journal-{count}.db"
    begin = time.monotonic()
    make(path, count, big=big)
    made = time.monotonic() - begin
    forget_cache(path)
    size = path.stat().st_size / 2**20
    print(f"{count:,} rows of {size * 2**20 / count:.0f} bytes, {size:,.0f} MiB (made in {made:.0f} s)")
    seconds = asyncio.run(start(path))
    print("    open {:.2f} s, what is known now {:.2f} s, first commit {:.3f} s".format(*seconds))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"    ready after {sum(seconds):.2f} s; memory at its highest {memory:.0f} MiB")
    begin = time.monotonic()
    report = verify(path)
    print(
        f"    journal verify {time.monotonic() - begin:.1f} s: {len(report.streams)} streams, complete: {report.complete}"
    )
    path.unlink()
    return sum(seconds)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where there is room (default: a temporary folder)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        cold(Path(name), asked.rows, big=False)
        cold(Path(name), asked.rows // 10, big=True)


if __name__ == "__main__":
    main()
