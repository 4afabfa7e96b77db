"""``alarms.toml``: what the gateway does with alarms before the plan hears of them. Every mistake with its line."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Final, Literal

import msgspec

from contract.condition import Condition, Severity, Test, Unknown
from contract.errors import ConfigError, Problem
from contract.locate import Locator, Path, dotted
from contract.quantities import Kind, find
from contract.settings import BAD, Fault, Seconds, Slug, Text, did_you_mean, load
from gateway.incident import Source
from gateway.plan.model import Words

NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]
_DAY: Final = 86400.0
_MOMENT: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices; a list that is left out means all."""

    sites: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    kinds: tuple[Slug, ...] = ()
    devices: tuple[str, ...] = ()
    """By id, or whole: ``hq/order-room/ups-1``."""

    def covers(self, source: Source) -> bool:
        """Say whether a device is meant."""
        return (
            (not self.kinds or source.kind in self.kinds)
            and (not self.sites or source.site in self.sites)
            and (not self.agents or source.agent in self.agents)
            and (not self.devices or source.device in self.devices or "/".join(source.key) in self.devices)
        )


class While(Where, frozen=True, kw_only=True):
    """The alarm that keeps others quiet while it stands."""

    conditions: tuple[Slug, ...]

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.conditions == ():
            yield Fault("no condition", 'write conditions = ["on-battery"]', ("conditions",))


class Suppress(Where, frozen=True, kw_only=True):
    """A rule of suppression by design: these conditions of these devices tell nobody for a while."""

    conditions: tuple[Slug, ...]
    why: Words
    """Shown wherever one of them is."""
    cause: While | None = msgspec.field(default=None, name="while")
    same: Literal["site", "agent", "device", "any"] = "site"
    """How near the cause must be."""
    between: tuple[str, ...] = ()
    """From and until, each day, by the site's clock; it may go over midnight."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.conditions == ():
            yield Fault("suppresses nothing", 'write conditions = ["contact-lost"]', ("conditions",))
        if draft.cause is None and draft.between == ():
            yield Fault(
                "suppresses for ever", 'say when: while = { conditions = ["…"] }, or between = ["22:00", "06:00"]'
            )
        between = draft.between
        wrong = [one for one in between if not _is_moment(one)] if isinstance(between, tuple) else []
        if wrong:
            yield Fault(f"{wrong[0]!r} is no time of the day", 'write between = ["22:00", "06:00"]', ("between",))
        elif isinstance(between, tuple) and between and (len(between) != 2 or between[0] == between[1]):
            yield Fault("from when until when?", 'write between = ["22:00", "06:00"]', ("between",))

    def in_hours(self, wall: float, utc_offset: float) -> bool:
        """Say whether its hours are now; without hours, always."""
        if not self.between:
            return True
        start, end = map(_seconds, self.between)
        now = (wall + utc_offset) % _DAY
        return start <= now < end if start < end else now >= start or now < end


def _is_moment(text: object) -> bool:
    return isinstance(text, str) and _MOMENT.fullmatch(text) is not None


def _seconds(moment: str) -> float:
    hours, _, minutes = moment.partition(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


class Worse(Where, frozen=True, kw_only=True):
    """What a condition becomes after another: contact lost while on battery is worse than on mains."""

    condition: Slug
    after: tuple[Slug, ...]
    """Conditions of the same device, one of which stood when it began. Of a silent agent, of any of its devices."""
    becomes: Slug
    """What the plan is asked for instead; where no clause has it, the condition itself counts."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.after == ():
            yield Fault("after nothing", 'write after = ["on-battery"]', ("after",))
        if isinstance(draft.becomes, str) and draft.becomes == draft.condition:
            yield Fault("it becomes itself", "name the condition that the plan has for it", ("becomes",))


class Judged(Where, frozen=True, kw_only=True):
    """A condition that the gateway judges itself, from readings that no agent judges so."""

    name: Slug
    quantity: Text
    test: Test
    setpoint: float = 0.0
    flag: str = ""
    unless: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    deadband: NotNegative = 0.0
    on_delay: Seconds = 0.0
    off_delay: Seconds = 0.0
    severity: Severity = Severity.MODERATE
    unknown: Unknown = Unknown.HOLD
    per: Seconds = 0.0
    """The change within this time is judged, not the value: above 5 per 10 min is a rise, below -5 a fall."""

    @property
    def condition(self) -> Condition:
        """What judges it."""
        return Condition(
            name=self.name,
            quantity=self.quantity,
            test=self.test,
            setpoint=self.setpoint,
            flag=self.flag,
            unless=self.unless,
            clears=self.clears,
            deadband=self.deadband,
            on_delay=self.on_delay,
            off_delay=self.off_delay,
            severity=self.severity,
            unknown=self.unknown,
        )

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        known = find(draft.quantity) if isinstance(draft.quantity, str) else None
        if isinstance(draft.quantity, str) and draft.quantity and known is None:
            yield Fault(
                f"no quantity {draft.quantity!r}", "the dictionary of quantities has it by another name", ("quantity",)
            )
        if not (draft.kinds or draft.devices):
            yield Fault("of which devices?", 'write kinds = ["environment"], or devices = ["…"]')
        flags = draft.test in (Test.HAS, Test.LACKS)
        if flags and draft.flag == "":
            yield Fault("which flag?", 'write flag = "OB"', ("test",))
        if not flags and draft.test is not BAD and draft.flag:
            yield Fault("a flag is had or lacked", 'write test = "has", or leave the flag out', ("flag",))
        if known is not None and draft.test is not BAD and (known.kind is Kind.FLAGS) is not flags:
            yield Fault(
                f"{draft.test.value} says nothing of {draft.quantity!r}",
                "flags have or lack, numbers are above or below",
                ("test",),
            )
        if isinstance(draft.per, float) and draft.per > 0:
            if flags:
                yield Fault("flags have no rate", "leave per out", ("per",))
            if draft.per > 3600.0 or draft.per < 10.0:
                yield Fault("a time between 10 s and an hour is looked back", 'write per = "10m"', ("per",))
            if draft.unknown is Unknown.ALARM:
                yield Fault(
                    "a change that is not yet known is no alarm",
                    'leave unknown out, or write unknown = "hold"',
                    ("unknown",),
                )


class Count(Where, frozen=True, kw_only=True):
    """So many alarms at once, or within a time, are an alarm: ``@name`` of each site and kind of devices."""

    name: Slug
    title: Words
    """Of what it is about, as the title of a device: 多台代理."""
    conditions: tuple[Slug, ...]
    at_least: Annotated[int, msgspec.Meta(ge=2, le=10000)]
    """Different devices; agents, where it is about agents."""
    within: Seconds = 0.0
    """Those that began within this time count too, though they are over."""
    each: Literal["site", "all"] = "site"
    """Counted for each site, or over all of them."""
    severity: Severity = Severity.SEVERE
    instead: bool = False
    """While it stands, those that it counts are suppressed by design: one alarm, not many."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.conditions, tuple):
            if not draft.conditions:
                yield Fault("counts nothing", 'write conditions = ["agent-silent"]', ("conditions",))
            if draft.name in draft.conditions:
                yield Fault("it counts itself", "give it a name of its own", ("name",))


class Shelving(msgspec.Struct, frozen=True, kw_only=True):
    """What people may put aside."""

    most: Seconds = _DAY
    """The longest that something may be shelved; longer is out of service."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.most, float) and not 60.0 <= draft.most <= 7 * _DAY:
            yield Fault(
                "between a minute and a week", 'write most = "24h"; what takes longer is out of service', ("most",)
            )


class Chatter(msgspec.Struct, frozen=True, kw_only=True):
    """When an alarm comes and goes too often (ISA-18.2: chattering)."""

    times: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3
    within: Seconds = 60.0
    quiet: Seconds = 300.0
    """It has ceased once it has not come for so long."""


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """When more alarms come than a person can take in (EEMUA 191: 10 in 10 minutes for each operator)."""

    more_than: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    within: Seconds = 600.0
    gather: Seconds = 5.0
    """After a message to a person, the next ones wait so long for one another."""
    pause: Seconds = 60.0
    """The same in a flood, where they go as one; what is extreme does not wait for it."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Without it, nothing is suppressed, counted or judged here; the rest is as above."""

    shelving: Shelving = Shelving()
    chatter: Chatter = Chatter()
    flood: Flood = Flood()
    suppress: tuple[Suppress, ...] = ()
    worse: tuple[Worse, ...] = ()
    condition: tuple[Judged, ...] = ()
    count: tuple[Count, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit together."""
        taken: set[str] = set()
        for table in ("condition", "count"):
            rules = getattr(draft, table)
            for index, rule in enumerate(rules if isinstance(rules, tuple) else ()):
                name = getattr(rule, "name", BAD)
                if isinstance(name, str) and name in taken:
                    yield Fault(f"a second {name!r}", "give each a name of its own", (table, index, "name"))
                taken.add(name) if isinstance(name, str) else None
        suppress = draft.suppress if isinstance(draft.suppress, tuple) else ()
        counts = draft.count if isinstance(draft.count, tuple) else ()
        yield from _circles(suppress, counts)


def _circles(suppress: Collection[Any], counts: Collection[Any]) -> Iterator[Fault]:
    """Yield the rules by which alarms could keep one another quiet, so that nobody hears of any."""
    edges: dict[str, set[str]] = {}
    for count in counts:
        if isinstance(count, Count) and count.instead:
            edges.setdefault(count.name, set()).update(count.conditions)
    for index, rule in enumerate(suppress):
        if not isinstance(rule, Suppress) or rule.cause is None:
            continue
        both = set(rule.cause.conditions) & set(rule.conditions)
        apart = rule.cause.devices and rule.devices and not set(rule.cause.devices) & set(rule.devices)
        if both and not apart:
            hint = "name the devices on both sides, none of them twice"
            yield Fault(f"{min(both)!r} would keep itself quiet", hint, ("suppress", index))
            continue
        for cause in rule.cause.conditions:
            others = set(rule.conditions) - set(rule.cause.conditions)
            if any(_leads(edges, one, cause) for one in others):
                hint = "of these alarms nobody would hear: take one of the rules away"
                yield Fault(f"a rule before it keeps {cause!r} quiet in turn", hint, ("suppress", index))
                break
            edges.setdefault(cause, set()).update(others)


def _leads(edges: dict[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    left = [start]
    while left:
        here = left.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            left.extend(edges.get(here, ()))
    return False


def load_rules(text: str, *, file: str = "alarms.toml", kinds: Collection[str] | None = None) -> Rules:
    """Return the rules of a TOML text.

    Args:
        text: the file's text.
        file: its name, for the problems.
        kinds: of devices that the plan knows; None leaves them unchecked.

    Raises:
        ConfigError: with every problem of it.
    """
    rules = load(Rules, text, file=file)
    problems: list[Problem] = []
    locator = Locator(text)
    for table in ("suppress", "worse", "condition", "count"):
        for index, rule in enumerate(getattr(rules, table)):
            for kind in rule.kinds:
                if kinds is not None and kind not in kinds:
                    at: Path = (table, index, "kinds")
                    what = f"no clause of the plan is about {kind!r}"
                    problems.append(Problem(file, locator.line(at), dotted(at), what, did_you_mean(kind, kinds)))
    if problems:
        raise ConfigError(problems)
    return rules
