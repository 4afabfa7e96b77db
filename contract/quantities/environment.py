"""Rooms: temperature, humidity, what cools them."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

AMBIENT_STATUS: Final = (
    "SMOKE",
    "HEAT",
    "WATER",
    "GAS",
    "DOOR",  # open
    "MOTION",
    "MAINS",  # a contact says that mains is away
    "BREAK",  # a supervised wire is broken, or short
    "FAULT",  # a sensor calls itself failed, or is away
    "ALARM",  # a sensor is beyond a limit that was set in the device
)
"""Flags of ``ambient.status``: what any of a device's sensors and contacts says."""

PLAIN: Final = (
    flags("ambient.status", AMBIENT_STATUS, "what the sensors and contacts of a room say; empty where all is well"),
    text("ambient.alarm", "which sensors and contacts say so, separated by '; '; 'none' where all is well"),
    number("x.ambient.temperature.maximum", "degC", -60, 120, "the highest of all probes"),
    number("x.ambient.temperature.minimum", "degC", -60, 120, "the lowest of all probes"),
    number("x.ambient.humidity.maximum", "%", 0, 100, "the highest of all probes"),
    number("x.ambient.humidity.minimum", "%", 0, 100, "the lowest of all probes"),
    number("x.smoke.density", "ppm", 0, 1e5, "smoke in the air"),
    number("ambient.temperature", "degC", -60, 120, "room temperature"),
    number("ambient.humidity", "%", 0, 100, "relative humidity of the room"),
    number("ambient.dewpoint", "degC", -60, 120, "dew point of the room"),
    text("ambient.alarm.status", "what the device says of its own limits, in its own word"),
    text("x.ambient.poe.status", "whether the device is fed through its network cable"),
    number("x.cooling.capacity", "%", 0, 100, "cooling in use, of what the unit can"),
    number("x.cooling.free", "%", 0, 100, "free cooling in use"),
    number("x.cooling.dehumidifying", "%", 0, 100, "dehumidifying in use"),
    number("x.cooling.humidifying", "%", 0, 100, "humidifying in use"),
    number("x.cooling.fan", "%", 0, 100, "fan capacity in use"),
    *(
        entry
        for air in ("control", "supply", "return")
        for entry in (
            number(f"x.cooling.{air}.temperature", "degC", -40, 120, f"temperature of the {air} air"),
            number(f"x.cooling.{air}.temperature.setpoint", "degC", -40, 120, f"wanted temperature of the {air} air"),
            number(f"x.cooling.{air}.humidity", "%", 0, 100, f"humidity of the {air} air"),
            number(f"x.cooling.{air}.humidity.setpoint", "%", 0, 100, f"wanted humidity of the {air} air"),
        )
    ),
    *(
        text(f"x.cooling.{part}.status", f"state of the {part} of a cooling unit, in its own word")
        for part in ("unit", "beeper", "compressor", "dehumidifier", "heater", "blower", "hotwater", "humidifier")
    ),
    text("x.cooling.mode", "operating mode of a cooling unit"),
    text("x.cooling.reason", "why a cooling unit is in its state"),
)

NUMBERED: Final[tuple[Quantity, ...]] = (
    number("x.smoke.#.density", "ppm", 0, 1e5, "smoke at detector #"),
    number("ambient.#.voltage", "V", -1e4, 1e4, "voltage at analog input #"),
    number("ambient.#.current", "A", -1e4, 1e4, "current at analog input #"),
    number("ambient.#.airflow", "", 0, 1e6, "air flow at probe #, in its own unit"),
    number("ambient.#.temperature", "degC", -60, 120, "temperature at probe #"),
    number("ambient.#.humidity", "%", 0, 100, "relative humidity at probe #"),
    number("ambient.#.dewpoint", "degC", -60, 120, "dew point at probe #"),
    number("ambient.#.dewpoint.margin", "degC", -100, 200, "temperature above the dew point at probe #"),
    number("ambient.#.pressure", "hPa", 300, 1200, "air pressure at probe #"),
    text("ambient.#.name", "name of probe #"),
    text("ambient.#.status", "state of probe # in the device's own word"),
    text("ambient.#.contacts.#.status", "state of a contact of probe #"),
    text("ambient.contacts.#.status", "state of contact # of the card's sensor"),
    text("ambient.contacts.#.name", "name of contact #"),
    text("ambient.relays.#.status", "state of relay output #"),
    number("x.cooling.#.point", "", 0, 1e6, "control point # of a cooling unit, in its own unit"),
)
