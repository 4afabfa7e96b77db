"""What is known of the nodes of the dependencies: their alarms, as the incidents have them, and their readings.

An index of the incidents, which follows from them; nothing here decides.
"""

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from contract.condition import Condition
from gateway.incident import Incident, Source, Symptom
from gateway.plan.dependencies import EXPLAINS, EXPLAINS_ELSE, HOLD_ON, Key, Link, Tree
from gateway.plan.model import Level
from gateway.ports import Facts

CONTACT: Final = "x.contact"
"""Whether a device answers its agent; every poll says so."""
_LONGEST: Final = 300.0
"""Seconds that a parent's own delay counts at the most."""


class Lost(msgspec.Struct, frozen=True):
    """An alarm of a node that means that it serves nobody."""

    code: str
    """The incident that has it."""
    open: bool
    condition: str
    kind: str
    since: float
    ended: float
    """0 while it stands."""


class _Row(msgspec.Struct, frozen=True):
    """A symptom as it was when it was put into the index."""

    node: str
    symptom: Symptom
    lost: Lost


class Nodes:
    """Knows which nodes say that they are lost, and which were found well."""

    def __init__(self, tree: Tree, facts: Facts) -> None:
        """Take what depends on what, and what is known of devices."""
        self._tree = tree
        self._facts = facts
        self._lost: dict[str, dict[str, Lost]] = {}
        """Node → occurrence → the alarm, where it may explain others."""
        self._of: dict[str, dict[str, _Row]] = {}
        """Incident → its rows in the index."""
        self.following: set[str] = set()
        """The incidents that hold what follows from their root cause."""
        self.turn = 0
        """Counts the changes of what stands."""
        self.came: dict[str, int] = {}
        """Node → the turn at which the last of its alarms came."""
        self.went = 0
        """The turn at which the last one went."""

    def learn(self, incident: Incident) -> None:
        """Take note of how an incident is now."""
        self.following.discard(incident.code)
        if any(symptom.follows for symptom in incident.active):
            self.following.add(incident.code)
        if not self._tree.names:
            return
        self.turn += 1
        before = self._of.get(incident.code, {})
        after: dict[str, _Row] = {}
        for symptom in incident.symptoms:
            old = before.get(symptom.id)
            if old is None or old.symptom is not symptom or old.lost.open is not (incident.closed is None):
                node = self.of(incident.where(symptom))
                if not node or symptom.level == Level.FINDING:
                    continue
                old = self._note(node, symptom, incident, old)
            after[symptom.id] = old
        for occurrence in before.keys() - after.keys():
            self.went = self.went if incident.moved else self.turn  # what was merged stands on, elsewhere
            row = before[occurrence]
            if self._lost[row.node].get(occurrence) is row.lost:
                del self._lost[row.node][occurrence]
        self._of[incident.code] = after

    def _note(self, node: str, symptom: Symptom, incident: Incident, old: "_Row | None") -> "_Row":
        """Put an alarm into the index."""
        source = incident.where(symptom)
        kind = "agent" if source.device.startswith("@") else source.kind
        ended = 0.0 if symptom.active else symptom.ended
        new = Lost(incident.code, incident.closed is None, symptom.condition, kind, symptom.since, ended)
        known = self._lost.setdefault(node, {})
        known[symptom.id] = new
        if ended:  # of what is over, the last of its kind is enough
            alike = [one for one in known.items() if one[1].ended and one[1].condition == new.condition]
            for occurrence, _ in sorted(alike, key=lambda one: one[1].ended)[:-1]:
                del known[occurrence]
        if not ended and (old is None or old.lost.open is not new.open):
            self.came[node] = self.turn
        if ended and (old is None or not old.lost.ended):
            self.went = self.turn
        return _Row(node, symptom, new)

    def lost(self, node: str) -> Collection[Lost]:
        """Return the alarms of a node that are known."""
        return self._lost.get(node, {}).values()

    def kind_of(self, node: str) -> str:
        """Return the kind of a node's device; empty where it is none."""
        key = self.key(node)
        return self._facts.kind(key) if key else ""

    def well(self, node: str, since: float) -> bool | None:
        """Say whether a node was found well since then; None: it is no device."""
        key = self.key(node)
        if key is None:
            return None
        site, agent, device = key
        if device.startswith("@"):
            return None  # that it is heard says nothing of what it reads its devices through
        source = Source(site=site, agent=agent, device=device, kind=self._facts.kind(key))
        contact = self._facts.latest(source, CONTACT)
        if contact is None or not contact.reading.good or not contact.reading.value or contact.at <= since:
            return False
        for condition in self._telling(key):
            seen = self._facts.latest(source, condition.quantity)
            if seen is None:
                continue  # it does not have that
            if seen.at <= since or condition.wrong(seen.reading, standing=False) is not False:
                return False
        return True

    def delay(self, node: str) -> float:
        """Return how long a node must have been lost until it says so; seconds."""
        return min(_LONGEST, max((one.on_delay for one in self._telling(self.key(node))), default=0.0))

    def _telling(self, key: Key | None) -> list[Condition]:
        """Return the conditions by which a device says that it is lost."""
        if key is None:
            return []
        source = Source(site=key[0], agent=key[1], device=key[2], kind=self._facts.kind(key))
        names = EXPLAINS.get(source.kind, EXPLAINS_ELSE) | {"contact-lost"}
        return [one for name, one in self._facts.conditions(source).items() if name in names]

    def of(self, source: Source) -> str:
        """Return the node of a device; empty where the dependencies do not concern it."""
        return self._tree.node_of(source.key, self._facts.named) if self._tree.names else ""

    def key(self, node: str) -> Key | None:
        """Return the device of a node; None: it has none."""
        match node.split("/"):
            case [site, agent, device]:
                return site, agent, device
            case [site, agent]:
                return site, agent, f"@{agent}"
            case _:
                found = self._facts.named(node)
                return next(iter(found)) if len(found) == 1 else None


class Now:
    """What the alarms say of the nodes, as far as they count: see ``dependencies.Look``."""

    def __init__(self, nodes: Nodes, counts: Callable[[Lost, Link], bool]) -> None:
        """Take the nodes, and which alarms count."""
        self._nodes = nodes
        self._counts = counts

    def bad(self, node: str, link: Link) -> bool:
        """Say whether a node says that it is lost to those behind a link."""
        return any(
            link.says_lost(one.kind, one.condition) and self._counts(one, link) for one in self._nodes.lost(node)
        )

    def holds(self, node: str) -> bool:
        """Say whether a node goes on without its parents."""
        return self._nodes.kind_of(node) in HOLD_ON
