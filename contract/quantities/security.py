"""Security: failed log-ins, listening ports, what other devices say by syslog."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

SECURITY_STATUS: Final = (
    "PORT",  # a port is listened on that was not before
    "SILENT",  # a source that should speak has fallen silent
    "FLOOD",  # more messages than are looked at
    "BLIND",  # a log cannot be read, or the port for syslog cannot be had
)
"""Flags of ``security.status``."""

PLAIN: Final = (
    flags("security.status", SECURITY_STATUS, "what looks like trouble; empty where nothing does"),
    text("security.problem", "what looks like trouble, in sentences separated by '; '; 'none' where nothing does"),
    text("security.evidence", "the last line that was set aside as evidence, shortened, without control characters"),
    text("security.evidence.file", "where the lines are kept"),
    number("security.logins.failed", "", 0, 1e9, "failed log-ins within the window"),
    number("security.logins.hour", "", 0, 1e9, "failed log-ins within the last hour"),
    number("security.logins.worst", "", 0, 1e9, "failed log-ins within the window, from the worst source"),
    text("security.logins.source", "the source with most failed log-ins; 'none' where there is none"),
    number("security.ports", "", 0, 1e6, "ports that are listened on"),
    number("security.ports.new", "", 0, 1e6, "ports that are listened on and were not before"),
    number("security.syslog.errors", "", 0, 1e9, "syslog messages of severity error and worse within the window"),
    number("security.syslog.worst", "", 0, 1e9, "the same, from the worst source"),
    text("security.syslog.source", "the source with most of them; 'none' where there is none"),
    number("security.syslog.messages", "", 0, 1e15, "syslog messages taken since the start"),
    number("security.syslog.refused", "", 0, 1e15, "messages from sources that are not on the list, since the start"),
    number("security.syslog.dropped", "", 0, 1e15, "messages that were too many to look at, since the start"),
    number("security.syslog.silent", "", 0, 1e6, "sources that should speak and do not"),
)

NUMBERED: Final[tuple[Quantity, ...]] = ()
