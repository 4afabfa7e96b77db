"""Incidents on the real journal: what a stopped gateway knew, the next one knows."""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from gateway.contacts import load_contacts
from gateway.evidence import LiveFacts
from gateway.incident import Incident, Source
from gateway.incidents import Incidents
from gateway.journal import Journal
from gateway.live import Live
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
T0 = 1_800_000_000.0


class Clock:
    wall = T0

    def stamp(self) -> Stamp:
        return Stamp(self.wall)

    def boottime(self) -> float:
        return self.wall - T0


class Accepts:
    async def tell(self, _incident, _clause, _mail, _person, *, again, report) -> None:
        await report(Outcome(channel="email", accepted=True, text="again" if again else "250 OK"))


@contextlib.asynccontextmanager
async def gateway(path: pathlib.Path, clock: Clock) -> AsyncIterator[Incidents]:
    journal = await Journal.open(path, clock)
    writer = asyncio.create_task(journal.run())
    yield Incidents(journal, PLAN, CONTACTS, Accepts(), clock, LiveFacts(Live(clock)))
    writer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writer
    await journal.close()


async def test_a_stopped_gateway_goes_on_where_it_was(tmp_path):
    clock = Clock()
    source = Source(site="city", agent="order-room", device="ups-1", room="订单部", kind="ups")
    occurrence = Occurrence(id="o1", device="ups-1", condition="on-battery", value=("OB",), quantity="ups.status")
    async with gateway(tmp_path / "journal.db", clock) as incidents:
        await incidents.on_alarm(Alarm(occurrence), source)
        clock.wall += 30
        await incidents.tick()
        await incidents.settled()
        before: Incident = incidents.get("A10")
        assert before.reached() == ("li",)
    async with gateway(tmp_path / "journal.db", clock) as incidents:
        running = asyncio.create_task(incidents.run())
        told = asyncio.Event()
        incidents.subscribe(lambda incident: told.set() if incident.owner else None)
        await incidents.load()
        assert incidents.get("A10") == before
        await incidents.on_alarm(Alarm(occurrence), source)
        await incidents.mine("A10", "li")
        await asyncio.wait_for(told.wait(), 5)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert [event.kind for event in incidents.get("A10").timeline] == ["opened", "message", "accepted", "mine"]
