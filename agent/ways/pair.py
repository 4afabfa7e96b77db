"""Two hosts in hot standby (clause 3.1.7): devices of this agent, and how to find out who is active and who is fit.

::

    [device.pair]
    members = ["order-a", "order-b"]
    active = { quantity = "x.vrrp.state", is = "master" }          # what each says of itself
    active = { address = "192.0.2.10", at = ["192.0.2.11", "192.0.2.12"] }  # the card that answers for it (IPv4, same network)
    active = { url = "http://192.0.2.10/whoami" }                  # a page that names the host; json = "host.name" in JSON
    active = { urls = ["http://192.0.2.11/role", "http://192.0.2.12/role"], is = "active" }
    active = { command = ["/usr/local/bin/who-is-active"] }        # writes its name, or nothing for nobody
    standby = { quantity = "pair.lag", test = "below", setpoint = 30 }
    standby = { url = "http://{member}/replication", json = "lag", below = 30 }
    standby = { command = ["/usr/local/bin/is-fit", "{member}"] }  # exit code 0: fit, 1: not; with below, writes seconds
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from agent.drivers.base import Driver
from agent.members import trial_faults
from agent.ways.base import Context
from contract.condition import Test
from contract.errors import DeviceError, UsageError
from contract.locate import Path
from contract.settings import Fault, Seconds, Slug, Text

_SOURCES: Final = ("quantity", "address", "url", "urls", "command")
_TEST: Final = ("test", "setpoint", "flag")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How to find something out: exactly one of quantity, address, url, urls, command."""

    quantity: str = ""
    test: Test | None = None
    setpoint: float | None = None
    flag: str = ""
    word: str = msgspec.field(name="is", default="")
    address: str = ""
    at: tuple[Text, ...] = ()
    """The members' own addresses, in their order."""
    url: str = ""
    urls: tuple[Text, ...] = ()
    """One a member, in their order."""
    command: tuple[Text, ...] = ()
    json: str = ""
    """Where in the answer, with dots; empty: all of it."""
    names: tuple[Text, ...] = ()
    """What the members are called in the answer, in their order; left out: their ids."""
    below: Annotated[float, msgspec.Meta(ge=0.0)] | None = None
    """Seconds that the standby may be behind."""
    timeout: Seconds = 5.0

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        named = [name for name in _SOURCES if getattr(draft, name)]
        if not named:
            yield Fault("how is it found out?", f"write one of {', '.join(_SOURCES)}")
        for extra in named[1:]:
            yield Fault(f"two ways: {named[0]} and {extra}", "keep one", (extra,))
        if named[:1] == ["quantity"]:
            yield from trial_faults(draft)
        for key in _TEST:
            if "quantity" not in named and getattr(draft, key) not in (None, ""):
                yield Fault(f"{key} without a quantity", "leave it out", (key,))
        if named[:1] == ["address"]:
            yield from _address_faults(draft)
        yield from _list_faults(draft)
        if isinstance(draft.command, tuple) and draft.command and str(draft.command[0])[:1] != "/":
            yield Fault("not a whole path", 'write command = ["/usr/local/bin/…"]; there is no shell', ("command", 0))
        if isinstance(draft.timeout, float) and not 0.1 <= draft.timeout <= 15.0:
            yield Fault(f"waits {draft.timeout:g} s", 'write timeout = "5s", at most "15s"', ("timeout",))


def _list_faults(draft: Any) -> Iterable[Fault]:
    for key in ("at", "urls", "names"):
        listed = getattr(draft, key)
        if isinstance(listed, tuple) and len(listed) not in (0, 2):
            yield Fault(f"{len(listed)} of them", "write two, in the order of the members", (key,))
    pages: list[tuple[Path, Any]] = [(("url",), draft.url)] if draft.url else []
    if isinstance(draft.urls, tuple):
        pages += [(("urls", at), each) for at, each in enumerate(draft.urls)]
    for where, page in pages:
        yield from _page_faults(page, where)


def _address_faults(draft: Any) -> Iterable[Fault]:
    if isinstance(draft.at, tuple) and not draft.at:
        yield Fault("whose card is it?", "write at = [ … ]: the members' own addresses, in their order")
    listed: list[tuple[Path, Any]] = [(("address",), draft.address)]
    if isinstance(draft.at, tuple):
        listed += [(("at", at), each) for at, each in enumerate(draft.at)]
    for where, address in listed:
        try:
            if isinstance(address, str):
                ipaddress.IPv4Address(address)
        except ValueError:
            yield Fault(f"{address!r} is no IPv4 address", "write numbers: 192.0.2.10", where)


def _page_faults(page: Any, where: Path) -> Iterable[Fault]:
    if not isinstance(page, str):
        return
    try:
        parts = urlsplit(page.replace("{member}", "member"))
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not page.isascii() or any(letter.isspace() for letter in page):
        yield Fault(f"{page!r} is no page", 'write "http://host:port/path"', where)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two devices of this agent in hot standby."""

    KINDS: ClassVar[tuple[str, ...]] = ("pair",)
    EXAMPLE: ClassVar[str] = ""

    members: tuple[Slug, ...]
    active: Asked
    standby: Asked | None = None
    """Left out: one that answers is fit."""
    settle: Seconds = 10.0
    """That none or both may be active while they change places."""
    switched: Seconds = 1800.0
    """That a change of places is shown."""
    lost_after: Seconds = 60.0
    """Without an answer until a member is down."""
    exercise_every: Seconds | None = None
    """Between two changes of places, or two drills; left out: nobody asks."""
    drilled: str = ""
    """Date of the last drill that people noted: "2026-11-02"."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.members, tuple) and len(draft.members) != 2:
            yield Fault(f"{len(draft.members)} members", "a pair has two; more are a group", ("members",))
        if isinstance(draft.active, Asked):
            yield from _active_faults(draft.active)
        if isinstance(draft.standby, Asked):
            yield from _standby_faults(draft.standby)
        if isinstance(draft.drilled, str) and draft.drilled and _wall(draft.drilled) is None:
            yield Fault(f"{draft.drilled!r} is no date", 'write drilled = "2026-11-02"', ("drilled",))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Pair":  # noqa: ARG003 - see Way
        """See ``Way.from_url``. A pair has no URL: it is made of other devices."""
        raise UsageError("a pair is made of other devices", hint="write it in the settings: [device.pair]")

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.drivers.pair import PairDriver  # noqa: PLC0415
        from agent.members import Roll  # noqa: PLC0415
        from agent.memo import Memo  # noqa: PLC0415
        from agent.pair.judge import Memory, Rules  # noqa: PLC0415

        first, second = self.members
        roll = Roll(context.neighbours, self.lost_after)
        memo = Memo(Memory, context.state and context.state / f"pair-{context.device}.json")
        rules = Rules(
            settle=self.settle,
            switched=self.switched,
            exercise=self.exercise_every,
            drilled=_wall(self.drilled) or 0.0,
        )
        active = _active(self.active, self.members, roll)
        standby = None if self.standby is None else _standby(self.standby, self.members, roll)
        return PairDriver((first, second), roll, active, standby, rules, context.clock, memo)


def _active_faults(asked: Asked) -> Iterable[Fault]:
    if asked.urls and not asked.word:
        yield Fault("what does the active one say?", 'write is = "active"', ("active", "urls"))
    if asked.word and not (asked.urls or asked.quantity):
        yield Fault("one answer names the host", "leave is out, or write urls", ("active", "is"))
    if asked.below is not None:
        yield Fault("below is for the standby", "write standby = { … }", ("active", "below"))


def _standby_faults(asked: Asked) -> Iterable[Fault]:
    if asked.address:
        yield Fault(
            "an address does not say who is fit", "write quantity, url, urls or command", ("standby", "address")
        )
    if (asked.url or asked.urls) and not asked.word and asked.below is None:
        yield Fault("when is it fit?", 'write is = "…", or below = seconds', ("standby",))
    if asked.names:
        yield Fault("no names are read here", "leave it out", ("standby", "names"))


def _wall(day: str) -> float | None:
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        return None
    return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC).timestamp()


def _active(asked: Asked, members: Sequence[str], roll: Any) -> Any:
    """Return who finds out who is active."""
    from agent.links import arp  # noqa: PLC0415
    from agent.pair import asking  # noqa: PLC0415

    if asked.quantity:
        return asking.SaidActive(roll, members, asked)
    if asked.address:
        return asking.AddressActive(asked.address, asked.at, arp.ask, arp.cards)
    if asked.urls:
        return asking.PagesActive([_page(asked, url) for url in asked.urls], asked.word, _or_none)
    if asked.url:
        return asking.NamedActive(_page(asked, asked.url), asked.names or members, asked.url, served=True)
    return asking.NamedActive(_said(asked, asked.command), asked.names or members, asked.command[0])


def _standby(asked: Asked, members: Sequence[str], roll: Any) -> Any:
    """Return who finds out whether the standby is fit."""
    from agent.links import command  # noqa: PLC0415
    from agent.pair import asking  # noqa: PLC0415

    def words(standby: int) -> list[str]:
        return [word.replace("{member}", members[standby]) for word in asked.command]

    async def page(standby: int) -> str:
        url = asked.urls[standby] if asked.urls else asked.url.replace("{member}", members[standby])
        return await _page(asked, url)()

    async def written(standby: int) -> str:
        return await _said(asked, words(standby))()

    async def ended(standby: int) -> Any:
        return await command.run(words(standby), asked.timeout)

    if asked.quantity:
        return asking.SaidStandby(roll, members, asked)
    if asked.url or asked.urls:
        return asking.TextStandby(page, asked.word, asked.below, asked.url or asked.urls[0])
    if asked.below is not None or asked.word:
        return asking.TextStandby(written, asked.word, asked.below, asked.command[0])
    return asking.CodeStandby(ended, asked.command[0])


def _page(asked: Asked, url: str) -> Callable[[], Awaitable[str]]:
    from agent.links import page  # noqa: PLC0415
    from agent.pair import asking  # noqa: PLC0415

    async def ask() -> str:
        return asking.picked(await page.get(url, asked.timeout), asked.json)

    return ask


def _said(asked: Asked, words: Sequence[str]) -> Callable[[], Awaitable[str]]:
    from agent.links import command  # noqa: PLC0415
    from agent.pair import asking  # noqa: PLC0415
    from contract.errors import DeviceGarbled  # noqa: PLC0415

    async def ask() -> str:
        said = await command.run(words, asked.timeout)
        if said.code != 0:
            raise DeviceGarbled(f"ended with {said.code}", where=words[0], hint="it must end with 0 to be believed")
        return asking.picked(said.text, asked.json)

    return ask


async def _or_none(ask: Callable[[], Awaitable[str]]) -> str | None:
    """Return the answer; None where there is none: of the other one there may be."""
    try:
        return await ask()
    except DeviceError:
        return None
