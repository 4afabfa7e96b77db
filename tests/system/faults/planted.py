"""The gateway with a fault planted in it, so that the harness can be seen to find it. Arguments as of the command.

    python planted.py FAULT run --config FILE

``early-ack``: readings are acknowledged when they arrive, and committed only some time later: what a kill in between
takes is lost. ``late-alarms``: everything waits when there is an alarm.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from contract.errors import MessageError
from contract.message import Ack, Address, Readings, Topic, decode, encode, parse_topic
from contract.ranges import Ranges
from gateway.__main__ import main
from gateway.ingest import Arrived
from gateway.mqtt import Wire

_WINDOW = 0.7
"""Seconds between the early acknowledgement and the commit."""
_LATE = 3.0

Take = Callable[[Sequence[Arrived]], Awaitable[None]]
_run = Wire.run


async def _early(wire: Wire, take: Take) -> None:
    async def acknowledge(batch: Sequence[Arrived]) -> None:
        have: dict[tuple[str, str, str], Ranges] = {}
        for one in batch:
            try:
                address = parse_topic(one.topic)
                if address.topic is Topic.READINGS:
                    message = decode(Readings, one.payload)
                    have.setdefault((address.site, address.agent, message.epoch), Ranges()).add(message.seq)
            except MessageError:
                continue
        for (site, agent, epoch), ranges in have.items():
            ack = Ack(journal=_journal(wire), epoch=epoch, have=tuple(ranges), gateway="garrison")
            wire.send(str(Address(site, agent, Topic.ACKS)), encode(ack))
        await asyncio.sleep(_WINDOW)
        await take(batch)

    await _run(wire, acknowledge)


def _journal(wire: Wire) -> str:
    """Return the journal's id, whether it is asked for or said."""
    known: object = wire.journal
    return str(known() if callable(known) else known)


async def _late(wire: Wire, take: Take) -> None:
    async def hold(batch: Sequence[Arrived]) -> None:
        if any(one.topic.endswith("/alarms") for one in batch):
            await asyncio.sleep(_LATE)
        await take(batch)

    await _run(wire, hold)


if __name__ == "__main__":
    Wire.run = {"early-ack": _early, "late-alarms": _late}[sys.argv[1]]  # type: ignore[method-assign]
    raise SystemExit(main(sys.argv[2:]))
