"""How it is found out who of a pair is active, and whether the other one could take over. I/O is an argument."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from agent.links.command import Said
from agent.members import Roll, passed
from agent.pair.judge import Two
from contract.errors import UNREADABLE, DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable

Get = Callable[[str, float], Awaitable[str]]
"""Returns the text of a page: its URL, seconds. Raises DeviceError."""
Run = Callable[[Sequence[str], float], Awaitable[Said]]
"""Runs a command: its words, seconds. Raises DeviceError."""

PATIENCE: Final = 3.0
"""Seconds that an address may take to answer, before nobody has it."""


class Nobody(DeviceError):
    """No answer where only the active one answers."""


class Fit(msgspec.Struct, frozen=True):
    """What was found of the standby; None is not known."""

    fit: bool | None = None
    late: bool = False
    """It is not fit only because it is too far behind."""
    lag: float | None = None
    """s."""


class Active(Protocol):
    """Finds out who is active."""

    async def ask(self, now: float) -> Two:
        """Return for each whether it is active; ``now`` is boottime.

        Raises:
            Nobody: where the active one should answer, nobody does.
            DeviceError: nothing could be found out.
        """
        ...


class Standby(Protocol):
    """Finds out whether the standby could take over."""

    async def ask(self, standby: int, now: float) -> Fit:
        """Return it, for the member of this number; ``now`` is boottime.

        Raises:
            DeviceError: nothing could be found out.
        """
        ...


class SaidActive:
    """By what each of the two says of itself, as another device of this agent."""

    def __init__(self, roll: Roll, members: Sequence[str], trial: Any) -> None:
        """Take the members, and what the active one says."""
        self._roll, self._members, self._trial = roll, members, trial

    async def ask(self, now: float) -> Two:
        """See ``Active.ask``."""
        return _two([self._one(member, now) for member in self._members])

    def _one(self, member: str, now: float) -> bool | None:
        return passed(self._trial, self._roll.said(member, self._trial.quantity, now))


class AddressActive:
    """By the card that answers for the virtual address. Two that do are not seen: one of them answers first."""

    def __init__(
        self, address: str, own: Sequence[str], ask: Callable[[str], None], cards: Callable[[], Mapping[str, str]]
    ) -> None:
        """Take the virtual address, the members' own, who asks for one, and who knows which card answered (``links.arp``)."""
        self._address, self._own = address, own
        self._ask, self._cards = ask, cards
        self._since: float | None = None

    async def ask(self, now: float) -> Two:
        """See ``Active.ask``."""
        if self._since is None:
            self._since = now
        for address in (self._address, *self._own):
            self._ask(address)
        cards = self._cards()
        own = [cards.get(address) for address in self._own]
        answering = cards.get(self._address)
        if answering is None:
            heard = any(card is not None for card in own) and now - self._since >= PATIENCE
            return (False, False) if heard else (None, None)
        if answering in own:
            return _two([card == answering for card in own])
        if None in own:
            return (None, None)
        hint = "another host has taken it, or the router uses a card of its own for it (use_vmac): ask in another way"
        raise DeviceGarbled(f"{answering} answers for {self._address}, and is neither of the two", hint=hint)


class NamedActive:
    """By one answer that names the host: of a page behind the virtual address, or of a command. None named: nobody is."""

    def __init__(
        self, ask: Callable[[], Awaitable[str]], names: Sequence[str], what: str, *, served: bool = False
    ) -> None:
        """Take who asks, the names of the two, what is asked, for errors, and whether the active one itself answers."""
        self._ask, self._names, self._what = ask, [name.casefold() for name in names], what
        self._served = served

    async def ask(self, now: float) -> Two:  # noqa: ARG002 - see Active
        """See ``Active.ask``."""
        try:
            said = (await self._ask()).strip()
        except (DeviceTimeout, PortUnavailable) as error:
            if not self._served:
                raise
            raise Nobody(error.what, where=error.where, hint=error.hint) from None
        if not said:
            return (False, False)
        if said.casefold() in self._names:
            return _two([name == said.casefold() for name in self._names])
        hint = f"names = [ … ] says how it calls {' and '.join(self._names)}"
        raise DeviceGarbled(f"says {said[:60]!r}, which is neither of the two", where=self._what, hint=hint)


class PagesActive:
    """By a page of each of the two; the active one says the word. Two that do are seen."""

    def __init__(self, asks: Sequence[Callable[[], Awaitable[str]]], word: str, one: Callable[[Any], Any]) -> None:
        """Take who asks each, the word, and what turns an error of one into not known."""
        self._asks, self._word, self._one = asks, word.casefold(), one

    async def ask(self, now: float) -> Two:  # noqa: ARG002 - see Active
        """See ``Active.ask``."""
        said = [await self._one(ask) for ask in self._asks]
        return _two([None if text is None else text.strip().casefold() == self._word for text in said])


class SaidStandby:
    """By what the standby says, as another device of this agent."""

    def __init__(self, roll: Roll, members: Sequence[str], trial: Any) -> None:
        """Take the members, and what a fit one says."""
        self._roll, self._members, self._trial = roll, members, trial

    async def ask(self, standby: int, now: float) -> Fit:
        """See ``Standby.ask``."""
        reading = self._roll.said(self._members[standby], self._trial.quantity, now)
        fit = passed(self._trial, reading)
        number = reading.value if reading is not None and reading.good and isinstance(reading.value, float) else None
        return Fit(fit, late=fit is False and number is not None, lag=number)


class TextStandby:
    """By an answer about it: a number of seconds that it is behind, or the word that it is fit."""

    def __init__(self, ask: Callable[[int], Awaitable[str]], word: str, below: float | None, what: str) -> None:
        """Take who asks (of the member of a number), the word or the limit in seconds, and what is asked, for errors."""
        self._ask, self._word, self._below, self._what = ask, word.casefold(), below, what

    async def ask(self, standby: int, now: float) -> Fit:  # noqa: ARG002 - see Standby
        """See ``Standby.ask``."""
        said = (await self._ask(standby)).strip()
        if self._below is None:
            return Fit(said.casefold() == self._word)
        try:
            lag = float(said)
        except ValueError:
            lag = -1.0
        if not 0.0 <= lag < 1e9:
            raise DeviceGarbled(f"says {said[:60]!r}, which is no number of seconds", where=self._what)
        return Fit(lag < self._below, late=lag >= self._below, lag=lag)


class CodeStandby:
    """By the exit code of a command: 0 is fit, 1 is not, all else is not known."""

    def __init__(self, run: Callable[[int], Awaitable[Said]], what: str) -> None:
        """Take who runs it (for the member of a number), and its name."""
        self._run, self._what = run, what

    async def ask(self, standby: int, now: float) -> Fit:  # noqa: ARG002 - see Standby
        """See ``Standby.ask``."""
        code = (await self._run(standby)).code
        if code not in (0, 1):
            raise DeviceGarbled(f"ended with {code}", where=self._what, hint="0 is fit, 1 is not fit")
        return Fit(code == 0)


def picked(text: str, path: str) -> str:
    """Return what stands at a dotted path of a JSON text, as text; all of it for an empty path.

    Raises:
        DeviceGarbled: it is no JSON, or has nothing there.
    """
    if not path:
        return text
    try:
        found = msgspec.json.decode(text)
    except UNREADABLE:
        raise DeviceGarbled("no JSON", hint="leave json out if the answer is a plain word") from None
    for part in path.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            raise DeviceGarbled(f"nothing at {part!r} of {path!r}", hint="look at the page, and mend json")
    if isinstance(found, bool):
        return "true" if found else "false"
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def _two(found: Sequence[bool | None]) -> Two:
    first, second = found
    return first, second
