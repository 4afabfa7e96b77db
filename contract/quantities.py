"""The dictionary of quantities: name, kind, unit, meaning, plausible range.

Names are NUT's (RFC 9271, section "variables"; NUT's ``nut-names.txt``) where NUT has one: charge in percent, runtime
in seconds. Our own additions carry ``x.``. A reading outside the plausible range is kept as evidence and never
believed; the ranges are wide on purpose: they catch sentinels and wrong scales, not unusual sites.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a value of a quantity is. It never changes for a name, so that a store's column never changes type."""

    NUMBER = "number"
    TEXT = "text"
    FLAGS = "flags"


class Quantity(msgspec.Struct, frozen=True):
    """One entry of the dictionary."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    flags: tuple[str, ...] = ()

    def plausible(self, value: float | str | tuple[str, ...]) -> bool:
        """Say whether a value can be one of this quantity."""
        match self.kind:
            case Kind.NUMBER:
                return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
            case Kind.TEXT:
                return isinstance(value, str) and 0 < len(value) <= 256
            case Kind.FLAGS:
                return isinstance(value, tuple) and set(value) <= set(self.flags)


UPS_STATUS = (
    "OL",  # on line: mains feeds the load
    "OB",  # on battery
    "LB",  # battery low
    "HB",  # battery high
    "RB",  # replace battery
    "CHRG",
    "DISCHRG",
    "BYPASS",  # the load is unprotected
    "CAL",  # calibration or battery test: no outage
    "OFF",  # the output is off
    "OVER",  # overloaded
    "TRIM",  # lowering the mains voltage
    "BOOST",  # raising the mains voltage
    "FSD",  # shutting down
    "ALARM",  # the device reports an alarm of its own
    "ECO",
    "FAULT",  # the device calls itself failed
    "COMM",  # the card has lost the UPS behind it
)
"""Flags of ``ups.status``. NUT's words; FAULT and COMM are ours, because silence must not look like health."""


def _number(name: str, unit: str, low: float, high: float, meaning: str) -> Quantity:
    return Quantity(name, Kind.NUMBER, meaning, unit, low, high)


def _text(name: str, meaning: str) -> Quantity:
    return Quantity(name, Kind.TEXT, meaning)


_PHASES = ("L1", "L2", "L3")

_PLAIN = [
    Quantity("ups.status", Kind.FLAGS, "what the UPS is doing", flags=UPS_STATUS),
    _text("ups.alarm", "alarms that the device names, separated by '; '"),
    _text("ups.mode", "operating mode in the device's own word"),
    _text("ups.type", "offline, line-interactive or online"),
    _text("ups.test.result", "result of the last self-test"),
    _text("ups.test.date", "date of the last self-test"),
    _text("ups.beeper.status", "enabled, disabled or muted"),
    _text("ups.firmware", "firmware version"),
    _text("ups.firmware.aux", "firmware version of the network card"),
    _text("ups.id", "name that the UPS was given"),
    _text("ups.mfr", "manufacturer"),
    _text("ups.model", "model"),
    _text("ups.serial", "serial number"),
    _number("ups.load", "%", 0, 300, "load, of the rated power"),
    _number("ups.power", "VA", 0, 5e6, "apparent power delivered"),
    _number("ups.power.nominal", "VA", 0, 5e6, "rated apparent power"),
    _number("ups.realpower", "W", 0, 5e6, "active power delivered"),
    _number("ups.realpower.nominal", "W", 0, 5e6, "rated active power"),
    _number("ups.efficiency", "%", 0, 100, "output power, of the input power"),
    _number("ups.temperature", "degC", -40, 150, "temperature inside the UPS"),
    _number("ups.delay.shutdown", "s", -1, 1e6, "delay before a commanded shutdown"),
    _number("ups.delay.start", "s", -1, 1e6, "delay before a commanded start"),
    _number("battery.charge", "%", 0, 100, "charge, of the full battery"),
    _number("battery.charge.low", "%", 0, 100, "charge at which the UPS calls its battery low"),
    _number("battery.charge.warning", "%", 0, 100, "charge at which the UPS warns"),
    _number("battery.runtime", "s", 0, 5e6, "time left on battery, as the UPS claims"),
    _number("battery.runtime.low", "s", 0, 1e6, "runtime at which the UPS calls its battery low"),
    _number("battery.voltage", "V", 0, 1200, "voltage of the whole string"),
    _number("battery.voltage.nominal", "V", 0, 1200, "rated voltage of the string"),
    _number("battery.voltage.low", "V", 0, 1200, "voltage of the empty string"),
    _number("battery.voltage.high", "V", 0, 1200, "voltage of the full string"),
    _number("battery.voltage.cell.max", "V", 0, 30, "highest voltage of a cell or block"),
    _number("battery.voltage.cell.min", "V", 0, 30, "lowest voltage of a cell or block"),
    _number("battery.current", "A", -5000, 5000, "battery current; positive while discharging on agents that sign it"),
    _number("battery.current.total", "A", -5000, 5000, "current of all strings"),
    _number("battery.temperature", "degC", -40, 120, "temperature of the battery"),
    _number("battery.capacity", "Ah", 0, 1e6, "capacity of the full battery"),
    _number("battery.packs", "", 0, 1000, "battery packs installed"),
    _number("battery.packs.bad", "", 0, 1000, "battery packs found bad"),
    _number("battery.packs.external", "", 0, 1000, "external battery packs"),
    _text("battery.status", "battery state in the device's own word"),
    _text("battery.charger.status", "charging, discharging, floating, resting or off"),
    _text("battery.date", "date when the battery was last replaced"),
    _text("battery.date.maintenance", "date when the battery is due"),
    _text("battery.type", "chemistry"),
    _number("battery.energysave.load", "%", 0, 100, "load below which the UPS saves energy"),
    _number("input.voltage", "V", 0, 1000, "input voltage"),
    _number("input.voltage.nominal", "V", 0, 1000, "rated input voltage"),
    _number("input.voltage.fault", "V", 0, 1000, "input voltage at the last transfer"),
    _number("input.voltage.maximum", "V", 0, 1000, "highest input voltage of late"),
    _number("input.voltage.minimum", "V", 0, 1000, "lowest input voltage of late"),
    _number("input.frequency", "Hz", 0, 500, "input frequency"),
    _number("input.frequency.nominal", "Hz", 0, 500, "rated input frequency"),
    _number("input.current", "A", 0, 10000, "input current"),
    _number("input.power", "VA", 0, 5e6, "apparent power taken"),
    _number("input.realpower", "W", 0, 5e6, "active power taken"),
    _number("input.load", "%", 0, 300, "input power, of the rated"),
    _number("input.phases", "", 0, 3, "input phases"),
    _number("input.transfer.low", "V", 0, 1000, "input voltage below which the UPS goes to battery"),
    _number("input.transfer.high", "V", 0, 1000, "input voltage above which the UPS goes to battery"),
    _text("input.transfer.reason", "why the UPS last went to battery"),
    _text("input.sensitivity", "how touchy the UPS is about its mains"),
    _number("input.quality.bads", "", 0, 5e9, "times that the input was out of tolerance"),
    _number("output.voltage", "V", 0, 1000, "output voltage"),
    _number("output.voltage.nominal", "V", 0, 1000, "rated output voltage"),
    _number("output.frequency", "Hz", 0, 500, "output frequency"),
    _number("output.frequency.nominal", "Hz", 0, 500, "rated output frequency"),
    _number("output.current", "A", 0, 10000, "output current"),
    _number("output.current.nominal", "A", 0, 10000, "rated output current"),
    _number("output.powerfactor", "", 0, 1, "active power, of the apparent"),
    _number("output.phases", "", 0, 3, "output phases"),
    _number("input.bypass.voltage", "V", 0, 1000, "bypass voltage"),
    _number("input.bypass.frequency", "Hz", 0, 500, "bypass frequency"),
    _number("input.bypass.current", "A", 0, 10000, "bypass current"),
    _number("input.bypass.realpower", "W", 0, 5e6, "active power through the bypass"),
    _number("input.bypass.phases", "", 0, 3, "bypass phases"),
    _number("ambient.temperature", "degC", -60, 120, "room temperature"),
    _number("ambient.humidity", "%", 0, 100, "relative humidity of the room"),
    _number("device.uptime", "s", 0, 5e9, "time since the device, or its card, started"),
    _text("device.mfr", "manufacturer"),
    _text("device.model", "model"),
    _text("device.serial", "serial number"),
    _text("device.type", "ups, pdu, ats, psu"),
    _text("device.location", "location that the device was told"),
    _text("device.contact", "contact that the device was told"),
    _text("device.description", "what the device says of itself (sysDescr)"),
    _number("x.contact", "", 0, 1, "1 while the device answers, 0 when it does not"),
    _number("x.late", "s", 0, 1e9, "how much later than its measuring a poll came; only where that is long"),
    _number("x.ups.on-battery.time", "s", 0, 5e8, "time on battery, as the UPS counts it; restarts with its card"),
    _number("x.ups.alarms", "", 0, 10000, "alarms that the device counts"),
    _text("x.ups.inverter", "state of the inverter in the device's own word"),
    _text("x.input.status", "state of the input in the device's own word"),
    _number("x.rectifier.current", "A", 0, 10000, "current out of the rectifier of a DC system"),
    _number("x.psu.count", "", 0, 100, "power supplies installed"),
    _number("outlet.realpower", "W", 0, 1e6, "active power of all outlets"),
    _number("x.cooling.capacity", "%", 0, 100, "cooling in use, of what the unit can"),
    _number("x.cooling.free", "%", 0, 100, "free cooling in use"),
    _number("x.cooling.dehumidifying", "%", 0, 100, "dehumidifying in use"),
    _number("x.cooling.humidifying", "%", 0, 100, "humidifying in use"),
    _number("x.cooling.fan", "%", 0, 100, "fan capacity in use"),
    *(
        entry
        for air in ("control", "supply", "return")
        for entry in (
            _number(f"x.cooling.{air}.temperature", "degC", -40, 120, f"temperature of the {air} air"),
            _number(f"x.cooling.{air}.temperature.setpoint", "degC", -40, 120, f"wanted temperature of the {air} air"),
            _number(f"x.cooling.{air}.humidity", "%", 0, 100, f"humidity of the {air} air"),
            _number(f"x.cooling.{air}.humidity.setpoint", "%", 0, 100, f"wanted humidity of the {air} air"),
        )
    ),
    *(
        _text(f"x.cooling.{part}.status", f"state of the {part} of a cooling unit, in its own word")
        for part in ("unit", "beeper", "compressor", "dehumidifier", "heater", "blower", "hotwater", "humidifier")
    ),
    _text("x.cooling.mode", "operating mode of a cooling unit"),
    _text("x.cooling.reason", "why a cooling unit is in its state"),
]


def _phased() -> list[Quantity]:
    """Return the per-phase quantities: NUT writes ``input.L1-N.voltage`` for phase to neutral, ``input.L1.current``."""
    entries = []
    for side, word in (("input", "input"), ("input.bypass", "bypass"), ("output", "output")):
        for phase in _PHASES:
            entries += [
                _number(f"{side}.{phase}-N.voltage", "V", 0, 1000, f"{word} voltage of {phase} to neutral"),
                _number(f"{side}.{phase}.current", "A", 0, 10000, f"{word} current of {phase}"),
                _number(
                    f"{side}.{phase}.realpower", "W", -1e5, 5e6, f"active {word} power of {phase}; fed back if < 0"
                ),
                _number(f"{side}.{phase}.power", "VA", 0, 5e6, f"apparent {word} power of {phase}"),
                _number(f"{side}.{phase}.frequency", "Hz", 0, 500, f"{word} frequency of {phase}"),
                _number(f"{side}.{phase}.power.percent", "%", 0, 300, f"{word} load of {phase}"),
                _number(f"{side}.{phase}.powerfactor", "", -1, 1, f"{word} power factor of {phase}"),
            ]
        entries += [
            _number(f"{side}.{a}-{b}.voltage", "V", 0, 1000, f"{word} voltage of {a} to {b}")
            for a, b in (("L1", "L2"), ("L2", "L3"), ("L3", "L1"))
        ]
    return entries


QUANTITIES: dict[str, Quantity] = {entry.name: entry for entry in [*_PLAIN, *_phased()]}
"""Every quantity by its name."""


def _numbered() -> dict[str, Quantity]:
    """Return templates for names with a number in them, such as ``ambient.2.temperature``; ``#`` is the number."""
    entries = [
        _number("ambient.#.temperature", "degC", -60, 120, "temperature at probe #"),
        _number("ambient.#.humidity", "%", 0, 100, "relative humidity at probe #"),
        _text("ambient.#.name", "name of probe #"),
        _text("ambient.#.contacts.#.status", "state of a contact of probe #"),
        _text("ups.contacts.#.status", "state of a contact of the UPS"),
        _text("outlet.#.status", "state of outlet #"),
        _text("ambient.contacts.#.status", "state of contact # of the card's sensor"),
        _number("x.cooling.#.point", "", 0, 1e6, "control point # of a cooling unit, in its own unit"),
        _number("x.board.#.temperature", "degC", -40, 150, "temperature # inside the device"),
        _number("x.psu.#.voltage", "V", 0, 1000, "input voltage of power supply #"),
        _number("x.psu.#.battery.count", "", 0, 100, "batteries at power supply #"),
        _number("x.psu.#.battery.charge", "%", 0, 100, "charge of the batteries at power supply #"),
        _number("x.psu.#.battery.runtime", "s", 0, 5e6, "time left on the batteries at power supply #"),
        _text("x.psu.#.battery.status", "state of the batteries at power supply #"),
        _text("x.psu.#.charger.status", "state of the charger of power supply #"),
        _text("x.psu.#.type", "kind of power supply #: AC or DC"),
        _text("x.psu.#.status", "state of power supply #"),
        _text("x.psu.#.mode", "whether power supply # is online"),
        _number("outlet.#.current", "A", 0, 1000, "current of outlet #"),
        _number("outlet.#.realpower", "W", 0, 1e6, "active power of outlet #"),
    ]
    return {entry.name: entry for entry in entries}


NUMBERED: dict[str, Quantity] = _numbered()


def find(name: str) -> Quantity | None:
    """Return the entry of a name, also of a numbered one (``ambient.2.temperature``), or None."""
    known = QUANTITIES.get(name)
    if known is not None:
        return known
    template = ".".join("#" if part.isdigit() else part for part in name.split("."))
    return NUMBERED.get(template)
