"""The simulated devices of the bench of 200: Modbus by TCP and on serial buses, NUT, switches, environment cards, and dead ones.

usage: devices_farm.py FOLDER. Prints one line of JSON when all listen: where they are. Each line on its standard input
is answered by one with the times (CLOCK_MONOTONIC, seconds) at which slaves that are not there were asked, bus by bus.
The UPSes with SNMP are net-snmp's (``farm.py``), which cost next to nothing.
"""

import asyncio
import contextlib
import json
import socket
import sys
import time
from pathlib import Path

from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Climate, Detector
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_env import SnmpEnv, server_room
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_switch import SnmpSwitch, Switch
from firmware_sims.ups import Rating, Ups

BUSES, SLAVES, DEAD_SLAVES = 2, 15, (241, 242)
TCP_LINES, TCP_UNITS = 6, 5
NUTS, NUT_UPSES = 4, 5
SWITCHES, CARDS = 10, 20
DEAD_IP = 16


class Heard(list):
    """Takes what was asked, and keeps only when nobody was there."""

    def __init__(self, units):
        super().__init__()
        self._units = units

    def append(self, asked):
        if asked[0] not in self._units:
            super().append(time.monotonic())


def modbus(units, **where):
    device = ModbusDevice(units, **where)
    device.requests = Heard(device.units)
    return device


def silent(stack: contextlib.ExitStack) -> int:
    """Return a port that takes what is sent, by UDP and TCP, and never answers: a host that hangs."""
    tcp = stack.enter_context(socket.socket())
    tcp.bind(("127.0.0.1", 0))
    tcp.listen(64)
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind(("127.0.0.1", tcp.getsockname()[1]))
    return int(tcp.getsockname()[1])


async def main(folder: Path) -> None:
    """Run until standard input ends."""
    clock = time.monotonic
    models = {number: Climate() if number % 3 else Detector() for number in range(1, SLAVES + 1)}
    buses = [modbus(models, link=folder / f"ttyBus{index}") for index in range(BUSES)]
    lines = [modbus({unit: Climate() for unit in range(1, TCP_UNITS + 1)}) for _ in range(TCP_LINES)]
    nuts = []
    for _ in range(NUTS):
        upses = {f"ups{index}": Ups(Rating(), clock) for index in range(NUT_UPSES)}
        nuts.append(NutServer({name: Unit(ups, Plate(name, "ACME", "Bench", name)) for name, ups in upses.items()}))
    switches = [SnmpSwitch(Switch(clock, name=f"switch-{index}", live=24)) for index in range(SWITCHES)]
    cards = [SnmpEnv(server_room(), Plate(f"card-{index}", "AKCP", "Bench", "1"), clock) for index in range(CARDS)]
    with contextlib.ExitStack() as holes:
        for device in (*buses, *lines, *nuts, *switches, *cards):
            await device.start()
        where = {
            "bus": [bus.address for bus in buses],
            "modbus": [line.address for line in lines],
            "nut": [nut.address for nut in nuts],
            "switch": [switch.address for switch in switches],
            "card": [card.address for card in cards],
            "dead": [silent(holes) for _ in range(DEAD_IP)],
        }
        print(json.dumps(where), flush=True)  # noqa: T201 - it is asked by its standard output
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.readline():
            print(json.dumps([list(bus.requests) for bus in buses]), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
