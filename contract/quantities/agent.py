"""The agent itself, as it sees itself."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

AGENT_STATUS: Final = (
    "CLOCK",  # the wall clock is not trusted: readings are dated by boottime alone
    "HELD",  # readings wait for the gateway
    "FULL",  # there is no room: old readings are thinned out or dropped
    "DISK",  # the spool's disk cannot be written to
    "WORN",  # the flash calls itself worn
)
"""Flags of ``agent.status``."""

PLAIN: Final = (
    flags("agent.status", AGENT_STATUS, "how the agent itself is; empty where all is well"),
    text("agent.trouble", "what is wrong with it, in a sentence; 'none' where all is well"),
    number("agent.cpu", "%", 0, 12800, "processor time that it uses, 100 for one whole processor"),
    number("agent.memory", "B", 0, 1e12, "memory that it uses"),
    number("agent.disk.free", "B", 0, 1e18, "space left on the disk of its spool"),
    number("agent.disk.used", "%", 0, 100, "space in use on the disk of its spool"),
    number("agent.flash.wear", "%", 0, 110, "life of the flash that is used up, in steps of 10; above 100 it is over"),
    number("agent.temperature", "degC", -60, 150, "the hottest zone of its board"),
    number("agent.late", "s", 0, 1e6, "how late its event loop was at the worst, in the last minute"),
    number("agent.held", "", 0, 1e15, "messages that no gateway has acknowledged yet"),
    number("agent.spool", "B", 0, 1e15, "size of its spool"),
    number("agent.room", "s", 0, 1e12, "how long a cut can last before readings are thinned out, at the present rate"),
    number("agent.devices", "", 0, 1e6, "devices that it watches"),
    number("agent.devices.silent", "", 0, 1e6, "devices that did not answer when last asked"),
    number("agent.uptime", "s", 0, 5e9, "time since it was started"),
)

NUMBERED: Final[tuple[Quantity, ...]] = ()
