"""What of an agent's messages is missing, and why: held against its hello, and named by range."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from contract.clock import Clock
from contract.errors import StorageError
from contract.message import Hello, Voided
from contract.ranges import Ranges
from gateway.event import Event
from gateway.journal import Journal
from gateway.journal.record import Gap
from gateway.journal.streams import UNSURE

_log = logging.getLogger(__name__)

ELSEWHERE: Final = "acknowledged by another journal"
RESTORED: Final = "this journal acknowledged them and has them not: it was restored from an older copy, or damaged"
IN_MEMORY: Final = "in the agent's memory when it ended"
NOT_HELD: Final = "the agent holds them no longer"
UNNUMBERED: Final = "it ended as in a power cut: what its last second said is lost, and cannot be numbered"


def gaps(hello: Hello, have: Mapping[str, Ranges], last: Mapping[str, int], journal: Collection[str]) -> Iterator[Gap]:
    """Yield what will never come. Pure.

    Args:
        hello: what the agent says.
        have: epoch → what the journal has of this agent.
        last: epoch → the highest number that the agent is known to have given out.
        journal: its id, and those that it had before.
    """
    void: dict[str, list[Voided]] = {}
    for voided in hello.voided:
        void.setdefault(voided.epoch, []).append(voided)
    for held in hello.held:
        missing = Ranges([(1, held.last)]).minus(Ranges(held.spans)).minus(have.get(held.epoch, Ranges()))
        for voided in void.get(held.epoch, ()):
            never = missing.common(Ranges(voided.spans))
            missing = missing.minus(never)
            yield Gap(held.epoch, never, "lost", voided.reason)
        settled = missing.common(Ranges([(1, held.settled)])) if held.journal else Ranges()
        own = held.journal in journal
        yield Gap(held.epoch, settled, "lost" if own else "elsewhere", RESTORED if own else ELSEWHERE)
        yield Gap(held.epoch, missing.minus(settled), "lost", IN_MEMORY)
    spoken = {held.epoch for held in hello.held} | {hello.epoch}
    for epoch, highest in last.items():
        if epoch not in spoken:  # complete as it is, or with holes for ever
            missing = Ranges([(1, highest)]).minus(have.get(epoch, Ranges()))
            yield Gap(epoch, missing, "lost", void[epoch][0].reason if epoch in void else NOT_HELD)


class Accounts:
    """Names what is missing when an agent says hello."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        """Take where numbers are kept, and the clock for the record."""
        self._journal = journal
        self._clock = clock

    async def hello(self, site: str, agent: str, hello: Hello, *, alone: bool = True) -> bool:
        """Name what will never come; say whether that is done. Only then the hello may be acknowledged: the agent forgets.

        All of it is one commit, and none where there is nothing new: others wait for it.

        Args:
            site: of the agent.
            agent: its name.
            hello: what it says.
            alone: whether one agent speaks under this name; the epochs of another are no business of this one's.
        """
        said = {held.epoch for held in hello.held}
        streams = {stream.epoch: stream for stream in self._journal.streams.of(site, agent)}
        known = streams if alone else {epoch: stream for epoch, stream in streams.items() if epoch in said}
        have = {epoch: stream.have for epoch, stream in known.items()}
        last = {epoch: stream.spoken for epoch, stream in known.items()}
        own = {self._journal.id, *self._journal.former}
        new = [*self._unnamed(site, agent, gaps(hello, have, last, own)), *self._unsure(site, agent, hello)]
        declared = {held.epoch: held.last for held in hello.held if held.last > last.get(held.epoch, 0)}
        restored = {gap.epoch for gap in new if gap.reason == RESTORED}
        try:
            if any(held.journal == self._journal.id and held.epoch in restored for held in hello.held):
                await self._journal.rename()
            if new or declared:
                events = [self._event(site, agent, gap) for gap in new]
                await self._journal.account(site, agent, new, declared=declared, events=events)
        except StorageError:
            return False  # told by the journal; the next hello says it again
        for gap in new:
            log = _log.info if gap.kind == "elsewhere" else _log.warning
            log("%s", _text(site, agent, gap))
        return True

    def _unnamed(self, site: str, agent: str, found: Iterable[Gap]) -> Iterator[Gap]:
        """Yield of what will never come what is not named yet."""
        named: dict[str, Ranges] = {}
        for gap in found:
            if gap.numbers:
                stream = self._journal.streams.find((site, agent, gap.epoch))
                known = named.get(gap.epoch) or (stream.named if stream else Ranges())
                new = gap.numbers.minus(known)
                if new:
                    named[gap.epoch] = known.union(new)
                    yield msgspec.structs.replace(gap, numbers=new)

    def _unsure(self, site: str, agent: str, hello: Hello) -> Iterator[Gap]:
        """Yield the ends without a number that are not on record yet."""
        for epoch in dict.fromkeys(held.epoch for held in hello.held if held.unsure):
            stream = self._journal.streams.find((site, agent, epoch))
            if stream is None or not stream.unsure:
                yield Gap(epoch, Ranges(), UNSURE, UNNUMBERED)

    def _event(self, site: str, agent: str, gap: Gap) -> Event:
        data = {"site": site, "agent": agent, "epoch": gap.epoch, "lost": list(gap.numbers)[:100], "reason": gap.reason}
        return Event(at=self._clock.stamp().wall, kind=gap.kind, text=_text(site, agent, gap), data=data)


def _text(site: str, agent: str, gap: Gap) -> str:
    if gap.kind == UNSURE:
        return f"{site}/{agent}: epoch {gap.epoch}: {gap.reason}"
    numbers = f"{gap.numbers.count()} messages of epoch {gap.epoch} will not come: {_spans(gap.numbers)}"
    return f"{site}/{agent}: {numbers}: {gap.reason}"


def _spans(numbers: Ranges) -> str:
    said = [f"{first}-{last}" if last > first else f"{first}" for first, last in numbers]
    return ", ".join(said[:10]) + (f" … ({len(said)} ranges)" if len(said) > 10 else "")
