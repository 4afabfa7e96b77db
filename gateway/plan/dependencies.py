"""What depends on what: ``dependencies.toml``, and whose fault a device's silence is. Pure.

::

    mains ──▶ UPS ──▶ rack ──▶ switch ──▶ host ──▶ service        carrier ──▶ line        UPS ──▶ agent

A *node* is a device (``site/agent/device``, or its id alone where only one device has it), an agent (``site/agent``), or
a name that no device has: a rack, a carrier. A node is *lost* when it serves nobody: it says so itself by an alarm that
explains others, or its own parents are lost. The *root cause* of a node is the topmost lost node above it that says so
itself. A UPS holds on when its mains are lost: only its own word makes it lost.
"""

import graphlib
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Protocol

import msgspec

from contract.errors import Problem
from contract.locate import Locator, Path, dotted
from contract.settings import BAD, Fault, Seconds, Slug, did_you_mean, load

Key = tuple[str, str, str]
"""Site, agent, device; the device of an agent as a whole is ``@`` and its name."""

WAIT: Final = 30.0
"""Seconds that a child waits at the most until its parent was looked at again."""
SETTLE: Final = 300.0
"""Seconds after its parent is well in which a child is given time to come back: a host starts, a port comes up."""

EXPLAINS: Final[Mapping[str, frozenset[str]]] = {
    "ups": frozenset({"output-off", "low-battery", "contact-lost"}),
    "power": frozenset({"source-lost", "output-off", "fuse-tripped", "contact-lost"}),
    "environment": frozenset({"mains-lost"}),
    "network": frozenset({"contact-lost", "board-failed"}),
    "trunk": frozenset({"contact-lost", "trunk-down", "trunk-lost-signal", "trunk-failure"}),
    "line": frozenset({"line-down"}),
    "host": frozenset({"contact-lost", "service-down"}),
    "endpoint": frozenset({"contact-lost", "ping-silent", "port-closed"}),
    "pair": frozenset({"pair-down", "pair-no-active"}),
    "group": frozenset({"group-short"}),
    "agent": frozenset({"agent-silent"}),
}
"""Kind of parent → its alarms that mean: it serves nobody."""
EXPLAINS_ELSE: Final = frozenset({"contact-lost", "agent-silent"})
"""The same of any other kind."""
EXPLAINED: Final = frozenset(
    {
        "contact-lost", "agent-silent", "broker-away", "on-battery", "ping-silent", "port-closed", "port-down", "service-wrong",
        "service-down", "sip-error", "line-down", "line-degraded", "line-flapping", "line-dns", "line-service",
        "line-target-silent", "trunk-lost-signal", "trunk-lost-frame", "trunk-ais", "trunk-rai", "trunk-down",
        "trunk-failure", "trunk-signalling", "channel-down", "pair-down", "pair-no-active", "pair-redundancy-lost",
        "pair-unknown", "group-short", "group-degraded", "group-no-spare", "group-spare-low", "group-unknown",
        "source-lost", "supply-failed", "redundancy-lost", "host-blind", "controller-lost",
    }
)  # fmt: skip
"""The alarms of a child that a lost parent explains. Whatever else it says, fire first of all, it says for itself."""
HOLD_ON: Final = frozenset({"ups"})
"""Kinds that go on serving without their parents."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*){0,2}\Z")]


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """Children, and what they depend on.

    ``of`` one parent; ``all_of`` several that stand in for one another (two supplies: lost only when all are); ``any_of``
    several that are all needed.
    """

    of: Name = ""
    all_of: tuple[Name, ...] = ()
    any_of: tuple[Name, ...] = ()
    children: tuple[Name, ...]
    settle: Seconds | None = None
    """How long the children may take to come back; left out: that of the file."""
    explains: tuple[Slug, ...] = ()
    """The parents' alarms that mean that they serve nobody; left out: those that are usual for their kind."""
    explained: tuple[Slug, ...] = ()
    """The children's alarms that follow from it; left out: the usual ones."""

    @property
    def parents(self) -> tuple[str, ...]:
        """All that it names."""
        return (self.of,) if self.of else self.all_of or self.any_of

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        named = [bool(each) for each in (draft.of, draft.all_of, draft.any_of) if each is not BAD]
        if len(named) == 3 and sum(named) != 1:
            yield Fault("on what do they depend?", 'write one of of = "…", all_of = ["…", "…"], any_of = ["…", "…"]')
        if draft.children == ():
            yield Fault("nothing depends on it", 'write children = ["…"]', ("children",))


class File(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is written."""

    wait: Seconds = WAIT
    settle: Seconds = SETTLE
    dependency: tuple[Dependency, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the tree as a whole."""
        if isinstance(draft.wait, float) and draft.wait > 600.0:
            yield Fault("nobody would hear of a failure for so long", 'write "30s"', ("wait",))
        all_of_them = draft.dependency if isinstance(draft.dependency, tuple) else ()
        whole = [(index, one) for index, one in enumerate(all_of_them) if isinstance(one, Dependency)]
        for index, one in whole:
            for at, child in enumerate(one.children):
                if child in one.parents:
                    yield Fault(f"{child!r} depends on itself", "take it out", ("dependency", index, "children", at))
        yield from _circle(whole)


def _circle(dependencies: Iterable[tuple[int, Dependency]]) -> Iterator[Fault]:
    """Yield the first circle, by its path, at the line that closes it."""
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    where: dict[tuple[str, str], Path] = {}
    for index, one in dependencies:
        for at, child in enumerate(one.children):
            for parent in one.parents:
                if parent != child:
                    sorter.add(child, parent)
                    where.setdefault((parent, child), ("dependency", index, "children", at))
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        path: list[str] = error.args[1]
        last = max(where[pair] for pair in itertools.pairwise(path))
        yield Fault(f"a circle: {' → '.join(path)}", "no root cause could be found: take one of them out", last)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a child depends on."""

    parents: tuple[str, ...]
    redundant: bool
    """Lost only when all the parents are."""
    settle: float
    explains: frozenset[str] = frozenset()
    explained: frozenset[str] = EXPLAINED

    def says_lost(self, kind: str, condition: str) -> bool:
        """Say whether an alarm of a parent means that it serves nobody."""
        return condition in (self.explains or EXPLAINS.get(kind, EXPLAINS_ELSE))

    def lost(self, parents: Collection[bool]) -> bool:
        """Say whether the link is lost, by which of its parents are."""
        return all(parents) if self.redundant else any(parents)


class Cause(msgspec.Struct, frozen=True):
    """The root cause of a node, and how long the node may take to come back after it."""

    node: str
    settle: float


class Look(Protocol):
    """What is known of the nodes now."""

    def bad(self, node: str, link: Link) -> bool:
        """Say whether a node itself says, by an alarm, that it is lost to those behind a link."""
        ...

    def holds(self, node: str) -> bool:
        """Say whether a node goes on without its parents."""
        ...


class Tree:
    """The whole of it. Empty: nothing depends on anything.

    What an agent depends on, its devices depend on too: it reads them through the same switch.
    """

    def __init__(
        self, links: Mapping[str, tuple[Link, ...]] | None = None, *, wait: float = WAIT, settle: float = SETTLE
    ) -> None:
        """Take the links of each child; there must be no circle.

        Raises:
            ValueError: there is one.
        """
        self.wait = wait
        self._settle = settle
        self._links = dict(links or {})
        self._above: dict[str, tuple[str, ...]] = {}
        self._rank = self._order()
        for name in self._rank:
            agent = name.rpartition("/")[0] if name.count("/") == 2 else ""
            if agent in self._rank and name not in self._reach(agent):  # an agent's own switch depends on no agent
                self._links[name] = (*self._links.get(name, ()), self._by(agent))
        self._rank = self._order()

    def _order(self) -> dict[str, int]:
        graph = {child: {parent for link in of for parent in link.parents} for child, of in self._links.items()}
        try:
            order = graphlib.TopologicalSorter(graph).static_order()
            return {name: at for at, name in enumerate(order)}
        except graphlib.CycleError as error:
            raise ValueError(f"a circle: {' → '.join(error.args[1])}") from None

    def _reach(self, node: str) -> set[str]:
        names: set[str] = set()
        todo = [node]
        while todo:
            more = {parent for link in self.links(todo.pop()) for parent in link.parents} - names
            names |= more
            todo += more
        return names

    def _by(self, agent: str) -> Link:
        return Link(parents=(agent,), redundant=False, settle=self._settle)

    def __contains__(self, name: object) -> bool:
        return name in self._rank

    @property
    def names(self) -> Collection[str]:
        """All nodes, parents before children."""
        return self._rank.keys()

    def links(self, node: str) -> tuple[Link, ...]:
        """Return what a node depends on; a device that the file does not name, on what its agent depends on."""
        if node in self._rank:
            return self._links.get(node, ())
        agent = node.rpartition("/")[0]
        return (self._by(agent),) if agent in self._rank else ()

    def node_of(self, key: Key, named: Callable[[str], Collection[Key]]) -> str:
        """Return the name that a device or an agent has here; an empty text where the file does not concern it.

        Args:
            key: of the device.
            named: device id → all devices that have it.
        """
        site, agent, device = key
        if device == f"@{agent}":
            return f"{site}/{agent}" if f"{site}/{agent}" in self else ""
        name = f"{site}/{agent}/{device}"
        if name not in self and device in self and len(named(device)) == 1:
            return device
        return name if name in self or (f"{site}/{agent}" in self and not device.startswith("@")) else ""

    def above(self, node: str) -> tuple[str, ...]:
        """Return all that a node depends on, however far up: parents before their children."""
        if node not in self._above:
            self._above[node] = tuple(sorted(self._reach(node), key=lambda name: self._rank[name]))
        return self._above[node]

    def cause(self, node: str, condition: str, look: Look) -> Cause | None:
        """Return the root cause of an alarm of a node, or None: it speaks for itself.

        Of several that each suffice, that which stands first in the file: the answer depends on no order of arrival.
        """
        roots: dict[str, str] = {}

        def taken_away(links: Iterable[Link]) -> Cause | None:
            for link in links:
                lost = [roots[one] or (one if look.bad(one, link) else "") for one in link.parents]
                if link.lost([bool(one) for one in lost]):
                    return Cause(next(one for one in lost if one), link.settle)
            return None

        for name in self.above(node):
            found = None if look.holds(name) else taken_away(self.links(name))
            roots[name] = found.node if found else ""
        return taken_away(link for link in self.links(node) if condition in link.explained)

    def doubts(self, node: str, condition: str, well: Callable[[str], bool | None]) -> tuple[str, ...]:
        """Return the nodes that have to be looked at before it is known that a node's alarm is its own; none: it is.

        Args:
            node: whose alarm it is.
            condition: what the alarm says.
            well: whether a node was found well since; False: nobody knows; None: it is no device, and cannot be asked.
        """
        doubts: dict[str, tuple[str, ...]] = {}

        def of(links: Iterable[Link]) -> tuple[str, ...]:
            found: list[str] = []
            for link in links:
                each = [doubts[parent] for parent in link.parents]
                if link.lost([bool(one) for one in each]):
                    found += [name for one in each for name in one]
            return tuple(dict.fromkeys(found))

        for name in self.above(node):
            answer = well(name)
            doubts[name] = of(self.links(name)) if answer is None else () if answer else (name,)
        return of(link for link in self.links(node) if condition in link.explained)


def tree_of(file: File) -> Tree:
    """Return the tree of a file."""
    links: dict[str, tuple[Link, ...]] = {}
    for one in file.dependency:
        link = Link(
            parents=one.parents,
            redundant=bool(one.all_of),
            settle=file.settle if one.settle is None else one.settle,
            explains=frozenset(one.explains),
            explained=frozenset(one.explained) or EXPLAINED,
        )
        for child in one.children:
            links[child] = (*links.get(child, ()), link)
    return Tree(links, wait=file.wait, settle=file.settle)


def load_dependencies(text: str, *, file: str = "dependencies.toml") -> Tree:
    """Return the tree of a TOML text.

    Raises:
        ConfigError: with every problem of it.
    """
    return tree_of(load(File, text, file=file))


def strangers(
    text: str, devices: Mapping[Key, Collection[str]], *, file: str = "dependencies.toml"
) -> Iterator[Problem]:
    """Yield the names of a file that no inventory has, that several devices have, and alarms that nobody can raise.

    A name without a stroke that no device has is a rack or a carrier.

    Args:
        text: of the file, which ``load_dependencies`` takes.
        devices: site, agent, device → the names of its conditions.
        file: its name, for the problems.
    """
    locator = Locator(text)
    by_id: dict[str, list[Key]] = {}
    for key in devices:
        by_id.setdefault(key[2], []).append(key)
    full = {"/".join(key) for key in devices} | {"/".join(key[:2]) for key in devices}
    conditions = {name for names in devices.values() for name in names} | EXPLAINED
    conditions.update(*EXPLAINS.values())
    for index, one in enumerate(load(File, text, file=file).dependency):
        field = "of" if one.of else "all_of" if one.all_of else "any_of"
        places: list[tuple[Path, str]] = [(("children", at), name) for at, name in enumerate(one.children)]
        places += [((field,) if one.of else (field, at), name) for at, name in enumerate(one.parents)]
        for path, name in places:
            where: Path = ("dependency", index, *path)
            if "/" in name and name not in full:
                what = f"no agent reports {name!r}"
                yield Problem(file, locator.line(where), dotted(where), what, did_you_mean(name, full))
            elif len(by_id.get(name, ())) > 1:
                theirs = ", ".join(sorted("/".join(key) for key in by_id[name]))
                what = f"several devices are called {name!r}"
                yield Problem(file, locator.line(where), dotted(where), what, f"write which one: {theirs}")
        for field, named in (("explains", one.explains), ("explained", one.explained)):
            for at, condition in enumerate(named):
                if condition not in conditions:
                    where = ("dependency", index, field, at)
                    what = f"no device has a condition {condition!r}"
                    yield Problem(file, locator.line(where), dotted(where), what, did_you_mean(condition, conditions))
