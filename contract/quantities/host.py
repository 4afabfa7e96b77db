"""Hosts: processors, memory, disks, clock. Read from inside, or from outside by SNMP, under the same names."""

from typing import Final

from contract.quantities.entry import Quantity, number, text

PLAIN: Final = (
    number("host.cpu.load", "%", 0, 100, "processor time in use, over all processors"),
    number("host.memory.used", "%", 0, 100, "memory in use, of all; caches that can be given back do not count"),
    number("host.memory.total", "B", 0, 1e16, "memory installed"),
    number("host.swap.used", "%", 0, 100, "swap space in use"),
    number("host.disk.used.maximum", "%", 0, 100, "space in use on the fullest disk"),
    number("host.uptime", "s", 0, 5e9, "time since the host started"),
    number("host.clock.offset", "s", -1e9, 1e9, "how far the host's clock is ahead of the agent's"),
    number("host.processes", "", 0, 1e7, "processes there are"),
    number("host.users", "", 0, 1e6, "sessions of people"),
)

NUMBERED: Final[tuple[Quantity, ...]] = (
    text("host.disk.#.name", "mount point, or drive, of disk #"),
    number("host.disk.#.used", "%", 0, 100, "space in use on disk #"),
    number("host.disk.#.size", "B", 0, 1e18, "size of disk #"),
)
