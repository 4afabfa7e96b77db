"""The self-check of a line, clause 3.1.4: what each step finds, from here outwards. What it means says ``agent.selfcheck``.

While the line is good, which way it goes is learned: who is the next hop, who the one after it, and who answers at all.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from agent.links.netif import Interface
from agent.neighbours import Heard, Neighbours
from agent.probing import Outcome, Prober, Route, State, Target, Window
from agent.selfcheck import Finding, Mark, Setting, Step
from contract.clock import Clock

_HOPS = 8
"""How far the way is followed: the carrier's first hop is near."""
_BURST = 3
"""Pings of each step."""
_LONG = 20
"""The same where a line loses or delays: three would say nothing of a loss of a third."""
_ENOUGH = 10
"""Probes that are kept however old."""
_PATH = 2
"""Pings of each poll to the gateway and to the carrier's hop."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Beyond these a line is degraded: %, ms, ms."""

    loss: float = 10.0
    delay: float = 500.0
    jitter: float = 100.0


class PortOf(msgspec.Struct, frozen=True, kw_only=True):
    """The port of a switch that the line hangs on: the device that says how it is, and the port's name or alias."""

    device: str
    name: str


class PowerOf(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds the equipment: a UPS; or a device that shows a flag when the power is gone."""

    device: str
    quantity: str = ""
    flag: str = ""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a line is."""

    far: tuple[Target, ...]
    dns: tuple[Target, ...] = ()
    route: Route = Route()
    carrier: str = ""
    gateway: str = ""
    hop: str = ""
    equipment: str = ""
    """Address of the equipment on our side."""
    equipment_device: str = ""
    """The same as a device of this agent."""
    port: PortOf | None = None
    power: PowerOf | None = None
    setting: Setting = Setting()
    window: float = 60.0
    limits: Limits = Limits()


class Weakness(msgspec.Struct, frozen=True, kw_only=True):
    """What of a line is beyond its limits, %, ms, ms; None for what is not."""

    loss: float | None = None
    delay: float | None = None
    jitter: float | None = None

    def of(self, window: Window) -> bool:
        """Say whether a nearer step has its part in it: half of what the far end shows."""
        pairs = ((self.loss, window.loss), (self.delay, window.delay), (self.jitter, window.jitter))
        return any(far is not None and near is not None and near >= far / 2 for far, near in pairs)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the poll before it saw."""

    far: tuple[Outcome, ...]
    dns: tuple[Outcome, ...]
    weakness: Weakness | None = None
    """Of a line that carries badly."""


class LocalNetwork(Protocol):
    """What is asked of this machine; see ``agent.links.netif``."""

    def interface(self, name: str) -> Interface:
        """Return an interface as it is now."""
        ...

    def towards(self, address: str) -> str:
        """Return the interface by which an address is reached; "" where none is known."""
        ...

    def arp(self, address: str, interface: str = "") -> bool | None:
        """Say whether a neighbour answers ARP; None where it was not asked."""
        ...


class Checker:
    """Looks into one line."""

    def __init__(
        self, setup: Setup, prober: Prober, network: LocalNetwork, neighbours: Neighbours, clock: Clock
    ) -> None:
        """Take what the line is, who asks, and where the nearer steps are read."""
        self._setup = setup
        self._prober = prober
        self._network = network
        self._neighbours = neighbours
        self._clock = clock
        self.gateway = setup.gateway
        """The next hop, as configured or found; "" while it is not known."""
        self.hop = setup.hop
        """The carrier's first hop, as configured or found."""
        self.gateway_silent = False
        """At the last poll."""
        self.gateway_window = Window(setup.window, _ENOUGH)
        self._hop_window = Window(setup.window, _ENOUGH)
        self._answered: set[str] = set()
        """Who ever answered: silence of others means nothing."""

    async def path(self) -> None:
        """Ask the gateway and the carrier's hop, as far as they are known; each poll does."""
        gateway, _ = await asyncio.gather(
            self._ping(self.gateway, _PATH, self.gateway_window), self._ping(self.hop, _PATH, self._hop_window)
        )
        self.gateway_silent = gateway is not None and gateway.state is State.SILENT

    async def learn(self) -> None:
        """See which way the line goes while it is good."""
        host = self._far_host()
        way, _ = await asyncio.gather(self._prober.trace(host, _HOPS), self._ping(self._setup.equipment, _BURST, None))
        self._answered.update(router for router in way if router)
        self.gateway = self._setup.gateway or (way[0] if way and way[0] != host else "") or self.gateway
        beyond = [router for router in self._beyond(way) if router != host]
        self.hop = self._setup.hop or (beyond[0] if beyond else "") or self.hop

    async def look(self, seen: Seen) -> Sequence[Finding]:
        """Return what each step finds."""
        count = _LONG if seen.weakness else _BURST
        around = Window(self._setup.window)
        equipment, gateway, hop, way = await asyncio.gather(
            self._ping(self._setup.equipment, count, around),
            self._ping(self.gateway, count, self.gateway_window),
            self._ping(self.hop, count, self._hop_window),
            self._prober.trace(self._far_host(), _HOPS),
        )
        return [
            self._port(seen),
            self._equipment(equipment, around, seen),
            self._power(),
            self._near(Step.GATEWAY, self.gateway, gateway, self.gateway_window, seen),
            self._hop(hop, self._beyond(way), seen),
            _far(seen),
            _dns(seen),
        ]

    def _far_host(self) -> str:
        """Return whom the way is followed to: what answers pings before what need not."""
        return min(self._setup.far, key=lambda target: target.scheme != "ping").host

    def _beyond(self, way: Sequence[str]) -> list[str]:
        """Return who answers behind the gateway."""
        at = way.index(self.gateway) if self.gateway in way else 0
        ours = {"", self.gateway, self._setup.equipment}
        return [router for router in way[at + 1 :] if router not in ours]

    async def _ping(self, address: str, count: int, window: Window | None) -> Outcome | None:
        if not address:
            return None
        outcome = await self._prober.probe(Target(scheme="ping", host=address, count=count))
        if window is not None:
            window.take(self._clock.boottime(), outcome)
        if outcome.alive:
            self._answered.add(address)
        return outcome

    def _port(self, seen: Seen) -> Finding:
        marks = [self._switch_port(), self._interface(seen)]
        note = " ".join(note for _, note in marks if note)
        for mark in (Mark.BAD, Mark.OK):
            if any(found is mark for found, _ in marks):
                return Finding(Step.PORT, mark, note)
        return Finding(Step.PORT, Mark.UNKNOWN, note)

    def _switch_port(self) -> tuple[Mark, str]:
        port = self._setup.port
        if port is None:
            return Mark.UNKNOWN, ""
        heard = self._neighbours.heard(port.device)
        if heard is None or not heard.fresh(self._clock.boottime()):
            return Mark.UNKNOWN, f"{port.device} silent"
        for name, reading in heard.readings.items():
            head, _, last = name.rpartition(".")
            if not head.startswith("x.port.") or last not in ("name", "alias") or reading.value != port.name:
                continue
            up = heard.readings.get(f"{head}.up")
            if up is not None and up.good and isinstance(up.value, int | float):
                return (Mark.OK, f"{port.name} up") if up.value >= 1 else (Mark.BAD, f"{port.name} down")
        return Mark.UNKNOWN, f"{port.name} unknown"

    def _interface(self, seen: Seen) -> tuple[Mark, str]:
        setup = self._setup
        asked = setup.route.interface
        name = asked or self._network.towards(self.gateway or self._far_host())
        if not name:
            nowhere = any(outcome.says == "no route to it" for outcome in seen.far)
            return (Mark.BAD, "no-route") if nowhere else (Mark.UNKNOWN, "")
        found = self._network.interface(name)
        if not found.there:
            return (Mark.BAD, f"{name} missing") if asked else (Mark.UNKNOWN, "")
        if not found.admin:
            return Mark.BAD, f"{name} off"
        if found.carrier is None:
            return Mark.UNKNOWN, f"{name} {found.state}".rstrip()
        return (Mark.OK, f"{name} up") if found.carrier else (Mark.BAD, f"{name} no-carrier")

    def _equipment(self, outcome: Outcome | None, window: Window, seen: Seen) -> Finding:
        device = self._setup.equipment_device
        pinged = self._near(Step.EQUIPMENT, self._setup.equipment, outcome, window, seen)
        if not device or pinged.mark in (Mark.OK, Mark.WEAK):
            return pinged
        heard = self._neighbours.heard(device)
        if heard is None:
            return pinged
        if heard.fresh(self._clock.boottime()):
            return Finding(Step.EQUIPMENT, Mark.OK, f"{device} answers")
        contact = heard.readings.get("x.contact")
        if contact is not None and contact.value == 0.0:
            return Finding(Step.EQUIPMENT, Mark.BAD, f"{device} silent")
        return pinged

    def _power(self) -> Finding:
        power = self._setup.power
        if power is None:
            return Finding(Step.POWER, Mark.UNKNOWN)
        heard = self._neighbours.heard(power.device)
        if heard is None or not heard.fresh(self._clock.boottime()):
            return Finding(Step.POWER, Mark.UNKNOWN, f"{power.device} silent")
        mark, word = _power_of(heard, power)
        return Finding(Step.POWER, mark, f"{power.device} {word}".rstrip())

    def _near(self, step: Step, address: str, outcome: Outcome | None, window: Window, seen: Seen) -> Finding:
        """Judge what should answer pings: silent and alive by ARP is silence only where it did answer before."""
        if outcome is None:
            return Finding(step, Mark.UNKNOWN)
        if outcome.state is State.UNSENT:
            return Finding(step, Mark.UNKNOWN, f"{address} unsent")
        if outcome.alive:
            weak = seen.weakness is not None and seen.weakness.of(window)
            said = f"{address} {window.delay or 0.0:.1f}ms"
            return Finding(
                step, Mark.WEAK if weak else Mark.OK, f"{said} loss={window.loss:g}%" if window.lost else said
            )
        arp = self._network.arp(address, self._setup.route.interface)
        if arp and address not in self._answered:
            return Finding(step, Mark.UNKNOWN, f"{address} arp-only")
        return Finding(step, Mark.BAD, f"{address} {'no-arp' if arp is False else 'no-answer'}")

    def _hop(self, outcome: Outcome | None, beyond: Sequence[str], seen: Seen) -> Finding:
        if outcome is not None and outcome.alive:
            return self._near(Step.HOP, self.hop, outcome, self._hop_window, seen)
        if beyond:
            # who answers on the way says that it carries, and not how well
            return Finding(Step.HOP, Mark.UNKNOWN if seen.weakness else Mark.OK, f"way-to {beyond[-1]}")
        if outcome is None or outcome.state is State.UNSENT:
            return Finding(Step.HOP, Mark.UNKNOWN, self.hop)
        if self.hop not in self._answered:
            return Finding(Step.HOP, Mark.UNKNOWN, f"{self.hop} never-answered")
        return Finding(Step.HOP, Mark.BAD, f"{self.hop} no-answer")


def _power_of(heard: Heard, power: PowerOf) -> tuple[Mark, str]:
    reading = heard.readings.get(power.quantity or "ups.status")
    flags = reading.value if reading is not None and reading.good else None
    if not isinstance(flags, tuple):
        return Mark.UNKNOWN, "unknown"
    if power.quantity:
        return (Mark.BAD, power.flag) if power.flag in flags else (Mark.OK, "")
    if "OFF" in flags:
        return Mark.BAD, "off"
    if "OB" in flags and "CAL" not in flags:
        return Mark.WEAK, "on-battery"
    return (Mark.OK, "on-mains") if "OL" in flags else (Mark.UNKNOWN, "unknown")


def _far(seen: Seen) -> Finding:
    known = [outcome for outcome in seen.far if outcome.state is not State.UNSENT]
    right = sum(outcome.state is State.RIGHT for outcome in known)
    note = f"{right}/{len(seen.far)}"
    if not known:
        return Finding(Step.FAR, Mark.UNKNOWN, f"{note} unsent")
    if not any(outcome.alive for outcome in known):
        return Finding(Step.FAR, Mark.BAD, note)
    if seen.weakness:
        said = (
            ("loss", seen.weakness.loss, "%"),
            ("delay", seen.weakness.delay, "ms"),
            ("jitter", seen.weakness.jitter, "ms"),
        )
        beyond = " ".join(f"{name}={value:.0f}{unit}" for name, value, unit in said if value is not None)
        return Finding(Step.FAR, Mark.WEAK, f"{note} {beyond}")
    return Finding(Step.FAR, Mark.OK if right == len(known) else Mark.PART, note)


def _dns(seen: Seen) -> Finding:
    known = [outcome for outcome in seen.dns if outcome.state is not State.UNSENT]
    right = sum(outcome.state is State.RIGHT for outcome in known)
    if not known:
        return Finding(Step.DNS, Mark.UNKNOWN)
    mark = Mark.OK if right == len(known) else Mark.WEAK if right else Mark.BAD
    return Finding(Step.DNS, mark, f"{right}/{len(seen.dns)}")
