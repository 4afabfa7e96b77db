# ruff: noqa: T201 - a script that prints its table
"""What an alarm and a decision of the plan cost, with many devices and many open incidents, on one core.

The real incidents over the shipped plan and contacts, with the real alarm desk before them, a journal in memory and
people whom every message reaches at once; so what is measured is what we decide, not what a disk or a mail server takes.
Some of the open incidents are nobody's yet, some are owned, so that ladders, limits and owners are all looked at.

usage: decisions.py [--quick]
"""

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Condition
from contract.message import Device, Inventory
from gateway.alarms.desk import Desk
from gateway.alarms.model import load_rules
from gateway.contacts import load_contacts
from gateway.event import Event
from gateway.incident import Source
from gateway.incidents import Incidents
from gateway.live import Live
from gateway.plan.decide import Latest
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = Path(__file__).parents[2] / "config"
GOAL = 50.0
"""Milliseconds for any one decision, with 10,000 devices and 1,000 open incidents."""
SIZES = ((1_000, 100), (3_000, 300), (10_000, 1_000))
MORE = 20
"""Alarms that are measured before each storm."""
STORMS = 5


class Clock:
    """Turned by the bench."""

    def __init__(self) -> None:
        self.passed = 0.0

    def stamp(self) -> Stamp:
        return Stamp(1_800_000_000.0 + self.passed, 1000.0 + self.passed, "boot", trusted=True)

    def boottime(self) -> float:
        return 1000.0 + self.passed

    def wall(self) -> float:
        return 1_800_000_000.0 + self.passed


class Memory:
    """The journal, the readings, and the way to people: all at once, and in memory."""

    def __init__(self) -> None:
        self.kept: list[Event] = []

    async def record_event(self, event: Event) -> Event:
        self.kept.append(msgspec.structs.replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, incident: str | None = None) -> list[Event]:
        return [one for one in self.kept if incident in (None, one.incident)]

    def latest(self, _source: Source, _quantity: str) -> Latest | None:
        return None

    def conditions(self, _source: Source) -> Mapping[str, Condition]:
        return {}

    async def tell(self, *_: Any, again: bool, report: Callable[[Outcome], Any]) -> None:
        assert not again
        await report(Outcome(channel="email", accepted=True))


class Site:
    """So many devices, and incidents of the first of them."""

    def __init__(self, devices: int) -> None:
        contacts = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
        texts = {path.name: path.read_text("utf-8") for path in sorted((CONFIG / "plan").glob("*.toml"))}
        plan = load_plan(texts, contacts.departments)
        rules = load_rules((CONFIG / "alarms.toml").read_text("utf-8"), file="alarms.toml")
        self.clock, self.memory = Clock(), Memory()
        self.live = Live(self.clock, {})
        for agent in range(devices // 10):
            ups = tuple(Device(f"ups-{agent * 10 + number}", "ups", "room") for number in range(10))
            self.live.inventory("site", f"agent-{agent}", Inventory(devices=ups))
        self.incidents = Incidents(self.memory, plan, contacts, self.memory, self.clock, self.memory)
        self.desk = Desk(rules, self.live, self.incidents, self.memory, self.clock, contacts.hours)

    async def alarm(self, number: int, condition: str) -> None:
        stamp = self.clock.stamp()
        source = Source(site="site", agent=f"agent-{number // 10}", device=f"ups-{number}", title="UPS", kind="ups")
        occurrence = Occurrence(
            id=f"{condition}-{number}",
            device=source.device,
            condition=condition,
            since=stamp,
            raised=stamp,
            quantity="ups.status",
            value=("OB",),
        )
        await self.desk.on_alarm(Alarm(occurrence), source)

    async def settle(self) -> None:
        for _ in range(3):
            await self.incidents.tick()
            await self.incidents.settled()


async def measure(devices: int, incidents: int) -> dict[str, list[float]]:
    """Return seconds by what was done.

    ``alarm``: one evaluated, with nothing else to do. ``storm``: one evaluated while all open incidents fall due at once, as
    they do five minutes after a whole city went dark: what it waits, and itself. ``each``: what one of those costs.
    ``idle``: a look when nothing is due.
    """
    site = Site(devices)
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)  # as the gateway has it
    conditions = ("fault", "overload", "low-battery")  # not on-battery: the desk makes one alarm of many of those
    for number in range(incidents):
        await site.alarm(number, conditions[number % 3])
    site.clock.passed += 60.0
    await site.settle()
    for number, incident in enumerate(site.incidents.open()):
        if number % 3 == 0:
            await site.incidents.mine(incident.code, "li")
    await site.settle()
    took: dict[str, list[float]] = {"alarm": [], "storm": [], "each": [], "idle": []}
    fresh = iter(range(incidents, devices))
    for _ in range(STORMS):
        for _ in range(MORE):
            number = next(fresh)
            began = time.perf_counter()
            await site.alarm(number, "fault")
            took["alarm"].append(time.perf_counter() - began)
        await site.settle()
        began = time.perf_counter()
        await site.incidents.tick()
        took["idle"].append(time.perf_counter() - began)
        site.clock.passed += 300.0  # the ladder repeats
        before = len(site.memory.kept)
        began = time.perf_counter()
        working = asyncio.create_task(site.incidents.tick())
        while not working.done():
            comes = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            await site.alarm(next(fresh), "fault")
            took["storm"].append(time.perf_counter() - comes)  # with what it waited for its turn
        took["each"].append((time.perf_counter() - began) / max(1, len(site.memory.kept) - before))
        await site.settle()
    return took


def part(*, quick: bool = False) -> None:
    """Print the table."""
    print(
        "\nDecisions of the plan, milliseconds: an alarm evaluated (desk, plan, incident), alone and while every open"
    )
    print("incident falls due at once; one event decided and kept in such a storm; a look when nothing is due")
    print(
        f"{'devices':>9}{'open':>7}{'alarm p50':>12}{'p99':>8}{'in a storm p50':>16}{'max':>8}{'each event':>12}{'idle':>8}"
    )
    worst = 0.0
    for devices, incidents in SIZES[:1] if quick else SIZES:
        took = asyncio.run(measure(devices, incidents))
        alarm, storm, each, idle = (
            sorted(1000 * one for one in took[name]) for name in ("alarm", "storm", "each", "idle")
        )
        print(
            f"{devices:>9}{incidents:>7}{statistics.median(alarm):12.2f}{_p99(alarm):8.2f}{statistics.median(storm):16.2f}"
            f"{storm[-1]:8.2f}{statistics.median(each):12.2f}{statistics.median(idle):8.2f}"
        )
        worst = max(alarm[-1], storm[-1])
    if not quick:
        print(f"goal: no alarm takes over {GOAL:g} ms with 10,000 devices and 1,000 open incidents: ", end="")
        print("met" if worst <= GOAL else f"NOT MET ({worst:.1f} ms)")


def _p99(values: list[float]) -> float:
    return values[min(len(values) - 1, int(len(values) * 0.99))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    part(quick=parser.parse_args().quick)
