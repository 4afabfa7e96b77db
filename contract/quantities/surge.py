"""Lightning: surge protectors, their strike counters, and the earth."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

SURGE_STATUS: Final = (
    "WORN",  # the protector's life is nearly used up
    "OPEN",  # its backup switch or fuse is off: nothing protects
    "FAULT",  # its remote contact says that it has failed
    "LEAKAGE",
    "EARTH",  # the earth is bad
    "HEAT",
    "MAINS",  # the line that it protects has no voltage
)
"""Flags of ``x.surge.status``."""

SIZES: Final = ("high", "medium", "low")
"""Of surges, as detectors sort them that can."""

PLAIN: Final = (
    flags("x.surge.status", SURGE_STATUS, "what a surge protector says of itself; empty where all is well"),
    number("x.surge.life", "%", 0, 100, "life left"),
    number("x.surge.leakage", "mA", 0, 1e5, "leakage current"),
    number("x.surge.strikes", "", 0, 5e9, "strikes counted, as the device counts: it may wrap, or be set back"),
    number("x.surge.strikes.total", "", 0, 5e9, "strikes counted since the agent started to watch; never falls"),
    number("x.surge.strikes.recent", "", 0, 5e9, "strikes of the last hour"),
    number("x.surge.voltage", "V", 0, 1000, "voltage of the protected line"),
    number("x.surge.temperature", "degC", -60, 150, "temperature of the protector"),
    *(number(f"x.surge.strikes.{size}", "", 0, 5e9, f"{size} surges counted") for size in SIZES),
    *(
        number(f"x.surge.{phase}.strikes.{size}", "", 0, 5e9, f"{size} surges counted on {phase}")
        for phase in ("L1", "L2", "L3")
        for size in SIZES
    ),
    number("x.surge.L2.voltage", "V", 0, 1000, "voltage of the second protected phase"),
    number("x.surge.L3.voltage", "V", 0, 1000, "voltage of the third protected phase"),
    text("x.surge.last", "when the last strike was, in the device's own clock"),
    number("x.surge.last.current", "kA", 0, 1000, "current of the last strike"),
    number("x.earth.resistance", "Ohm", 0, 1e5, "earth resistance"),
)

NUMBERED: Final[tuple[Quantity, ...]] = ()
