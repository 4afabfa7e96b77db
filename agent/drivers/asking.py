"""How UPSes of the Megatec family are asked: a command and CR out, one line of text back.

Their dialects differ in commands and layouts; what all share is here. Only an answer that fits its layout is believed.
A required one is asked for three times in all; an optional one that a device does not know is spared in the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.reading import Reading, Value, judged

T = TypeVar("T")

NO_ALARM: Final = "none"
"""What ``ups.alarm`` says of a device that can name its alarms, and names none."""
_TRIES = 3
_ASKS = 3
"""Times that an optional command is asked before a UPS that never answers it is spared."""
_LOOKS: Final = 4
"""Times that a UPS is looked at until it shows that it tests its battery,"""
_LOOK: Final = 0.5
"""and seconds between two looks: an inverter takes its time."""
Sleep = Callable[[float], Awaitable[None]]
_REFUSALS = ("NAK", "(ACK", "ACK")


class Link(Protocol):
    """What the drivers need of a serial line; see ``agent.links.serial``."""

    @property
    def url(self) -> str:
        """The port, for errors."""
        ...

    async def ask(self, command: bytes, *, end: bytes = b"\r", timeout: float = 1.5) -> bytes:  # noqa: ASYNC109 - the port's
        """Send a command, return the answer without its end."""
        ...

    async def close(self) -> None:
        """Let go of the port."""
        ...


class Unknown(DeviceGarbled):
    """It understood the command, and does not know it: it speaks another dialect."""


def text(answer: bytes) -> str:
    """Return an answer as text, without the NULs and line feeds that some devices add."""
    return answer.replace(b"\0", b"").strip(b"\n").decode("ascii", "backslashreplace")


def number(field: str) -> float | None:
    """Return a field; None for dashes, which say that there is none.

    Raises:
        ValueError: it is no number; spaces may only lead.
    """
    return None if "-" in field else float(field)


def plain(command: str) -> bytes:
    """Return a command as it goes out."""
    return f"{command}\r".encode()


def refuses(command: str, answer: str) -> bool:
    """Say whether an answer means that the device does not know the command: an echo, or ``(NAK``."""
    return answer == command or answer in _REFUSALS or answer.startswith("(NAK")  # perhaps with a checksum behind it


class Asker:
    """Asks one device. ``frame`` and ``unframe`` are for dialects with a checksum."""

    def __init__(
        self,
        link: Link,
        *,
        frame: Callable[[str], bytes] = plain,
        unframe: Callable[[bytes], bytes | None] = lambda answer: answer,
    ) -> None:
        """Take the line; ``unframe`` returns None for a wrong checksum."""
        self.link = link
        self.contact = False
        """Whether the last required answer came: after a loss, it may be another device."""
        self._asked: dict[str, int] = {}
        self._frame = frame
        self._unframe = unframe

    def forget(self) -> None:
        """Start afresh, as with a device that nothing is known of."""
        self._asked = {}

    async def required(self, command: str, parse: Callable[[str], T | None], protocol: str) -> T:
        """Ask for what the device must know, again when the answer does not fit.

        Args:
            command: without its CR.
            parse: returns None for what is not exactly one.
            protocol: its name, for errors.

        Raises:
            Unknown: it does not know the command.
            DeviceGarbled: no answer fitted.
        """
        last = ""
        for attempt in range(_TRIES):
            try:
                last = await self._ask(command)
            except DeviceGarbled:
                if attempt == _TRIES - 1:
                    raise
                continue
            except DeviceTimeout:
                # A cable that feeds its adapter from DTR needs a second after opening, and loses the first command.
                if attempt or self.contact:
                    raise
                continue
            parsed = parse(last)
            if parsed is not None:
                return parsed
            if refuses(command, last):
                hint = f"it speaks another protocol than {protocol}, or the line echoes what it is sent"
                raise Unknown(f"does not know {command}: it answered {last!r}", where=self.link.url, hint=hint)
        hint = f"noise, another speed than 2400 baud, or another protocol than {protocol}"
        raise DeviceGarbled(f"not a {command} answer: {last[:60]!r}", where=self.link.url, hint=hint)

    async def optional(self, command: str, parse: Callable[[str], T | None]) -> T | None:
        """Ask for what a device need not know; return None when it does not, and in the end stop asking.

        A lost answer costs the wait for it, so that silence counts against the command as a refusal does; an answer
        that does not fit is noise, and does not.
        """
        if self._asked.get(command, 0) >= _ASKS:
            return None
        before = self._asked.get(command, 0)
        self._asked[command] = before + 1
        try:
            answer = await self._ask(command, timeout=1.0)
        except (DeviceTimeout, DeviceGarbled):
            return None
        parsed = parse(answer)
        if parsed is not None:
            self._asked[command] = 0
        elif not refuses(command, answer):
            self._asked[command] = before
        return parsed

    async def knows(self, command: str, parse: Callable[[str], T | None]) -> T | None:
        """Find out whether a device knows a command: noise is asked again, silence and a refusal are not."""
        for _ in range(_TRIES):
            try:
                answer = await self._ask(command, timeout=1.0)
            except DeviceGarbled:
                continue
            except DeviceTimeout:
                return None
            parsed = parse(answer)
            if parsed is not None or refuses(command, answer):
                return parsed
        return None

    async def battery_test(self, begun: Callable[[], Awaitable[bool]], sleep: Sleep = asyncio.sleep) -> str:
        """Send ``T``, the test of 10 s, once; return a sentence. Many answer nothing, so that only their state tells.

        Args:
            begun: asks for the state, and says whether it shows a test.
            sleep: waits for some seconds.

        Raises:
            DeviceRefused: it does not know the command, or does not begin.
            DeviceError: its state cannot be had.
        """
        where = self.link.url
        try:
            answer = await self._ask("T", timeout=0.6)
        except (DeviceTimeout, DeviceGarbled):
            answer = ""
        if answer == "T" or "NAK" in answer:
            hint = "start the test at its front panel, and see its manual"
            raise DeviceRefused(f"it knows no battery test: it answered {answer!r}", where=where, hint=hint)
        for _ in range(_LOOKS):
            if await begun():
                return "it tests its battery, for 10 s"
            await sleep(_LOOK)
        hint = "is its battery full, and is it on mains? Look at its front panel"
        raise DeviceRefused("it was told to test its battery, and does not say that it does", where=where, hint=hint)

    async def _ask(self, command: str, timeout: float = 1.5) -> str:  # noqa: ASYNC109 - the line's
        answer = await self.link.ask(self._frame(command), timeout=timeout)
        bare = self._unframe(answer)
        if bare is None:
            what = f"an answer with a wrong checksum: {text(answer)[:60]!r}"
            raise DeviceGarbled(what, where=self.link.url, hint="noise on the line, or another protocol")
        return text(bare)


def said(found: dict[str, Value | None]) -> list[Reading]:
    """Return the readings of what a device was asked for; None is what it has none of."""
    return [judged(name, value) for name, value in found.items()]
