# ruff: noqa: T201 - a script that prints its table
"""How much the agent's spool writes to its disk: `python tests/bench/flash.py [FOLDER]`, some 90 s on a real disk.

Fifty devices at 1 s, acknowledged at once, then not at all; and two devices, not at all. The figures are what the kernel
counts for this process: write_bytes of /proc/self/io, pages on their way to the disk.
"""

import asyncio
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.clock import SystemClock
from agent.outbox.mark import open_mark
from agent.outbox.outbox import Outbox
from agent.outbox.rescue import open_spool
from contract.message import Ack, Readings

DAY = 86400.0
VALUES = {
    "ups.status": ("OL", "CHRG"),
    "battery.charge": 97.0,
    "battery.runtime": 1860.0,
    "ups.load": 31.0,
    "input.voltage": 229.4,
    "output.voltage": 230.1,
    "x.contact": 1.0,
}


class Wire:
    """A gateway that acknowledges at once, or never."""

    def __init__(self, outbox, *, answers):
        self.outbox, self.answers = outbox, answers

    def send(self, _topic, _payload):
        if self.answers:
            ack = Ack("j", self.outbox.epoch, ((1, self.outbox._ledger.last),))
            asyncio.get_running_loop().call_soon(self.outbox.acknowledged, ack)


def counted():
    return int(re.search(r"^write_bytes: (\d+)$", Path("/proc/self/io").read_text(), re.MULTILINE)[1])


async def run(folder, mark, clock, *, devices, seconds, answers):
    """Return bytes to the disk, messages held, bytes in use."""
    with ThreadPoolExecutor(1) as worker:
        outbox = Outbox(
            lambda damaged: open_spool(folder / "spool.db", "1", damaged=damaged),
            worker,
            clock,
            "00000000000000aa",
            list,
            mark=mark,
        )
        await outbox.open()
        outbox.connected(Wire(outbox, answers=answers))
        task = asyncio.create_task(outbox.run())
        before = counted()
        for _ in range(seconds):
            for device in range(devices):
                outbox.put_readings(Readings(device=f"ups-{device}", at=clock.stamp(), values=VALUES))
            await asyncio.sleep(1.0)
        written = counted() - before
        task.cancel()
        used = outbox.used
        held = outbox.held
        await outbox.close()
    return written, held, used


def report(base):
    """Print the table; ``base`` lies on the disk that is meant."""
    print(f"{'':40}{'a day':>12}{'a message':>12}{'kept, each':>12}")
    for title, devices, seconds, answers in (
        ("50 devices at 1 s, acknowledged", 50, 30, True),
        ("50 devices at 1 s, a cut", 50, 30, False),
        ("2 devices at 1 s, a cut", 2, 30, False),
    ):
        clock = SystemClock()
        with tempfile.TemporaryDirectory(dir=base) as name, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
            mark = open_mark(Path(memory, "mark"), clock.boot)
            disk, held, used = asyncio.run(
                run(Path(name), mark, clock, devices=devices, seconds=seconds, answers=answers)
            )
        each = f"{disk / held:.0f} B" if held else "-"
        size = f"{used / held:.0f} B" if held else "-"
        print(f"{title:40}{disk * DAY / seconds / (1 << 20):>8.0f} MiB{each:>12}{size:>12}")


def main():
    """Run it alone."""
    report(Path(sys.argv[1] if sys.argv[1:] else "."))


if __name__ == "__main__":
    main()
