"""UPSes behind a NUT server (``upsd``), RFC 9271: what its drivers know, in NUT's names and units, which are ours too.

Of a server that answers and has lost its UPS (``DATA-STALE``, ``DRIVER-NOT-CONNECTED``) nothing is believed: the status
is COMM, as that of a card which has lost the UPS behind it, and what it had said before is unavailable.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

from agent.drivers.base import TEST, Identity, Lane
from agent.links.nut import NutError, NutLink
from contract.command import Verb
from contract.errors import CommandRefused, DeviceGarbled, DeviceRefused
from contract.quantities import UPS_STATUS, Kind, find
from contract.reading import Reading, Value, judged, unavailable

_log = logging.getLogger(__name__)

STATUS: Final = "ups.status"
FAST: Final = (STATUS, "battery.charge")
_LOST: Final = {
    "DATA-STALE": "its driver has lost the UPS",
    "DRIVER-NOT-CONNECTED": "its driver is not running",
}
TESTS: Final = ("test.battery.start.quick", "test.battery.start")
"""Commands that test a battery, in the order of liking. A deep test, which drains it, is none of them."""
_FORBIDDEN: Final = ("ACCESS-DENIED", "USERNAME-REQUIRED", "PASSWORD-REQUIRED", "INVALID-USERNAME", "INVALID-PASSWORD")
_NUMBER: Final = re.compile(r"[+-]?\d{1,12}(?:\.\d*)?|[+-]?\.\d+")
_ALIASES: Final = {"HE": "ECO"}
"""Words of ``ups.status`` that mean what another one means: high efficiency."""
_PASSING: Final = frozenset({"WAIT"})
"""Words that say that nothing is known yet."""


def parse_status(text: str) -> tuple[str, ...] | None:
    """Return the flags of ``ups.status``; None where nothing is known. Words that we do not know are passed over."""
    said = [_ALIASES.get(word, word) for word in text.split()]
    if _PASSING & set(said):
        return None
    return tuple(sorted({word for word in said if word in UPS_STATUS})) or None


def parse(name: str, text: str) -> Reading | None:
    """Return the reading of a variable; None for one that the dictionary does not know."""
    known = find(name)
    if known is None:
        return None
    value: Value | None
    if name == STATUS:
        value = parse_status(text)
    elif known.kind is Kind.NUMBER:
        value = float(text) if _NUMBER.fullmatch(text.strip()) else None
    elif known.kind is Kind.TEXT:
        value = text.strip()[:256] or None
    else:
        value = None  # flags that NUT has not
    return judged(name, value)


class NutDriver:
    """Reads one UPS of a server: its status and charge, or all that the server knows of it."""

    def __init__(self, link: NutLink, ups: str = "") -> None:
        """Take the server, and the name of the UPS on it; empty: the only one."""
        self._link = link
        self._wanted = ups
        self._ups = ups
        self._identity = Identity()
        self._said: frozenset[str] = frozenset()
        """Quantities that it had something to say of."""
        self._lost = ""
        self.passed_over: frozenset[str] = frozenset()
        """Variables of the last full poll that the dictionary does not know."""

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
        if not self._ups:
            self._ups = await self._only()
        command = ""
        try:
            lines = await self._link.listing("CMD", self._ups)
            known = {line[0] for line in lines if line}
            command = next((name for name in TESTS if name in known), "")
            if not command:
                offers = ", ".join(sorted(known)) or "no command at all"
                raise CommandRefused(f"the NUT server knows no battery test of {self._ups}; its driver offers {offers}")
            await self._link.ask("INSTCMD", self._ups, command)
        except NutError as error:
            if error.code in _FORBIDDEN:
                hint = (
                    "write user and password in the device's nut = { … }, and let upsd.users allow that user "
                    f"instcmds = {command or TESTS[0]}"
                )
                raise DeviceRefused(error.what, where=error.where, hint=hint) from None
            raise await self._refused(error) from None
        return f"the NUT server has taken {command}; its state follows"

    async def close(self) -> None:
        """See ``Driver.close``."""
        await self._link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        if not self._ups:
            self._ups = await self._only()
        try:
            found = await (self._few() if lane is Lane.FAST else self._all())
        except NutError as error:
            if error.code in _LOST:
                return self._blind(error.code, lane)
            raise await self._refused(error) from None
        self._lost = ""
        return found

    async def _few(self) -> list[Reading]:
        found = []
        for name in FAST:
            if name != STATUS and self._said and name not in self._said:
                continue  # the server has no such variable, or had none when it was asked for all
            try:
                line = await self._link.ask("GET", "VAR", self._ups, name)
            except NutError as error:
                if error.code != "VAR-NOT-SUPPORTED":
                    raise
                found.append(unavailable(name))
                continue
            if line[:3] != ["VAR", self._ups, name] or len(line) != 4:
                await self._link.close()
                raise DeviceGarbled(f"an answer to another question: {line!r}"[:120], where=self._link.where)
            found.append(parse(name, line[3]) or unavailable(name))
        return found

    async def _all(self) -> list[Reading]:
        lines = await self._link.listing("VAR", self._ups)
        variables = {line[0]: line[1] for line in lines if len(line) == 2}
        read = {name: parse(name, text) for name, text in variables.items()}
        passed = frozenset(name for name, reading in read.items() if reading is None)
        if passed != self.passed_over:
            _log.debug("%s: %d variables that the dictionary does not know", self._link.where, len(passed))
        self.passed_over = passed
        self._identity = _identity(variables)
        found = [reading for reading in read.values() if reading is not None]
        if STATUS not in variables:
            found.append(unavailable(STATUS))
        self._said = frozenset(reading.quantity for reading in found)
        return found

    def _blind(self, code: str, lane: Lane) -> list[Reading]:
        if self._lost != code:
            self._lost = code
            _log.warning("%s: %s: %s", self._link.where, self._ups, _LOST[code])
        status = judged(STATUS, ("COMM",))
        if lane is Lane.FAST:
            return [status, unavailable("battery.charge")]
        return [status, *(unavailable(name) for name in sorted(self._said - {STATUS}))]

    async def _only(self) -> str:
        """Return the name of the one UPS that the server has.

        Raises:
            DeviceRefused: it has none, or several.
        """
        there = await self._names()
        if len(there) != 1:
            hint = f'write ups = "…": one of {", ".join(there)}' if there else "its ups.conf has none"
            raise DeviceRefused(f"the NUT server has {len(there)} UPSes", where=self._link.where, hint=hint)
        return there[0]

    async def _names(self) -> list[str]:
        try:
            return [line[0] for line in await self._link.listing("UPS") if line]
        except NutError as error:
            raise DeviceRefused(error.what, where=error.where, hint=error.hint) from None

    async def _refused(self, error: NutError) -> DeviceRefused:
        """Return what the error means; a UPS that there is not, with those that there are."""
        if error.code != "UNKNOWN-UPS":
            return DeviceRefused(error.what, where=error.where, hint=error.hint)
        wanted, self._ups = self._ups, self._wanted
        there = await self._names()
        hint = f"there are {', '.join(there)}" if there else "its ups.conf has none"
        return DeviceRefused(f"the NUT server has no UPS {wanted!r}", where=self._link.where, hint=hint)


def _identity(variables: Mapping[str, str]) -> Identity:
    def first(*names: str) -> str:
        return next((text for name in names if (text := variables.get(name, "").strip())), "")[:256]

    driver = first("driver.name")
    return Identity(
        profile=f"nut-{driver}" if driver else "nut",
        manufacturer=first("ups.mfr", "device.mfr"),
        model=first("ups.model", "device.model"),
        serial=first("ups.serial", "device.serial"),
        firmware=first("ups.firmware"),
        description=first("device.description"),
    )
