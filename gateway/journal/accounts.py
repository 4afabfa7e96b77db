"""What of an agent's messages is missing, and why: held against its hello, and named by range."""

import logging
from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from contract.clock import Clock
from contract.errors import StorageError
from contract.message import Held, Hello, Voided
from contract.ranges import Ranges
from gateway.event import Event
from gateway.journal import Journal

_log = logging.getLogger(__name__)

ELSEWHERE: Final = "acknowledged by another journal"
RESTORED: Final = "this journal acknowledged them and has them not: it was restored from an older copy, or damaged"
IN_MEMORY: Final = "in the agent's memory when it ended"
NOT_HELD: Final = "the agent holds them no longer"
UNNUMBERED: Final = "it ended as in a power cut: what its last second said is lost, and cannot be numbered"


class Gap(msgspec.Struct, frozen=True):
    """Numbers of an epoch that will never come."""

    epoch: str
    numbers: Ranges
    kind: str
    """``lost``, or ``elsewhere``."""
    reason: str


def gaps(hello: Hello, have: dict[str, Ranges], journal: Collection[str]) -> Iterator[Gap]:
    """Yield what will never come. Pure.

    Args:
        hello: what the agent says.
        have: epoch → what the journal has of this agent.
        journal: its id, and those that it had before.
    """
    for held in hello.held:
        missing = Ranges([(1, held.last)]).minus(Ranges(held.spans)).minus(have.get(held.epoch, Ranges()))
        for voided in hello.voided:
            if voided.epoch == held.epoch:
                void = missing.common(Ranges(voided.spans))
                missing = missing.minus(void)
                yield Gap(held.epoch, void, "lost", voided.reason)
        settled = missing.common(Ranges([(1, held.settled)])) if held.journal else Ranges()
        own = held.journal in journal
        yield Gap(held.epoch, settled, "lost" if own else "elsewhere", RESTORED if own else ELSEWHERE)
        yield Gap(held.epoch, missing.minus(settled), "lost", IN_MEMORY)
    spoken = {held.epoch for held in hello.held} | {hello.epoch}
    for epoch, received in have.items():
        if epoch not in spoken:  # complete as it is, or with holes for ever
            missing = Ranges([(1, received.highest)]).minus(received)
            yield Gap(epoch, missing, "lost", _reason(hello.voided, epoch) or NOT_HELD)


def _reason(voided: tuple[Voided, ...], epoch: str) -> str:
    return next((one.reason for one in voided if one.epoch == epoch), "")


class Accounts:
    """Names what is missing when an agent says hello."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        """Take where numbers are kept, and the clock for the record."""
        self._journal = journal
        self._clock = clock

    async def hello(self, site: str, agent: str, hello: Hello, *, alone: bool = True) -> bool:
        """Name what will never come; say whether that is done. Only then the hello may be acknowledged: the agent forgets.

        Args:
            site: of the agent.
            agent: its name.
            hello: what it says.
            alone: whether one agent speaks under this name; the epochs of another are no business of this one's.
        """
        have = {stream.epoch: stream.have for stream in self._journal.streams.of(site, agent)}
        if not alone:
            spoken = {held.epoch for held in hello.held}
            have = {epoch: ranges for epoch, ranges in have.items() if epoch in spoken}
        own = {self._journal.id, *self._journal.former}
        found = [gap for gap in gaps(hello, have, own) if gap.numbers]
        restored = {gap.epoch for gap in found if gap.reason == RESTORED}
        try:
            if any(held.journal == self._journal.id and held.epoch in restored for held in hello.held):
                await self._journal.rename()
            for gap in found:
                new = await self._journal.name_gap(site, agent, gap.epoch, gap.numbers, gap.kind, gap.reason)
                if new:
                    await self._tell(site, agent, gap, new)
            for held in hello.held:
                if held.unsure:
                    await self._unsure(site, agent, held)
        except StorageError:
            return False  # told by the journal; the next hello says it again
        return True

    async def _tell(self, site: str, agent: str, gap: Gap, new: Ranges) -> None:
        text = f"{site}/{agent}: {new.count()} messages of epoch {gap.epoch} will not come: {_spans(new)}: {gap.reason}"
        log = _log.warning if gap.kind == "lost" else _log.info
        log("%s", text)
        data = {"site": site, "agent": agent, "epoch": gap.epoch, "lost": list(new)[:100], "reason": gap.reason}
        await self.record(gap.kind, text, data)

    async def _unsure(self, site: str, agent: str, held: Held) -> None:
        """Put an end without a number on record, once."""
        if not await self._journal.unsure(site, agent, held.epoch, UNNUMBERED):
            return
        text = f"{site}/{agent}: epoch {held.epoch}: {UNNUMBERED}"
        _log.warning("%s", text)
        await self.record("unsure", text, {"site": site, "agent": agent, "epoch": held.epoch, "last": held.last})

    async def record(self, kind: str, text: str, data: dict[str, Any]) -> None:
        """Put something on record that concerns no incident.

        Raises:
            StorageError: the disk did not take it.
        """
        await self._journal.record_event(Event(at=self._clock.stamp().wall, kind=kind, text=text, data=data))


def _spans(numbers: Ranges) -> str:
    said = [f"{first}-{last}" if last > first else f"{first}" for first, last in numbers]
    return ", ".join(said[:10]) + (f" … ({len(said)} ranges)" if len(said) > 10 else "")
