"""UPSes, DC supplies and their batteries. Names are NUT's where NUT has one."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

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

PROMISE = (
    "KEPT",  # it will hold as long as was promised
    "SHORT",  # on mains: it would not
    "BROKEN",  # on battery: it will not
    "UNPROVEN",  # no discharge has shown it yet: what the UPS claims is all there is
    "UNKNOWN",
)
"""Flags of ``x.battery.promise``."""

_PHASES: Final = ("L1", "L2", "L3")


def _phased() -> list[Quantity]:
    """Return the per-phase quantities: NUT writes ``input.L1-N.voltage`` for phase to neutral, ``input.L1.current``."""
    entries = []
    for side, word in (("input", "input"), ("input.bypass", "bypass"), ("output", "output")):
        for phase in _PHASES:
            entries += [
                number(f"{side}.{phase}-N.voltage", "V", 0, 1000, f"{word} voltage of {phase} to neutral"),
                number(f"{side}.{phase}.current", "A", 0, 10000, f"{word} current of {phase}"),
                number(f"{side}.{phase}.realpower", "W", -1e5, 5e6, f"active {word} power of {phase}; fed back if < 0"),
                number(f"{side}.{phase}.power", "VA", 0, 5e6, f"apparent {word} power of {phase}"),
                number(f"{side}.{phase}.frequency", "Hz", 0, 500, f"{word} frequency of {phase}"),
                number(f"{side}.{phase}.power.percent", "%", 0, 300, f"{word} load of {phase}"),
                number(f"{side}.{phase}.powerfactor", "", -1, 1, f"{word} power factor of {phase}"),
            ]
        entries += [
            number(f"{side}.{a}-{b}.voltage", "V", 0, 1000, f"{word} voltage of {a} to {b}")
            for a, b in (("L1", "L2"), ("L2", "L3"), ("L3", "L1"))
        ]
    return entries


PLAIN: Final = (
    flags("ups.status", UPS_STATUS, "what the UPS is doing"),
    text("ups.alarm", "alarms that the device names, separated by '; '"),
    text("ups.mode", "operating mode in the device's own word"),
    text("ups.type", "offline, line-interactive or online"),
    text("ups.test.result", "result of the last self-test"),
    text("ups.test.date", "date of the last self-test"),
    text("ups.beeper.status", "enabled, disabled or muted"),
    text("ups.firmware", "firmware version"),
    text("ups.firmware.aux", "firmware version of the network card"),
    text("ups.id", "name that the UPS was given"),
    text("ups.mfr", "manufacturer"),
    text("ups.model", "model"),
    text("ups.serial", "serial number"),
    number("ups.load", "%", 0, 300, "load, of the rated power"),
    number("ups.power", "VA", 0, 5e6, "apparent power delivered"),
    number("ups.power.nominal", "VA", 0, 5e6, "rated apparent power"),
    number("ups.realpower", "W", 0, 5e6, "active power delivered"),
    number("ups.realpower.nominal", "W", 0, 5e6, "rated active power"),
    number("ups.efficiency", "%", 0, 100, "output power, of the input power"),
    number("ups.temperature", "degC", -40, 150, "temperature inside the UPS"),
    number("ups.delay.shutdown", "s", -1, 1e6, "delay before a commanded shutdown"),
    number("ups.delay.start", "s", -1, 1e6, "delay before a commanded start"),
    number("battery.charge", "%", 0, 100, "charge, of the full battery"),
    number("battery.charge.low", "%", 0, 100, "charge at which the UPS calls its battery low"),
    number("battery.charge.warning", "%", 0, 100, "charge at which the UPS warns"),
    number("battery.runtime", "s", 0, 5e6, "time left on battery, as the UPS claims"),
    number("battery.runtime.low", "s", 0, 1e6, "runtime at which the UPS calls its battery low"),
    number("battery.voltage", "V", 0, 1200, "voltage of the whole string"),
    number("battery.voltage.nominal", "V", 0, 1200, "rated voltage of the string"),
    number("battery.voltage.low", "V", 0, 1200, "voltage of the empty string"),
    number("battery.voltage.high", "V", 0, 1200, "voltage of the full string"),
    number("battery.voltage.cell.max", "V", 0, 30, "highest voltage of a cell or block"),
    number("battery.voltage.cell.min", "V", 0, 30, "lowest voltage of a cell or block"),
    number("battery.current", "A", -5000, 5000, "battery current; positive while discharging on agents that sign it"),
    number("battery.current.total", "A", -5000, 5000, "current of all strings"),
    number("battery.temperature", "degC", -40, 120, "temperature of the battery"),
    number("battery.capacity", "Ah", 0, 1e6, "capacity of the full battery"),
    number("battery.packs", "", 0, 1000, "battery packs installed"),
    number("battery.packs.bad", "", 0, 1000, "battery packs found bad"),
    number("battery.packs.external", "", 0, 1000, "external battery packs"),
    text("battery.status", "battery state in the device's own word"),
    text("battery.charger.status", "charging, discharging, floating, resting or off"),
    text("battery.date", "date when the battery was last replaced"),
    text("battery.date.maintenance", "date when the battery is due"),
    text("battery.type", "chemistry"),
    number("battery.energysave.load", "%", 0, 100, "load below which the UPS saves energy"),
    number("input.voltage", "V", 0, 1000, "input voltage"),
    number("input.voltage.nominal", "V", 0, 1000, "rated input voltage"),
    number("input.voltage.fault", "V", 0, 1000, "input voltage at the last transfer"),
    number("input.voltage.maximum", "V", 0, 1000, "highest input voltage of late"),
    number("input.voltage.minimum", "V", 0, 1000, "lowest input voltage of late"),
    number("input.frequency", "Hz", 0, 500, "input frequency"),
    number("input.frequency.nominal", "Hz", 0, 500, "rated input frequency"),
    number("input.current", "A", 0, 10000, "input current"),
    number("input.power", "VA", 0, 5e6, "apparent power taken"),
    number("input.realpower", "W", 0, 5e6, "active power taken"),
    number("input.powerfactor", "", -1, 1, "active power taken, of the apparent"),
    number("x.input.energy", "kWh", 0, 1e9, "energy taken, as a meter counts it"),
    number("input.load", "%", 0, 300, "input power, of the rated"),
    number("input.phases", "", 0, 3, "input phases"),
    number("input.transfer.low", "V", 0, 1000, "input voltage below which the UPS goes to battery"),
    number("input.transfer.high", "V", 0, 1000, "input voltage above which the UPS goes to battery"),
    text("input.transfer.reason", "why the UPS last went to battery"),
    text("input.sensitivity", "how touchy the UPS is about its mains"),
    number("input.quality.bads", "", 0, 5e9, "times that the input was out of tolerance"),
    number("output.voltage", "V", 0, 1000, "output voltage"),
    number("output.voltage.nominal", "V", 0, 1000, "rated output voltage"),
    number("output.frequency", "Hz", 0, 500, "output frequency"),
    number("output.frequency.nominal", "Hz", 0, 500, "rated output frequency"),
    number("output.current", "A", 0, 10000, "output current"),
    number("output.current.nominal", "A", 0, 10000, "rated output current"),
    number("output.powerfactor", "", 0, 1, "active power, of the apparent"),
    number("output.phases", "", 0, 3, "output phases"),
    number("input.bypass.voltage", "V", 0, 1000, "bypass voltage"),
    number("input.bypass.frequency", "Hz", 0, 500, "bypass frequency"),
    number("input.bypass.current", "A", 0, 10000, "bypass current"),
    number("input.bypass.realpower", "W", 0, 5e6, "active power through the bypass"),
    number("input.bypass.phases", "", 0, 3, "bypass phases"),
    number("x.ups.on-battery.time", "s", 0, 5e8, "time on battery, as the UPS counts it; restarts with its card"),
    number("x.battery.elapsed", "s", 0, 5e8, "time on battery by our own clock; a self-test is none"),
    number("x.battery.runtime.learned", "s", 0, 5e6, "time left on battery at this load, as discharges taught"),
    number("x.battery.runtime.error", "s", 0, 5e6, "by how much it may be wrong, one time in five by more"),
    number("x.battery.endurance", "s", 0, 5e6, "learned runtime of the full battery at full load and 25 degC"),
    number("x.battery.promised", "s", 0, 5e6, "how long it is to hold on battery, by the settings"),
    flags("x.battery.promise", PROMISE, "whether the battery will hold as long as was promised"),
    number("x.ups.alarms", "", 0, 10000, "alarms that the device counts"),
    text("x.ups.inverter", "state of the inverter in the device's own word"),
    text("x.input.status", "state of the input in the device's own word"),
    number("x.rectifier.current", "A", 0, 10000, "current out of the rectifier of a DC system"),
    number("x.psu.count", "", 0, 100, "power supplies installed"),
    number("outlet.realpower", "W", 0, 1e6, "active power of all outlets"),
    number("input.current.nominal", "A", 0, 10000, "rated input current"),
    number("input.frequency.low", "Hz", 0, 500, "input frequency below which the UPS goes to battery"),
    number("input.frequency.high", "Hz", 0, 500, "input frequency above which the UPS goes to battery"),
    number("input.bypass.frequency.nominal", "Hz", 0, 500, "rated bypass frequency"),
    number("output.power", "VA", 0, 5e6, "apparent power delivered, as the output counts it"),
    number("output.realpower", "W", 0, 5e6, "active power delivered, as the output counts it"),
    number("battery.charge.restart", "%", 0, 100, "charge that the UPS waits for before it starts again"),
    number("ups.timer.shutdown", "s", -1, 1e6, "time to a commanded shutdown; -1: none is commanded"),
    number("ups.timer.start", "s", -1, 1e6, "time to a commanded start; -1: none is commanded"),
    number("ups.timer.reboot", "s", -1, 1e6, "time to a commanded restart; -1: none is commanded"),
    text("battery.mfr.date", "date when the battery was made"),
    text("ups.mfr.date", "date when the UPS was made"),
    text("x.ups.fault.last", "last fault that the UPS recorded; 'none' where there was none"),
    number("x.battery.blocks", "", 0, 1000, "batteries in series"),
    *_phased(),
)

NUMBERED: Final = (
    text("ups.contacts.#.status", "state of a contact of the UPS"),
    text("outlet.#.status", "state of outlet #"),
    number("x.board.#.temperature", "degC", -40, 150, "temperature # inside the device"),
    number("x.psu.#.voltage", "V", 0, 1000, "input voltage of power supply #"),
    number("x.psu.#.battery.count", "", 0, 100, "batteries at power supply #"),
    number("x.psu.#.battery.charge", "%", 0, 100, "charge of the batteries at power supply #"),
    number("x.psu.#.battery.runtime", "s", 0, 5e6, "time left on the batteries at power supply #"),
    text("x.psu.#.battery.status", "state of the batteries at power supply #"),
    text("x.psu.#.charger.status", "state of the charger of power supply #"),
    text("x.psu.#.type", "kind of power supply #: AC or DC"),
    text("x.psu.#.status", "state of power supply #"),
    text("x.psu.#.mode", "whether power supply # is online"),
    number("outlet.#.current", "A", 0, 1000, "current of outlet #"),
    number("outlet.#.realpower", "W", 0, 1e6, "active power of outlet #"),
)
