"""Power equipment: distribution units, transfer switches, generators, rectifiers, meters.

Names are NUT's where NUT has one: ``outlet.group.#`` is a bank, ``input.#`` a source of a transfer switch. What one
phase or the whole has, UPSes have too, and stands in ``contract/quantities/ups.py``.
"""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

POWER_STATUS: Final = (
    "MAINS",  # a source is away or bad
    "REDUNDANCY",  # one of several sources, supplies or modules is gone
    "OVER",  # near its limit, or over it
    "FUSE",  # a fuse or breaker has tripped
    "BATTERY",  # a battery is low, disconnected or failed
    "FUEL",  # fuel, oil or coolant is low
    "HEAT",
    "OFF",  # the output is off
    "COMM",  # the card has lost what it speaks for
    "FAULT",  # it calls itself failed, or a state of it is missed
    "ALARM",  # it reports an alarm of its own
)
"""Flags of ``x.power.status``."""

_PHASES: Final = ("L1", "L2", "L3")
_PAIRS: Final = ("L1-L2", "L2-L3", "L3-L1")


def _phased(side: str, word: str) -> list[Quantity]:
    """Return what meters say of each phase, besides what UPSes say."""
    return [
        entry
        for phase in _PHASES
        for entry in (
            number(f"{side}.{phase}.reactivepower", "var", -5e6, 5e6, f"reactive {word} power of {phase}"),
            number(f"x.{side}.{phase}.energy", "kWh", -1e9, 1e12, f"{word} energy of {phase}, counted"),
            number(f"x.{side}.{phase}.energy.apparent", "kVAh", -1e9, 1e12, f"apparent {word} energy of {phase}"),
            number(f"x.{side}.{phase}.voltage.thd", "%", 0, 1000, f"harmonics in the {word} voltage of {phase}"),
            number(f"x.{side}.{phase}.current.thd", "%", 0, 1000, f"harmonics in the {word} current of {phase}"),
        )
    ]


PLAIN: Final[tuple[Quantity, ...]] = (
    flags("x.power.status", POWER_STATUS, "what power equipment says of itself; empty where all is well"),
    text("x.power.alarm", "which parts say so, separated by '; '; 'none' where all is well"),
    text("x.power.mode", "operating mode in the device's own word"),
    text("input.source", "the source that feeds the output, in the device's own word"),
    number("input.reactivepower", "var", -5e6, 5e6, "reactive power taken"),
    number("x.input.energy.reactive", "kvarh", -1e12, 1e12, "reactive energy taken, counted"),
    number("x.power.load", "%", 0, 300, "load, of the rated"),
    *_phased("input", "input"),
    number("input.N.current", "A", 0, 10000, "current of the neutral"),
    text("x.input.fuse.status", "state of the fuse towards the mains"),
    text("x.output.status", "state of the output in the device's own word"),
    text("x.output.fuse.status", "state of the fuses towards the load"),
    number("x.output.dc.voltage", "V", -1000, 1000, "voltage of a second DC output"),
    number("x.battery.count", "", 0, 1000, "batteries or banks"),
    text("x.battery.fuse.status", "state of the fuse of the battery"),
    number("x.battery.charge.used", "%", 0, 300, "what was taken out of the battery"),
    number("x.battery.charged", "Ah", 0, 1e9, "charge put into the battery, counted"),
    number("x.battery.tests", "", 0, 1e6, "results of battery tests kept"),
    number("x.battery.quality", "%", 0, 300, "capacity found by the last test, of the rated"),
    text("x.battery.limit.status", "whether charging is limited"),
    number("x.rectifier.count", "", 0, 1000, "rectifiers installed"),
    number("x.rectifier.voltage", "V", 0, 1000, "voltage that the rectifiers are set to"),
    number("x.rectifier.voltage.nominal", "V", 0, 1000, "rated voltage of the rectifiers"),
    number("x.rectifier.load", "%", 0, 300, "rectifier capacity in use"),
    text("x.rectifier.status", "state of the rectifiers in the device's own word"),
    text("x.rectifier.sleep.status", "whether rectifiers may sleep to save energy"),
    number("x.ac.count", "", 0, 100, "AC distributions"),
    number("x.dc.count", "", 0, 100, "DC distributions"),
    text("x.monitor.status", "state of the system's controller"),
    text("x.monitor.mode", "who is in control: automatic or by hand"),
    number("x.inverter.temperature", "degC", -40, 200, "temperature of the DC to AC stage"),
    number("x.converter.temperature", "degC", -40, 200, "temperature of the DC to DC stage"),
    number("x.input.dc.voltage", "V", 0, 1000, "voltage of the DC input"),
    text("x.inverter.mode", "whether the inverter is on line"),
    text("x.transfer.type", "what is preferred: grid or inverter"),
    text("x.transfer.relay", "which side the bypass relay is on"),
    text("x.fan.status", "state of the fan"),
    number("x.overload.limit", "%", 0, 1000, "load at which the protection acts"),
    text("x.genset.status", "state of the engine"),
    text("x.genset.mode", "mode switch of the generator"),
    text("x.genset.signal", "whether the engine is told to start"),
    text("x.genset.pump", "state of the fuel transfer pump"),
    number("x.genset.fuel", "%", 0, 100, "fuel in the tank"),
    text("x.genset.coolant", "coolant level"),
    text("x.genset.oil", "oil level"),
    number("x.genset.battery.voltage", "V", 0, 100, "voltage of the starter battery"),
    number("x.genset.alternator.voltage", "V", 0, 1000, "voltage of the charging alternator"),
    number("x.genset.frequency", "Hz", 0, 500, "frequency of the generator"),
    *(
        number(f"x.genset.{phase}-N.voltage", "V", 0, 1000, f"generator voltage of {phase} to neutral")
        for phase in _PHASES
    ),
    *(number(f"x.genset.{pair}.voltage", "V", 0, 1000, f"generator voltage of {pair}") for pair in _PAIRS),
    *(number(f"x.genset.{phase}.current", "A", 0, 1e4, f"generator current of {phase}") for phase in _PHASES),
    text("x.ats.source", "the source that an automatic transfer switch has chosen"),
    text("x.ats.mode", "operation mode of a transfer switch"),
    text("x.ats.sync", "whether the sources are in phase"),
    text("x.ats.redundancy", "whether both sources can take the load"),
    text("x.ats.test.result", "result of the last test"),
    text("x.ats.test.status", "what test is running"),
)

NUMBERED: Final[tuple[Quantity, ...]] = (
    text("input.#.status", "state of source #, in the device's own word"),
    text("x.input.#.switch", "position of the switch of source #"),
    text("x.input.#.quality", "what a transfer switch thinks of source #"),
    number("input.#.voltage", "V", 0, 1000, "voltage of source #, or of mains input # of a DC system"),
    number("input.#.current", "A", 0, 10000, "current of source #"),
    number("input.#.frequency", "Hz", 0, 500, "frequency of source #"),
    number("input.#.realpower", "W", -1e5, 5e6, "active power of source #"),
    *(number(f"input.#.{pair}.voltage", "V", 0, 1000, f"voltage of {pair} of source #") for pair in _PAIRS),
    text("outlet.#.name", "name of outlet #"),
    number("outlet.#.voltage", "V", 0, 1000, "voltage of outlet #"),
    number("outlet.group.#.current", "A", 0, 10000, "current of bank #"),
    number("outlet.group.#.voltage", "V", 0, 1000, "voltage of bank #"),
    text("outlet.group.#.status", "load state of bank #"),
    text("x.output.#.status", "state of output or contactor #"),
    text("x.output.#.name", "name of output or contactor #"),
    text("x.input.#.contact", "state of monitored input #"),
    text("x.input.#.name", "name of monitored input #"),
    text("x.fuse.#.status", "state of fuse #"),
    number("x.rectifier.#.voltage", "V", 0, 1000, "input voltage of rectifier #"),
    number("x.rectifier.#.current", "A", 0, 10000, "output current of rectifier #"),
    text("x.rectifier.#.status", "state of rectifier #"),
    number("x.dc.#.voltage", "V", 0, 1000, "voltage of DC distribution #"),
    number("x.dc.#.current", "A", -1000, 10000, "current of DC distribution #"),
    text("x.module.#.status", "state of module #"),
    text("x.module.#.type", "kind of module #: power or battery"),
    number("x.module.#.voltage", "V", 0, 1000, "output voltage of module #"),
    number("x.module.#.current", "A", -1000, 10000, "output current of module #"),
    number("x.disconnect.#.voltage", "V", 0, 1000, "voltage at which disconnect # acts"),
    number("x.battery.#.temperature", "degC", -40, 120, "temperature at battery sensor #"),
    number("x.battery.#.current", "A", -5000, 5000, "current at battery shunt #"),
    number("x.battery.#.voltage", "V", 0, 1000, "voltage of battery block #"),
    text("x.battery.#.status", "state of battery bank #"),
    text("x.battery.#.fuse", "state of battery fuse #"),
)
