"""The self-check of a line, clause 3.1.4: what each step finds, from here outwards. What it means says ``agent.selfcheck``.

While the line is good, which way it goes is learned: who is the next hop, who the one after it, and who answers at all.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Protocol

import msgspec

from agent.drivers.line_setup import Learned, PowerOf, Seen, Setup
from agent.links.netif import Interface
from agent.memo import Memo
from agent.neighbours import Heard, Neighbours
from agent.probing import Outcome, Prober, State, Target, Window
from agent.selfcheck import Finding, Mark, Setting, Step
from contract.clock import Clock

_HOPS = 8
"""How far the way is followed: the carrier's first hop is near."""
BURST = 3
"""Pings of each step."""
_ENOUGH = 10
"""Probes that are kept however old."""
_PATH = 2
"""Pings of each poll to the gateway and to the carrier's hop."""


_OURS = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")))


class LocalNetwork(Protocol):
    """What is asked of this machine; see ``agent.links.netif``."""

    def interface(self, name: str) -> Interface:
        """Return an interface as it is now."""
        ...

    def towards(self, address: str) -> str:
        """Return the interface by which an address is reached; "" where none is known."""
        ...

    def via(self, address: str, interface: str = "") -> str:
        """Return the next hop to an address, by an interface; "" where none is known."""
        ...

    def arp(self, address: str, interface: str = "") -> bool | None:
        """Say whether a neighbour answers ARP; None where it was not asked."""
        ...


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps that can be pinged answered, and who answers on the way; None for what is not known."""

    equipment: Outcome | None
    gateway: Outcome | None
    hop: Outcome | None
    way: tuple[str, ...]


class Checker:
    """Looks into one line."""

    def __init__(
        self,
        setup: Setup,
        prober: Prober,
        network: LocalNetwork,
        neighbours: Neighbours,
        clock: Clock,
        memo: Memo[Learned],
    ) -> None:
        """Take what the line is, who asks, where the nearer steps are read, and where what is learned is kept."""
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
        self._equipment_window = Window(setup.window)
        self._memo = memo
        self._kept: Learned | None = None
        """As it stands in the memo; None before that was read."""
        self._answered: set[str] = set()
        """Who ever answered: silence of others means nothing."""

    @property
    def setting(self) -> Setting:
        """What the table of verdicts must know of the line, as far as it is known now."""
        setup = self._setup
        border = any((setup.gateway, setup.hop, self.hop, setup.equipment, setup.equipment_device))
        return msgspec.structs.replace(setup.setting, border=border)

    async def path(self) -> None:
        """Ask the gateway and the carrier's hop, as far as they are known; each poll does."""
        if self._kept is None:
            await self._recall()
        if not self.gateway:  # as the routes say, until the way itself was seen
            self.gateway = self._network.via(self._far_host(), self._setup.route.interface)
        gateway, _ = await asyncio.gather(
            self._ping(self.gateway, _PATH, self.gateway_window), self._ping(self.hop, _PATH, self._hop_window)
        )
        self.gateway_silent = gateway is not None and gateway.state is State.SILENT

    async def learn(self) -> None:
        """See which way the line goes while it is good."""
        host = self._far_host()
        way, _ = await asyncio.gather(self._prober.trace(host, _HOPS), self._ping(self._setup.equipment, BURST, None))
        self._answered.update(router for router in way if router)
        self.gateway = self._setup.gateway or (way[0] if way and way[0] != host else "") or self.gateway
        self.hop = self._setup.hop or self._next(way, host) or self.hop
        learned = self._learned()
        if learned != self._kept:
            self._kept = learned
            self._memo.save(learned)

    async def close(self) -> None:
        """Wait until what was learned is kept."""
        await self._memo.close()

    async def _recall(self) -> None:
        self._kept = await self._memo.load() or Learned()
        if self._kept.setup == self._under:
            self.gateway = self.gateway or self._kept.gateway
            self.hop = self.hop or self._kept.hop
            self._answered.update(self._kept.answered)

    def _learned(self) -> Learned:
        """Return what is to be kept: of those who answered, the ones that are asked."""
        asked = {self.gateway, self.hop, self._setup.equipment}
        return Learned(self.gateway, self.hop, tuple(sorted(self._answered & asked)), self._under)

    @property
    def _under(self) -> str:
        setup = self._setup
        named = (setup.gateway, setup.hop, setup.equipment, setup.route.interface, setup.route.source, self._far_host())
        return " ".join(name or "-" for name in named)

    def _next(self, way: Sequence[str], host: str) -> str:
        """Return the router behind the gateway, if it is the carrier's: "" where it may be another one of ours.

        Behind a gateway that the settings name it is; behind one that was only found, where its address is none that
        we could have given it: private ones are the carriers' too, often.
        """
        beyond = [router for router in self._beyond(way) if router != host]
        if not beyond or self._setup.gateway:
            return beyond[0] if beyond else ""
        at = way.index(self.gateway) if self.gateway in way else 0
        direct = way[at + 1 : at + 2] == beyond[:1]
        return beyond[0] if direct and not _may_be_ours(beyond[0]) else ""

    async def ask(self, count: int = BURST) -> Asked:
        """Ask each step so many times."""
        equipment, gateway, hop, way = await asyncio.gather(
            self._ping(self._setup.equipment, count, self._equipment_window),
            self._ping(self.gateway, count, self.gateway_window),
            self._ping(self.hop, count, self._hop_window),
            self._prober.trace(self._far_host(), _HOPS),
        )
        return Asked(equipment=equipment, gateway=gateway, hop=hop, way=tuple(way))

    def found(self, asked: Asked, seen: Seen) -> Sequence[Finding]:
        """Return what each step finds."""
        return [
            self._port(seen),
            self._equipment(asked.equipment, self._equipment_window, seen),
            self._power(),
            self._near(Step.GATEWAY, self.gateway, asked.gateway, self.gateway_window, seen),
            self._hop(asked.hop, self._beyond(asked.way), seen),
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
            mark = Mark.OK if seen.weakness is None else seen.weakness.of(window)
            said = f"{address} {window.delay or 0.0:.1f}ms"
            return Finding(step, mark, f"{said} loss={window.loss:g}%" if window.lost else said)
        arp = self._network.arp(address, self._setup.route.interface)
        if arp and address not in self._answered:
            return Finding(step, Mark.UNKNOWN, f"{address} arp-only")
        return Finding(step, Mark.BAD, f"{address} {'no-arp' if arp is False else 'no-answer'}")

    def _hop(self, outcome: Outcome | None, beyond: Sequence[str], seen: Seen) -> Finding:
        if outcome is not None and outcome.alive:
            return self._near(Step.HOP, self.hop, outcome, self._hop_window, seen)
        if beyond:
            # who answers on the way says that it carries, and not how well; and he may be one of ours
            sure = seen.weakness is None and self.setting.border
            return Finding(Step.HOP, Mark.OK if sure else Mark.UNKNOWN, f"way-to {beyond[-1]}")
        if outcome is None or outcome.state is State.UNSENT:
            return Finding(Step.HOP, Mark.UNKNOWN, self.hop)
        if self.hop not in self._answered:
            return Finding(Step.HOP, Mark.UNKNOWN, f"{self.hop} never-answered")
        return Finding(Step.HOP, Mark.BAD, f"{self.hop} no-answer")


def _may_be_ours(address: str) -> bool:
    """Say whether an address is one of RFC 1918's or RFC 4193's; those of RFC 6598 (100.64/10) are carriers'."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return any(found in network for network in _OURS if network.version == found.version)


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
