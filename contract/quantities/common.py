"""What every kind of device may say."""

from typing import Final

from contract.quantities.entry import Quantity, number, text

PLAIN: Final = (
    number("device.uptime", "s", 0, 5e9, "time since the device, or its card, started"),
    text("device.mfr", "manufacturer"),
    text("device.model", "model"),
    text("device.serial", "serial number"),
    text("device.type", "ups, pdu, ats, psu"),
    text("device.location", "location that the device was told"),
    text("device.contact", "contact that the device was told"),
    text("device.description", "what the device says of itself (sysDescr)"),
    number("x.contact", "", 0, 1, "1 while the device answers, 0 when it does not"),
    number("x.traps", "", 0, 1e12, "traps and informs of the device since the agent started"),
    text("x.trap.last", "name of the last one of them; of an unknown one its OID"),
    number("x.late", "s", 0, 1e9, "how much later than its measuring a poll came; only where that is long"),
)

NUMBERED: Final[tuple[Quantity, ...]] = ()
