"""Lines to the telephone and data carriers: E1/T1 trunks, their channels, analog lines."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

TRUNK_STATUS: Final = (
    "LOS",  # no signal: the cable, or the far end's transmitter
    "LOF",  # a signal without a frame
    "AIS",  # all ones: trouble behind the far end
    "RAI",  # the far end says that it does not receive us (yellow)
    "RAI-SENT",  # we say so to the far end
    "AIS-SENT",
    "LOOP",
    "TS16-AIS",
    "TS16-RAI",
    "TS16-RAI-SENT",
    "TEST",  # a test code comes in
    "FAILURE",  # the line names another failure
    "UNAVAILABLE",  # by G.826: ten severely errored seconds in a row
    "OUT-OF-SERVICE",  # of the equipment
    "DS2-AIS",
    "DS2-ERRORS",
    "DOWN",  # the interface is down, whatever the line says
    "SIGNALLING",  # its signalling channel is down: no call goes through
    "MISSING",  # a trunk that is watched is not there
    "UNKNOWN",  # the device does not say how it is
)
"""Flags of ``x.trunk.status``: those of dsx1LineStatus (RFC 4805), then ours."""

PLAIN: Final = (
    flags("x.trunk.status", TRUNK_STATUS, "what is wrong with any of the watched trunks; empty where all is well"),
    text("x.trunk.alarm", "which trunks, with what, separated by '; '; 'none' where all is well"),
    number("x.trunk.watched", "", 0, 1e4, "trunks that are watched"),
    number("x.trunk.down", "", 0, 1e4, "watched trunks that carry nothing"),
    number(
        "x.trunk.errored.maximum", "s", 0, 900, "severely errored seconds of the worst trunk, this quarter of an hour"
    ),
    number("x.channel.count", "", 0, 1e5, "voice channels there are"),
    number("x.channel.down", "", 0, 1e5, "voice channels that are out of service"),
    number("x.channel.faulty", "", 0, 1e5, "voice channels out of service that no dead trunk explains"),
    number("x.channel.busy", "", 0, 1e5, "voice channels in use"),
    number("x.channel.free", "", 0, 1e5, "voice channels in service and not in use"),
)

NUMBERED: Final[tuple[Quantity, ...]] = (
    text("x.trunk.#.name", "name of trunk #"),
    text("x.trunk.#.circuit", "what the carrier calls trunk #"),
    text("x.trunk.#.status", "what is wrong with trunk #, in flags of x.trunk.status; 'ok' where nothing is"),
    number("x.trunk.#.up", "", 0, 1, "0 while trunk # carries nothing, else 1"),
    number("x.trunk.#.errored", "s", 0, 900, "errored seconds of trunk #, this quarter of an hour"),
    number("x.trunk.#.errored.severely", "s", 0, 900, "severely errored seconds of trunk #, this quarter of an hour"),
    number("x.trunk.#.unframed", "s", 0, 900, "severely errored framing seconds of trunk #, this quarter of an hour"),
    number("x.trunk.#.unavailable", "s", 0, 900, "seconds that trunk # was unavailable, this quarter of an hour"),
    text("x.line.#.name", "name of line #"),
    text("x.line.#.status", "state of line #, such as on-hook"),
    text("x.calls.#.name", "where the calls of row # go through"),
    number("x.calls.#.now", "", 0, 1e5, "calls that go through at this time"),
    text("x.radio.#.name", "name of mobile radio #"),
    number("x.radio.#.rsrp", "dBm", -160, 0, "reference signal received by radio #"),
    number("x.radio.#.rsrq", "dB", -60, 20, "quality of the reference signal of radio #"),
    number("x.radio.#.snr", "dB", -60, 60, "signal to noise at radio #"),
    number("x.radio.#.rssi", "dBm", -130, 0, "all that radio # receives"),
    text("x.link.#.name", "name of radio or data link #"),
    number("x.link.#.period", "s", 0, 1e10, "time over which the errors of link # are counted"),
    number("x.link.#.errored", "s", 0, 1e10, "errored seconds of link # (G.826)"),
    number("x.link.#.errored.severely", "s", 0, 1e10, "severely errored seconds of link #"),
    number("x.link.#.unavailable", "s", 0, 1e10, "unavailable seconds of link #"),
    number("x.link.#.blocks", "", 0, 1e20, "background blocks of link #"),
    number("x.link.#.blocks.errored", "", 0, 1e20, "background block errors of link #"),
)
