"""So many alarms at once, or within a time: which groups have them. Pure; each alarm costs the rules, not the alarms."""

from collections import deque
from collections.abc import Iterator

from gateway.alarms.model import Count
from gateway.alarms.standing import Known
from gateway.incident import Source

Group = tuple[str, str]
"""Site ("" for all) and kind of the devices."""
Member = tuple[str, str, str]


class _Group:
    """The devices of a group that count now."""

    def __init__(self) -> None:
        self.reasons: dict[Member, int] = {}
        """Device → how many alarms of it count."""
        self.recent: deque[tuple[float, Member]] = deque()

    def more(self, member: Member) -> None:
        self.reasons[member] = self.reasons.get(member, 0) + 1

    def less(self, member: Member) -> None:
        left = self.reasons.get(member, 0) - 1
        if left > 0:
            self.reasons[member] = left
        else:
            self.reasons.pop(member, None)


class Tally:
    """One rule, and what counts for it."""

    def __init__(self, rule: Count) -> None:
        """Take the rule."""
        self.rule = rule
        self._groups: dict[Group, _Group] = {}
        self._counted: set[str] = set()

    def began(self, known: Known, now: float) -> None:
        """Take an alarm that began at this time, on a clock that nobody steps; once, however often it is told."""
        if known.id in self._counted or not self._meant(known):
            return
        self._counted.add(known.id)
        group = self._groups.setdefault(self.group(known.source), _Group())
        member = _member(known.source)
        group.more(member)
        if self.rule.within > 0:
            group.more(member)
            group.recent.append((now, member))

    def ended(self, known: Known) -> None:
        """Take its end, or that it was put aside: it counts no longer, but within the time of the rule."""
        if known.id in self._counted:
            self._counted.discard(known.id)
            self._groups[self.group(known.source)].less(_member(known.source))

    def counts(self, now: float) -> Iterator[tuple[Group, int]]:
        """Yield each group that has ever had an alarm, and how many devices count in it."""
        for name, group in self._groups.items():
            while group.recent and now - group.recent[0][0] > self.rule.within:
                group.less(group.recent.popleft()[1])
            yield name, len(group.reasons)

    def group(self, source: Source) -> Group:
        """Return where a device is counted."""
        return (source.site if self.rule.each == "site" else "", source.kind)

    def _meant(self, known: Known) -> bool:
        return known.condition in self.rule.conditions and self.rule.covers(known.source)


def _member(source: Source) -> Member:
    """Return what is counted once: the device; of what the gateway watches of an agent, the agent."""
    return source.key if not source.device.startswith("@") else (source.site, source.agent, "")
