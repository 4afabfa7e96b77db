"""UPSes that speak APC's smart protocol ("UPS-Link"): Smart-UPS, Matrix, Symmetra on a serial cable of their own.

One character asks, the answer ends in CR LF, ``NA`` means that there is none. A UPS is dumb until it is sent ``Y``, and
becomes dumb again after a while: each poll begins with ``Y``, which also shows that question and answer are in step.
Characters that it sends unasked (``!`` on battery, ``%`` battery low, ...) may stand before an answer, or in it, and are
taken out: what they tell of, the status byte says too. Source: the protocol as NUT's apcsmart and apcupsd speak it.

Most values share one layout, so that an answer that comes late could pass for the next one's: after anything that does
not fit, nothing is believed before ``Y`` was answered twice.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from agent.drivers.asking import Link
from agent.drivers.base import TEST, Identity, Lane
from agent.drivers.megatec import names
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.reading import Reading, Value, judged, unavailable

_UNASKED: Final = b"!$%+?=#&|~"
_END: Final = b"\n"
_TRIES: Final = 3
NONE: Final = "NA"

_FLAGS: Final = (
    (0x01, "CAL"),
    (0x02, "TRIM"),
    (0x04, "BOOST"),
    (0x08, "OL"),
    (0x10, "OB"),
    (0x20, "OVER"),
    (0x40, "LB"),
    (0x80, "RB"),
)
_TRANSFERS: Final = {
    "R": "rate of change of the input voltage",
    "H": "input voltage high",
    "L": "input voltage low",
    "T": "input voltage notch or spike",
    "O": "none since it was switched on",
    "S": "self-test",
    "N": "none",
}
_TESTS: Final = {"OK": "passed", "BT": "failed: battery capacity", "NG": "failed: overload", "NO": "none of late"}


class Point(msgspec.Struct, frozen=True):
    """One command, and what its answer means."""

    command: str
    quantity: str
    layout: str
    """A regular expression of the whole answer."""
    means: Callable[[str], Value | None] = float
    fast: bool = False


def _minutes(text: str) -> float:
    return 60.0 * float(text.rstrip(":"))


def _stripped(text: str) -> str | None:
    return text.strip() or None


_VOLTS: Final = r"\d{2,3}\.\d{1,2}"
_DATE: Final = r"\d\d/\d\d/\d\d"

POINTS: Final = (
    Point("f", "battery.charge", r"\d{3}\.\d", fast=True),
    Point("j", "battery.runtime", r"\d{4}:?", _minutes),
    Point("B", "battery.voltage", _VOLTS),
    Point("L", "input.voltage", _VOLTS),
    Point("M", "input.voltage.maximum", _VOLTS),
    Point("N", "input.voltage.minimum", _VOLTS),
    Point("O", "output.voltage", _VOLTS),
    Point("F", "output.frequency", r"\d{2}\.\d{1,2}"),
    Point("P", "ups.load", r"\d{2,3}\.\d{1,2}"),
    Point("C", "ups.temperature", r"\d{2,3}\.\d{1,2}"),
    Point("/", "output.current", r"\d{2,3}\.\d{1,2}"),
    Point("G", "input.transfer.reason", r"[A-Z]", lambda text: _TRANSFERS.get(text, text)),
    Point("X", "ups.test.result", r"OK|BT|NG|NO", lambda text: _TESTS[text]),
    Point("l", "input.transfer.low", r"\d{3}"),
    Point("u", "input.transfer.high", r"\d{3}"),
    Point(
        "s", "input.sensitivity", r"[HMLA]", lambda text: {"H": "high", "M": "medium", "L": "low", "A": "auto"}[text]
    ),
    Point("g", "battery.voltage.nominal", r"\d{3}"),
    Point("o", "output.voltage.nominal", r"\d{3}"),
    Point("q", "battery.runtime.low", r"\d{2}", _minutes),
    Point(">", "battery.packs.external", r"\d{1,3}"),
    Point("x", "battery.date", _DATE, _stripped),
)
"""In the order in which they are asked. The status byte is asked before them."""

_NAMES: Final = (("\x01", "model"), ("n", "serial"), ("b", "firmware"))
_NAME: Final = re.compile(r"[ -~]{1,40}")
_STATUS: Final = re.compile(r"[0-9A-F]{2}", re.IGNORECASE)


def bare(answer: bytes) -> tuple[str, bool]:
    """Return an answer without what the UPS said unasked, and whether it said that it is about to switch off (``*``)."""
    text = answer.strip(b"\r\n\0").translate(None, _UNASKED)
    return text.replace(b"*", b"").decode("ascii", "backslashreplace"), b"*" in text


def parse_status(text: str) -> tuple[str, ...] | None:
    """Return the flags of a status byte, or None for what is no such byte. 00 is a UPS whose output is off."""
    if _STATUS.fullmatch(text) is None:
        return None
    byte = int(text, 16)
    return tuple(sorted(flag for bit, flag in _FLAGS if byte & bit)) or ("OFF",)


def parse_value(point: Point, text: str) -> Reading | None:
    """Return the reading of an answer; None for what is no answer to this command."""
    if text == NONE:
        return unavailable(point.quantity)
    return judged(point.quantity, point.means(text)) if re.fullmatch(point.layout, text) else None


class ApcSmartDriver:
    """Reads one UPS: the status byte and the charge each time; the names first; what it has none of is spared."""

    def __init__(self, link: Link) -> None:
        """Remember the line."""
        self._link = link
        self._identity = Identity()
        self._contact = False
        self._none: frozenset[str] | None = None
        """Commands that it answered with ``NA`` in its first full poll; None before that."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return TEST

    async def act(self, verb: Verb, output: str, seconds: float) -> str:  # noqa: ARG002 - see Actor
        """See ``Actor.act``."""
        if verb is not Verb.BATTERY_TEST:
            raise CommandRefused(f"a UPS knows no {verb.value}")
        await self._wake()
        text, _ = await self._ask("W")  # once: a second one would end the test
        if text in ("OK", "*"):
            return "it tests its battery, for some 8 s"
        await self._in_step()
        if text in (NONE, "NO"):
            hint = "its battery must be full, and some models test it by their own schedule only"
            raise DeviceRefused("it does not test its battery now", where=self._link.url, hint=hint)
        raise DeviceGarbled(f"not an answer to W: {text[:60]!r}", where=self._link.url, hint="noise on the line")

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._contact = False
        await self._link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        try:
            return await self._read(lane)
        except DeviceError:
            self._contact = False
            raise

    async def _read(self, lane: Lane) -> Sequence[Reading]:
        await self._wake()
        status = await self._status()
        if not self._contact:
            self._none = None
            await self._introduce()
            self._contact = True
        found = [status]
        if lane is Lane.FAST:
            return [status, *[(await self._point(point))[0] for point in POINTS if point.fast]]
        spared = self._none or frozenset()
        none = set(spared)
        for point in POINTS:
            if point.command in spared:
                found.append(unavailable(point.quantity))
                continue
            reading, refused = await self._point(point)
            found.append(reading)
            if refused and not point.fast:
                none.add(point.command)
        if self._none is None:
            self._none = frozenset(none)
        return [*found, *names(self._identity)]

    async def _wake(self) -> None:
        """Bring it into smart mode.

        Raises:
            DeviceTimeout: it says nothing.
            DeviceGarbled: it says something else.
        """
        last = ""
        for attempt in range(_TRIES):
            try:
                last, _ = await self._ask("Y")
            except DeviceTimeout:
                # It was perhaps dumb; and a cable that feeds its adapter from DTR loses the first command.
                if attempt or self._contact:
                    raise
                continue
            except DeviceGarbled:
                if attempt == _TRIES - 1:
                    raise
                continue
            if last == "SM":
                return
        hint = "noise, another speed than 2400 baud, or a UPS that speaks another protocol; APC's need their own cable"
        raise DeviceGarbled(f"not smart: it answered Y with {last[:60]!r}", where=self._link.url, hint=hint)

    async def _status(self) -> Reading:
        for _ in range(_TRIES):
            text, going_down = await self._ask("Q")
            flags = parse_status(text)
            if flags is not None:
                if "OB" in flags and "CAL" not in flags and await self._tests():
                    flags = tuple(sorted((*flags, "CAL")))
                return judged("ups.status", (*flags, "FSD") if going_down else flags)
            await self._in_step()
        hint = "noise on the line"
        raise DeviceGarbled(f"not a status byte: {text[:60]!r}", where=self._link.url, hint=hint)

    async def _tests(self) -> bool:
        """Say whether it is on battery for a self-test: the status byte does not, the reason of the last transfer does."""
        text, _ = await self._ask("G")
        return text == "S"

    async def _point(self, point: Point) -> tuple[Reading, bool]:
        """Ask for one value, once more where the answer does not fit; say whether it has none to give."""
        for _ in range(2):
            text, _ = await self._ask(point.command)
            reading = parse_value(point, text)
            if reading is not None:
                return reading, text == NONE
            await self._in_step()
        return unavailable(point.quantity), False

    async def _introduce(self) -> None:
        """Ask for the names."""
        said = dict.fromkeys((name for _, name in _NAMES), "")
        for command, name in _NAMES:
            text, _ = await self._ask(command)
            if text != NONE and _NAME.fullmatch(text):
                said[name] = text.strip()
        await self._in_step()  # any text passes for a name
        self._identity = Identity(profile="apcsmart", manufacturer="APC", **said)

    async def _in_step(self) -> None:
        """Make sure that no answer is on its way any more.

        Raises:
            DeviceGarbled: one was.
        """
        for _ in range(2):
            text, _ = await self._ask("Y")
            if text != "SM":
                hint = "noise on the line, or a serial server that holds answers back"
                raise DeviceGarbled(f"an answer to another question: {text[:60]!r}", where=self._link.url, hint=hint)

    async def _ask(self, command: str) -> tuple[str, bool]:
        return bare(await self._link.ask(command.encode(), end=_END, timeout=1.5))
