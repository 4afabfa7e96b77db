"""Network equipment: its parts, its ports, and who of a hot-standby pair is active."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

NETWORK_STATUS: Final = (
    "FAN",
    "SUPPLY",
    "HEAT",  # a sensor of heat beyond a limit of the device's own
    "BOARD",
    "SENSOR",  # another sensor beyond a limit of the device's own
    "MISSING",  # a part that was there is there no more
    "UNKNOWN",  # a part whose state the device does not say, or in no known word
)
"""Flags of ``x.network.status``."""

PORT_STATUS: Final = (
    "DOWN",  # a watched port is down, or was switched off
    "ERRORS",  # errors far above the port's own history
    "SURGE",  # traffic far above the port's own history
    "UNKNOWN",  # a named port is not there, or has no state
)
"""Flags of ``x.port.status``."""

PLAIN: Final = (
    flags("x.network.status", NETWORK_STATUS, "what the parts of a device complain of; empty where none does"),
    text("x.network.alarm", "which parts, separated by '; '; 'none'; or that the device tells nothing of its parts"),
    number("x.network.temperature.maximum", "degC", -60, 200, "the highest of all sensors in the device"),
    number("x.network.cpu.load", "%", 0, 100, "load of its busiest processor"),
    number("x.network.memory.used", "%", 0, 100, "memory in use, where it is fullest"),
    number("x.restarts", "", 0, 1e6, "restarts seen since the device is watched; never falls"),
    number("x.restarts.recent", "", 0, 1e6, "restarts seen in the last hour"),
    flags("x.port.status", PORT_STATUS, "what is wrong with the watched ports; empty where all is well"),
    text("x.port.alarm", "which ports, separated by '; '; 'none' where all is well"),
    number("x.port.watched", "", 0, 1e5, "ports that are watched"),
    number("x.port.down", "", 0, 1e5, "watched ports that are down"),
    number("x.port.errors.maximum", "1/s", 0, 1e9, "errors, in and out, of the worst watched port"),
    number("x.port.spare", "", 0, 1e5, "usable ports that nothing uses"),
    number("x.port.spare.missing", "", 0, 1e5, "spare ports short of the reserve that was set"),
    text("x.vrrp.state", "state of the virtual router that was named: master, backup, init or fault"),
    number("x.vrrp.masters", "", 0, 1e4, "virtual routers that the device is master of"),
)

_SENSED: Final = (
    ("temperature", "degC", -60, 200, "temperature"),
    ("voltage", "V", -1e5, 1e5, "voltage"),
    ("current", "A", -1e5, 1e5, "current"),
    ("power", "W", -1e6, 1e6, "power"),
    ("level", "dBm", -80, 40, "optical or radio level"),
    ("speed", "1/min", 0, 1e6, "speed"),
    ("percent", "%", 0, 200, "value in percent"),
    ("frequency", "Hz", 0, 1e12, "frequency"),
    ("humidity", "%", 0, 100, "relative humidity"),
    ("airflow", "m3/min", 0, 1e6, "air flow"),
)
"""What a part of a device may measure: last word of the name, unit, plausible range, meaning."""

NUMBERED: Final[tuple[Quantity, ...]] = (
    *(
        entry
        for part, what in (
            ("fan", "fan"),
            ("supply", "power supply"),
            ("board", "board"),
            ("sensor", "sensor"),
            ("optics", "transceiver"),
            ("cpu", "processor"),
            ("memory", "memory pool"),
        )
        for entry in (
            text(f"x.network.{part}.#.name", f"name of {what} #"),
            text(f"x.network.{part}.#.status", f"state of {what} #"),
            *(
                number(f"x.network.{part}.#.{word}", unit, low, high, f"{meaning} of {what} #")
                for word, unit, low, high, meaning in _SENSED
            ),
        )
    ),
    number("x.network.optics.#.level.in", "dBm", -80, 40, "level received by transceiver #"),
    number("x.network.optics.#.level.out", "dBm", -80, 40, "level sent by transceiver #"),
    text("x.port.#.name", "name of port #"),
    text("x.port.#.alias", "what the port was called by people"),
    text("x.port.#.status", "state of port #: up, down, disabled, or another word of IF-MIB"),
    number("x.port.#.up", "", 0, 1, "1 while port # is up, 0 while it is not"),
    number("x.port.#.speed", "bit/s", 0, 1e13, "rated speed of port #"),
    number("x.port.#.in.rate", "bit/s", 0, 1e13, "traffic into port #"),
    number("x.port.#.out.rate", "bit/s", 0, 1e13, "traffic out of port #"),
    number("x.port.#.in.errors", "1/s", 0, 1e9, "errors into port #"),
    number("x.port.#.out.errors", "1/s", 0, 1e9, "errors out of port #"),
    number("x.port.#.in.discards", "1/s", 0, 1e9, "packets into port # that were thrown away"),
    number("x.port.#.out.discards", "1/s", 0, 1e9, "packets out of port # that were thrown away"),
    text("x.vrrp.#.name", "name of virtual router #"),
    text("x.vrrp.#.state", "state of virtual router #: master, backup, init or fault"),
    number("x.vrrp.#.priority", "", 0, 255, "priority of this device as virtual router #"),
)
