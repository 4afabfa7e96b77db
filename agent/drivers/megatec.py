"""UPSes that speak Megatec Q1: most small serial ones. Layouts: Megatec protocol document; rules: NUT's blazer.

Q1 gives the state, F the ratings, I the name. An unknown command comes back as an echo, or as ``(NAK``. Only an
answer that fits its layout is believed; see ``agent.drivers.asking``.
"""

import re
from collections.abc import Sequence

import msgspec

from agent.drivers.asking import Asker, Link, number
from agent.drivers.base import TEST, Identity, Lane
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError
from contract.quantities import QUANTITIES
from contract.reading import Reading, Value, judged, unavailable

PROTOCOL = "Megatec Q1"

_N4 = r"([ \d]{3}\.\d|-{3}\.-)"
_Q1 = re.compile(
    rf"\({_N4} {_N4} {_N4} ([ \d]{{3}}|---) ([ \d]{{2}}\.\d|--\.-) "
    r"([ \d]\.\d\d|[ \d]{2}\.\d|[ \d]{3}\.|-\.--|--\.-) ([ \d]{2}\.\d|--\.-) ([01]{8})"
)
_F = re.compile(r"#([ \d]{3}\.\d) ([ \d]{3}) ([ \d]{2,3}\.\d{1,2}) ([ \d]{2}\.\d)")
_I = re.compile(r"#([ -~]{15}) ([ -~]{10}) ([ -~]{10})")

_EMPTY, _FULL = 104 / 120, 130 / 120
"""Battery voltage when empty and when full, of the nominal: NUT's, for a lead-acid string without a curve of its own."""
_PER_CELL = 3.0
"""No string has a nominal voltage as low as this: below it, Q1 speaks of a cell."""


class Status(msgspec.Struct, frozen=True):
    """A Q1 answer: volts, %, hertz, degrees Celsius; None where the device shows dashes. ``bits`` is b7 first."""

    input_volts: float | None
    fault_volts: float | None
    output_volts: float | None
    load: float | None
    hertz: float | None
    battery_volts: float | None
    temperature: float | None
    bits: str


class Ratings(msgspec.Struct, frozen=True):
    """An F answer: volts, amperes, volts of the battery, hertz."""

    volts: float
    amperes: float
    battery_volts: float
    hertz: float


def parse_status(text: str) -> Status | None:
    """Return a Q1 answer, or None for what is not exactly one."""
    match = _Q1.fullmatch(text)
    if match is None:
        return None
    try:
        first, fault, output, load, hertz, battery, temperature = (number(field) for field in match.groups()[:7])
    except ValueError:
        return None
    return Status(first, fault, output, load, hertz, battery, temperature, match[8])


def parse_ratings(text: str) -> Ratings | None:
    """Return an F answer, or None. The battery's field is one short on some devices."""
    match = _F.fullmatch(text.rstrip())
    try:
        return Ratings(*(float(field) for field in match.groups())) if match else None
    except ValueError:
        return None


def parse_identity(text: str) -> Identity | None:
    """Return an I answer, or None. Dashes and spaces are no name."""
    match = _I.fullmatch(text)
    if match is None:
        return None
    maker, model, version = (field.strip().strip("-").strip() for field in match.groups())
    return Identity("megatec", maker, model, "", version, "")


def readings(status: Status, ratings: Ratings | None) -> list[Reading]:
    """Return what a status says, by the ratings if they are known."""
    volts, charge = _battery(status, ratings)
    found: list[tuple[str, Value | None]] = [
        ("ups.status", flags_of(status)),
        ("battery.charge", charge),
        ("input.voltage", status.input_volts),
        ("input.voltage.fault", status.fault_volts),
        ("output.voltage", status.output_volts),
        ("ups.load", status.load),
        ("input.frequency", status.hertz),
        ("battery.voltage", volts),
        ("ups.temperature", status.temperature),
        # b3 says standby or line-interactive; the document does not part the two
        ("ups.type", "offline / line interactive" if _bit(status, 3) else "online"),
        ("ups.beeper.status", "enabled" if _bit(status, 0) else "disabled"),
    ]
    return [judged(name, value) for name, value in found]


def rating_readings(ratings: Ratings | None) -> list[Reading]:
    """Return what the ratings say; 0 means that the device does not know."""
    names = ("input.voltage.nominal", "output.current.nominal", "battery.voltage.nominal", "input.frequency.nominal")
    if ratings is None:
        return [unavailable(name) for name in names]
    values = (ratings.volts, ratings.amperes, ratings.battery_volts, ratings.hertz)
    return [judged(name, value or None) for name, value in zip(names, values, strict=True)]


def _bit(status: Status, number: int) -> bool:
    return status.bits[7 - number] == "1"


def flags_of(status: Status) -> tuple[str, ...]:
    """Return ``ups.status``."""
    flags = {"OB" if _bit(status, 7) else "OL"}
    if _bit(status, 6):
        flags.add("LB")
    if _bit(status, 5) and not _bit(status, 7):
        flags |= regulation(status.input_volts, status.output_volts)
    if _bit(status, 4):
        flags.add("FAULT")
    if _bit(status, 2):
        flags.add("CAL")
    if _bit(status, 1):
        flags.add("FSD")
    if status.output_volts is not None and status.output_volts < 1.0:
        flags.add("OFF")  # also on line: the load is switched off
    return tuple(sorted(flags))


def regulation(input_volts: float | None, output_volts: float | None) -> set[str]:
    """Return what the bit of bypass, boost and buck means: output below, at or above the input (NUT's rule)."""
    if not input_volts or output_volts is None:
        return {"BYPASS"}  # cannot be told apart: name the one that leaves the load unprotected
    ratio = output_volts / input_volts
    if 0.5 <= ratio < 0.95:
        return {"TRIM"}
    if 0.95 <= ratio < 1.05:
        return {"BYPASS"}
    return {"BOOST"} if 1.05 <= ratio < 1.5 else set()


def _battery(status: Status, ratings: Ratings | None) -> tuple[float | None, float | None]:
    """Return the voltage of the string and the charge in %, each None when it cannot be known.

    Q1 gives no charge. With the nominal voltage known it is estimated on NUT's straight line between the empty and
    the full string; it is an estimate of ours, coarse under load.
    """
    raw = status.battery_volts
    if raw is None:
        return None, None
    per_cell = raw < _PER_CELL
    if ratings is None or not ratings.battery_volts:
        return (None if per_cell else raw), None
    nominal = ratings.battery_volts
    volts = raw * round(nominal / 2.0) if per_cell else raw
    if not 0.5 <= volts / nominal <= 1.5:
        return volts, None  # the rating is not this battery's
    part = (volts / nominal - _EMPTY) / (_FULL - _EMPTY)
    return round(volts, 2), round(100.0 * min(1.0, max(0.0, part)), 1)


class MegatecDriver:
    """Reads one UPS: Q1 each time; F and I first, and with everything else."""

    def __init__(self, link: Link, status: Status | None = None) -> None:
        """Remember the line, and a Q1 answer that has just come over it, if one has."""
        self._asker = Asker(link)
        self._had = status
        self._identity = Identity()
        self._ratings: Ratings | None = None

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        asker = self._asker
        try:
            status, self._had = self._had, None
            if status is None:
                status = await asker.required("Q1", parse_status, PROTOCOL)
        except DeviceError:
            asker.contact = False
            raise
        if not asker.contact:  # perhaps another UPS is there now
            asker.forget()
            self._ratings, self._identity = None, Identity(profile="megatec")
        if lane is Lane.ALL or not asker.contact:
            await self._introduce()
        asker.contact = True
        found = readings(status, self._ratings)
        if lane is Lane.FAST:
            return [reading for reading in found if reading.quantity in {"ups.status", "battery.charge"}]
        return [*found, *rating_readings(self._ratings), *names(self._identity)]

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return TEST

    async def act(self, verb: Verb, output: str, seconds: float) -> str:  # noqa: ARG002 - see Actor
        """See ``Actor.act``."""
        if verb is not Verb.BATTERY_TEST:
            raise CommandRefused(f"a UPS knows no {verb.value}")
        return await self._asker.battery_test(self._tests)

    async def _tests(self) -> bool:
        status = await self._asker.required("Q1", parse_status, PROTOCOL)
        return "CAL" in flags_of(status)

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._asker.contact = False
        await self._asker.link.close()

    async def _introduce(self) -> None:
        """Ask F and I; many devices know only one of them, or none."""
        self._ratings = await self._asker.optional("F", parse_ratings) or self._ratings
        self._identity = await self._asker.optional("I", parse_identity) or self._identity


def names(identity: Identity) -> list[Reading]:
    """Return what a device says of itself as readings; what it is silent of is left out."""
    said = {
        "ups.mfr": identity.manufacturer,
        "ups.model": identity.model,
        "ups.serial": identity.serial,
        "ups.firmware": identity.firmware,
    }
    return [judged(name, value) for name, value in said.items() if value and QUANTITIES[name].plausible(value)]
