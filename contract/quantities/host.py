"""Hosts: processors, memory, disks, clock. Read from inside, or from outside by SNMP, under the same names."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

HOST_STATUS: Final = (
    "READONLY",  # a disk that should be written to takes nothing
    "UNMOUNTED",  # a disk that should be there is not
    "SERVICE",  # a service that should run does not
    "BLIND",  # a service or a disk that is asked for cannot be looked at
    "CLOCK",  # the clock is not synchronised
    "REBOOT",  # an update waits for a restart
)
"""Flags of ``host.status``; ``host.problem`` names which."""

PLAIN: Final = (
    flags("host.status", HOST_STATUS, "what is wrong with a host; empty where all is well"),
    text("host.problem", "which disks, services and so on, separated by '; '; 'none' where all is well"),
    number("host.cpu.load", "%", 0, 100, "processor time in use, over all processors"),
    number("host.cpu.wait", "%", 0, 100, "processor time spent waiting for disks"),
    number("host.load.minute", "", 0, 1e6, "tasks that run or wait to, mean of the last minute"),
    number("host.load.quarter", "", 0, 1e6, "tasks that run or wait to, mean of the last 15 minutes"),
    number("host.memory.used", "%", 0, 100, "memory in use, of all; caches that can be given back do not count"),
    number("host.memory.total", "B", 0, 1e16, "memory installed"),
    number("host.swap.used", "%", 0, 100, "swap space in use"),
    number("host.disk.used.maximum", "%", 0, 100, "space in use on the fullest disk"),
    number("host.disk.inodes.maximum", "%", 0, 100, "names (inodes) in use on the disk that has fewest left"),
    number("host.temperature.maximum", "degC", -60, 150, "the hottest of the host's own sensors"),
    number("host.uptime", "s", 0, 5e9, "time since the host started"),
    number(
        "host.clock.offset", "s", -1e9, 1e9, "how far its clock is ahead: of the agent's, or of its own time source"
    ),
    number("host.clock.error", "s", 0, 1e6, "how wrong the kernel says that the clock can be"),
    number("host.processes", "", 0, 1e7, "processes there are"),
    number("host.services.down", "", 0, 1e4, "services that should run and do not"),
    number("host.users", "", 0, 1e6, "sessions of people"),
)

NUMBERED: Final[tuple[Quantity, ...]] = (
    text("host.disk.#.name", "mount point, or drive, of disk #"),
    number("host.disk.#.used", "%", 0, 100, "space in use on disk #"),
    number("host.disk.#.size", "B", 0, 1e18, "size of disk #"),
    number("host.disk.#.inodes", "%", 0, 100, "names (inodes) in use on disk #"),
    text("host.sensor.#.name", "name of temperature sensor #"),
    number("host.sensor.#.temperature", "degC", -60, 150, "temperature at sensor #"),
)
