"""Simulated UPSes whose every answer has a number, and the log of what they really said.

As a program it is the devices of one agent, each on a TCP port of 127.0.0.1, in Megatec Q1: the number is in the
voltages, a check digit in the load. Every answer is written to a file before it is sent. Commands come on standard input
(``battery NAME``, ``mains NAME``, ``mute``), the ports go to standard output.

    python devices.py LOG NAME…
"""

import asyncio
import json
import math
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

MODULUS = 1_000_000
"""Numbers told apart: some 30 hours of ten a second."""
_CHECK = 97
PATIENCE = 1.4
"""Seconds after which a driver may have given an answer up: a little less than it waits, on its own clock."""


class Answer(NamedTuple):
    """One answer to a poll."""

    at: float
    """Boottime at which it was sent."""
    wall: float
    device: str
    number: int
    battery: bool
    """Whether it said that the UPS is on battery."""
    read: bool
    """Whether the same connection asked again, and soon: then the driver has had it."""


def encode(number: int) -> tuple[float, float, int]:
    """Return input voltage, output voltage and load that carry a number."""
    return 200.0 + number % 1000 / 10, 200.0 + number // 1000 % 1000 / 10, number % _CHECK


def decode(fields: Mapping[str, object]) -> int | None:
    """Return the number of what was stored or said, -1 where it fits no number, None where it says none.

    Args:
        fields: by quantity, with dots or with underscores.
    """
    given = {name.replace(".", "_"): value for name, value in fields.items()}
    values = [given.get(name) for name in ("input_voltage", "output_voltage", "ups_load")]
    if values == [None, None, None]:
        return None
    if not all(isinstance(value, int | float) for value in values):
        return -1
    volts, out, load = (float(str(value)) for value in values)
    number = round((volts - 200.0) * 10) + 1000 * round((out - 200.0) * 10)
    if not 0 < number < MODULUS or encode(number) != (round(volts, 1), round(out, 1), load):
        return -1
    return number


def read_log(text: str) -> list[Answer]:
    """Return the answers of a log, in their order; a last line that is not whole is left out."""
    rows = [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]
    again: list[float] = []
    """When the same connection asked the next time, of each row, the last one first."""
    asked: dict[str, float] = {}
    for at, _, _, connection, _, _ in reversed(rows):
        again.append(asked.get(connection, math.inf))
        asked[connection] = float(at)
    return [
        Answer(float(at), float(wall), device, int(number), battery == "1", read=then - float(at) < PATIENCE)
        for (at, wall, device, _, number, battery), then in zip(rows, reversed(again), strict=True)
        if number != "0"
    ]


class Devices:
    """The UPSes of one agent."""

    def __init__(self, names: Iterable[str], log: IO[str]) -> None:
        self._numbers = dict.fromkeys(names, 0)
        self._log = log
        self._connections = 0
        self._on_battery: set[str] = set()
        self._mute = False

    async def start(self) -> dict[str, int]:
        """Listen; return the ports."""
        ports = {}
        for name in self._numbers:
            server = await asyncio.start_server(self._serve(name), "127.0.0.1", 0)
            ports[name] = server.sockets[0].getsockname()[1]
        return ports

    def order(self, line: str) -> None:
        """Take a command."""
        match line.split():
            case ["battery", name]:
                self._on_battery.add(name)
            case ["mains", name]:
                self._on_battery.discard(name)
            case ["mute"]:
                self._mute = True

    def _serve(self, name: str):
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._connections += 1
            connection = f"{name}/{self._connections}"
            try:
                while True:
                    command = (await reader.readuntil(b"\r")).strip().decode("ascii", "replace")
                    answer = self._poll(name, connection) if command == "Q1" else command
                    if answer:
                        writer.write(f"{answer}\r".encode())
                        await writer.drain()
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
                pass  # the agent went away
            finally:
                writer.close()

        return serve

    def _poll(self, name: str, connection: str) -> str:
        """Return the next answer, logged; none when mute, and then only that it was asked."""
        battery = name in self._on_battery
        number = 0
        if not self._mute:
            number = self._numbers[name] = self._numbers[name] + 1
        now, wall = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
        self._log.write(f"{now:.4f} {wall:.4f} {name} {connection} {number} {battery:d}\n")
        self._log.flush()
        if not number:
            return ""
        volts, out, load = encode(number)
        return f"({volts:05.1f} 000.0 {out:05.1f} {load:03d} 50.0 27.0 25.0 {battery:d}0000001"


async def _main(log: Path, names: list[str]) -> None:
    with log.open("a") as file:
        devices = Devices(names, file)
        sys.stdout.write(json.dumps(await devices.start()) + "\n")
        sys.stdout.flush()
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            devices.order(line.decode())


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2:]))
