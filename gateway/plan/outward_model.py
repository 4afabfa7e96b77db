"""What a clause says to the outside: what hands may switch off on battery, which receivers hear of it, which outputs sound.

These parts of a clause stand apart from ``gateway.plan.model``, which puts them into the clause. Nothing here imports it.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec

from contract.locate import Path
from contract.settings import Fault, Seconds, Slug, did_you_mean

Filled = Annotated[str, msgspec.Meta(min_length=1)]
Grade = Literal["prepare", "major", "partial", "request", "finding"]
"""A level of the plan, as it is written."""
HANDS: Final = 600.0
"""Seconds that people need, from reading the advice to the switch."""
LONGEST: Final = 86400.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a UPS feeds."""

    zh: Filled
    en: Filled
    watts: float | None = None
    percent: float | None = None
    """Of the UPS's rated power, instead of watts."""
    by: Slug = ""
    """The department whose hands switch it off."""
    keep: bool = False
    """It is never switched off: the rest is for its sake."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if (draft.watts is None) is (draft.percent is None):
            yield Fault("how much does it take?", "write watts = 400, or percent = 12 (of the UPS's rated power)")
        for key in ("watts", "percent"):
            value = getattr(draft, key)
            if isinstance(value, float) and not 0 < value <= 1e6:
                yield Fault(f"{value:g} is no load", f"write what it takes, as {key} = 400", (key,))
        if draft.by == "" and draft.keep is False:
            yield Fault("nobody is to switch it off", 'write by = "info-centre", or keep = true', ("by",))


class Shedding(msgspec.Struct, frozen=True, kw_only=True):
    """What UPSes feed, the most dispensable first, and how long they are to hold."""

    devices: tuple[Slug, ...]
    """The UPSes, by their ids."""
    promise: Seconds | None = None
    """How long they are to hold, where the agent does not say it (``promise`` of the device)."""
    hands: Seconds = HANDS
    """How long people need from the advice to the switch."""
    load: tuple[Load, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.devices == ():
            yield Fault("of no UPS", 'write devices = ["ups-1"]', ("devices",))


class On(StrEnum):
    """When a receiver hears of an incident."""

    OPENED = "opened"
    """Also when it comes again after it was checked that it was gone."""
    WORSE = "worse"
    OWNED = "owned"
    OVERDUE = "overdue"
    GONE = "gone"
    CLOSED = "closed"


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of signed HTTP messages that hears of the incidents of a clause."""

    name: Slug
    """Of a ``[notify.webhook.<name>]`` of the gateway's settings."""
    on: tuple[On, ...] = (On.OPENED, On.WORSE, On.CLOSED)
    levels: tuple[Grade, ...] = ()
    """At which levels; none: at all."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """An output of a device that is switched on: a siren, a lamp, a relay.

    It does not wait for the paging delay. Whoever answers, and closing, switches it off; else it goes off at its time.
    """

    agent: Slug
    site: Slug | None = None
    """Of the agent; left out: the incident's own. What people report may have none."""
    device: Slug
    output: Slug
    seconds: Seconds
    """How long at the most."""
    conditions: tuple[Slug, ...] = ()
    """Which of the clause's conditions; none: all."""
    levels: tuple[Grade, ...] = ()
    """At which levels; none: at all but findings."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.seconds, float) and not 0 < draft.seconds <= LONGEST:
            yield Fault(
                f"{draft.seconds:g} s", 'write for how long, as seconds = "3m"; a day at the most', ("seconds",)
            )

    def about(self, condition: str, level: str) -> bool:
        """Say whether it is switched on for a condition that triggers at a level."""
        fits = level in self.levels if self.levels else level != "finding"
        return fits and (not self.conditions or condition in self.conditions)


class Named(msgspec.Struct, frozen=True):
    """What the rest of the configuration has, for what is named here; None: not known, and not checked."""

    departments: frozenset[str] | None = None
    webhooks: frozenset[str] | None = None


def misfits(
    shedding: Iterable[Shedding],
    hooks: Iterable[Hook],
    outputs: Iterable[Output],
    conditions: frozenset[str],
    named: Named,
) -> Iterator[tuple[Path, str, str]]:
    """Yield what is wrong with these parts next to the rest: path within the clause, what, hint."""
    taken: set[str] = set()
    for index, one in enumerate(shedding):
        for device in one.devices:
            if device in taken:
                yield ("shedding", index, "devices"), f"{device!r} has a list already", "put the two together"
            taken.add(device)
        for number, load in enumerate(one.load):
            if named.departments is not None and load.by and load.by not in named.departments:
                hint = did_you_mean(load.by, named.departments)
                yield ("shedding", index, "load", number, "by"), f"the contacts have no department {load.by!r}", hint
    for index, hook in enumerate(hooks):
        if named.webhooks is not None and hook.name not in named.webhooks:
            hint = f"write [notify.webhook.{hook.name}] in the gateway's settings"
            yield ("webhook", index, "name"), f"the gateway has no webhook {hook.name!r}", hint
    for index, output in enumerate(outputs):
        for condition in output.conditions:
            if condition not in conditions:
                what = f"no trigger of the clause is about {condition!r}"
                yield ("output", index, "conditions"), what, did_you_mean(condition, conditions)
