"""A line whose probes answer as the test says: when it is down, when it is looked into, what it never claims."""

import random

import msgspec
import pytest

from agent.drivers.base import Lane
from agent.drivers.line import LineDriver
from agent.drivers.line_check import Checker
from agent.drivers.line_setup import Learned, Limits, PortOf, PowerOf, Setup
from agent.kinds import defaults
from agent.links.netif import Interface
from agent.memo import Memo
from agent.neighbours import LastHeard
from agent.probing import Outcome, State, Target
from agent.selfcheck import Setting
from agent.watch import Watch
from contract.clock import Stamp
from contract.command import Verb
from contract.errors import CommandRefused
from contract.reading import Quality, Reading

A, B = Target(scheme="ping", host="198.51.100.1"), Target(scheme="ping", host="203.0.113.1")
WEB = Target(scheme="https", host="www.test", port=443, path="/")
SIP = Target(scheme="sip", host="192.0.2.9", port=5060)
DNS = Target(scheme="dns", host="198.51.100.1", port=53, path="www.test")
GATEWAY, HOP = "192.168.1.1", "10.0.0.1"

RIGHT = Outcome(state=State.RIGHT, sent=3, delays=(10.0, 12.0, 11.0))
SILENT = Outcome(state=State.SILENT, sent=3, says="no answer")
WRONG = Outcome(state=State.WRONG, delays=(9.0,), says="refused")
UNSENT = Outcome(state=State.UNSENT, sent=0, says="not permitted to ping", hint="give it CAP_NET_RAW")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1.79e9 + self.now, self.now, "boot", True)


class FakeProber:
    """Answers by host, or by target; what is not said answers."""

    def __init__(self):
        self.says = {}
        self.way = [GATEWAY, HOP, "", A.host]
        self.asked = []

    async def probe(self, target):
        self.asked.append(target)
        return self.says.get(target) or self.says.get(target.host) or RIGHT

    async def trace(self, host, most):  # noqa: ARG002 - see Prober
        return self.way


class FakeNetwork:
    def __init__(self):
        self.state = Interface(there=True, admin=True, carrier=True, state="up")
        self.neighbours = {}
        self.router = ""

    def via(self, address, interface=""):  # noqa: ARG002 - one way leads everywhere
        return self.router

    def interface(self, name):  # noqa: ARG002 - it has one
        return self.state

    def towards(self, address):  # noqa: ARG002 - one way leads everywhere
        return "eth1"

    def arp(self, address, interface=""):  # noqa: ARG002 - it has one
        return self.neighbours.get(address)


class Bench:
    def __init__(self, memo=None, prober=None, **setup):
        self.clock, self.network, self.heard = Clock(), FakeNetwork(), LastHeard()
        self.prober = prober or FakeProber()
        self.setup = Setup(**{"far": (A, B), "carrier": "telecom", "gateway": GATEWAY} | setup)
        checker = Checker(self.setup, self.prober, self.network, self.heard, self.clock, Memo(Learned, memo))
        self.driver = LineDriver(self.setup, self.prober, checker, self.clock)

    async def poll(self, lane=Lane.ALL, after=5.0):
        self.clock.now += after
        self.prober.asked.clear()
        return {reading.quantity: reading for reading in await self.driver.read(lane)}

    async def status(self, lane=Lane.ALL, after=5.0):
        return (await self.poll(lane, after))["x.line.status"].value

    def cut(self, *, beyond=True):
        """Cut it behind the hop, or behind the gateway."""
        self.prober.says = {A.host: SILENT, B.host: SILENT}
        self.prober.way = [GATEWAY, HOP] if beyond else [GATEWAY]
        if not beyond:
            self.prober.says[HOP] = SILENT


async def test_a_line_is_down_when_all_its_far_targets_are_silent_not_one():
    bench = Bench()
    assert await bench.status() == ("UP",)
    bench.prober.says[A.host] = SILENT
    assert await bench.status() == ("UP",)  # one poll of one target is loss
    assert await bench.status() == ("NO-TARGET", "UP", "WHY-FAR-END")
    bench.prober.says[B.host] = SILENT
    assert "DOWN" in await bench.status()
    bench.prober.says = {}
    assert set(await bench.status()) >= {"UP", "DEGRADED"}  # what it lost counts for as long as the window is
    for _ in range(13):
        status = await bench.status()
    assert status == ("UP",)


async def test_what_looks_dead_is_asked_twice_before_it_is_down():
    bench = Bench()
    await bench.poll()
    bench.cut()
    await bench.poll(Lane.FAST)
    assert bench.prober.asked.count(A) == 2


async def test_refused_is_an_answer_the_line_carries():
    bench = Bench(far=(Target(scheme="tcp", host="a", port=1), Target(scheme="tcp", host="b", port=1)))
    bench.prober.says = {"a": WRONG, "b": WRONG}
    status = await bench.status()
    assert "UP" in status
    assert "DOWN" not in status
    assert "NO-SERVICE" in status


async def test_the_verdict_is_in_the_flags_and_the_findings_say_why():
    bench = Bench()
    await bench.poll()
    bench.cut(beyond=False)
    said = await bench.poll(Lane.FAST)
    assert said["x.line.status"].value == ("DOWN", "WHY-CARRIER")
    assert said["x.selfcheck.verdict"].value == "carrier"
    findings = said["x.selfcheck.findings"].value
    assert findings == (
        f"port ok eth1 up; equipment unknown; power unknown; gateway ok {GATEWAY} 11.0ms; "
        f"hop bad {HOP} no-answer; far bad 0/2; dns unknown"
    )
    assert said["x.selfcheck.at"].value.startswith("2026-")


async def test_it_is_looked_into_at_once_after_20_s_and_every_few_minutes():
    bench = Bench()
    await bench.poll()
    bench.cut()
    looked = []
    for second in range(0, 600, 5):
        said = await bench.poll(Lane.FAST)
        if "x.selfcheck.verdict" in said:
            looked.append(second)
    assert looked == [0, 20, 200, 380, 560]


async def test_a_failure_of_another_kind_is_looked_into_anew():
    bench = Bench(dns=(DNS,))
    await bench.poll()
    bench.prober.says = {DNS: Outcome(state=State.WRONG, code=2, says="SERVFAIL")}
    assert (await bench.poll())["x.selfcheck.verdict"].value == "dns"
    bench.cut()
    said = await bench.poll()
    assert said["x.line.status"].value == ("DOWN", "WHY-CARRIER")


async def test_a_probe_that_cannot_be_sent_is_unknown_and_says_so():
    bench = Bench()
    await bench.poll()
    bench.prober.says = {A.host: UNSENT, B.host: UNSENT, GATEWAY: UNSENT, HOP: UNSENT}
    bench.prober.way = []
    said = await bench.poll(after=120.0)
    assert said["x.line.status"].value == ("UNPROBED", "WHY-UNCLEAR")
    assert {said[f"x.line.{name}"].quality for name in ("loss", "delay", "jitter")} == {Quality.UNAVAILABLE}
    assert said["x.line.1.answers"].quality is Quality.UNAVAILABLE
    assert "CAP_NET_RAW" in said["x.line.1.says"].value


async def test_silent_ones_beside_unsent_ones_are_a_line_that_is_down():
    """A name has no address any more because the line is down."""
    bench = Bench(far=(A, WEB))
    await bench.poll()
    bench.prober.says = {A.host: SILENT, WEB.host: UNSENT}
    assert {"DOWN", "UNPROBED"} <= set(await bench.status())


async def test_every_quantity_is_in_the_dictionary_and_plausible():
    bench = Bench(far=(A, WEB, SIP), dns=(DNS,))
    bench.prober.says = {
        WEB.host: Outcome(state=State.RIGHT, delays=(30.0,), code=200, says="200 OK", days=12.5),
        SIP.host: Outcome(state=State.WRONG, delays=(5.0,), code=503, says="503 Later", retry=60.0),
        DNS: Outcome(state=State.RIGHT, delays=(3.0,), code=0, says="192.0.2.80"),
    }
    said = await bench.poll()
    bad = [name for name, reading in said.items() if reading.quality is Quality.IMPLAUSIBLE]
    assert not bad
    assert said["x.tls.days"].value == 12.5
    assert said["x.sip.status"].value == ("ANSWERS", "BUSY")
    assert said["x.sip.retry"].value == 60
    assert said["x.line.4.says"].value == "192.0.2.80"


@pytest.mark.parametrize(
    ("code", "retry", "flags"),
    [
        (200, None, ("ANSWERS",)),
        (404, None, ("ANSWERS", "REFUSES")),
        (500, None, ("ANSWERS", "ERROR")),
        (503, None, ("ANSWERS", "ERROR")),
        (503, 5.0, ("ANSWERS", "BUSY")),
        (603, None, ("ANSWERS", "ERROR")),
    ],
)
async def test_what_a_trunk_answers_is_told_apart(code, retry, flags):
    bench = Bench(far=(SIP,))
    bench.prober.says = {SIP.host: Outcome(state=State.RIGHT, delays=(5.0,), code=code, retry=retry)}
    assert (await bench.poll())["x.sip.status"].value == flags


async def test_a_trunk_that_is_silent_says_nothing_of_its_state():
    bench = Bench(far=(SIP,))
    bench.prober.says = {SIP.host: Outcome(state=State.SILENT)}
    assert (await bench.poll())["x.sip.status"].quality is Quality.UNAVAILABLE


async def test_slow_targets_are_spared_until_they_or_the_line_are_not_well():
    bench = Bench(far=(A, WEB), dns=(DNS,))
    await bench.poll()
    await bench.poll(Lane.FAST)
    assert WEB not in bench.prober.asked
    bench.prober.says = {DNS: SILENT}
    await bench.poll(Lane.ALL)
    await bench.poll(Lane.FAST)
    assert DNS in bench.prober.asked  # so that its return is seen soon
    bench.prober.says = {A.host: SILENT}
    assert "DOWN" not in await bench.status(Lane.FAST)  # the page still comes
    assert WEB in bench.prober.asked


async def test_loss_is_that_of_the_far_target_that_loses_least():
    bench = Bench()
    bench.prober.says = {A.host: Outcome(state=State.RIGHT, sent=3, delays=(10.0,))}
    for _ in range(6):
        said = await bench.poll()
    assert said["x.line.1.loss"].value == pytest.approx(66.67)
    assert said["x.line.loss"].value == 0
    assert said["x.line.status"].value == ("UP",)


@pytest.mark.parametrize(
    ("outcome", "limits"),
    [
        (Outcome(state=State.RIGHT, sent=3, delays=(10.0, 12.0)), Limits(loss=10.0)),
        (Outcome(state=State.RIGHT, sent=3, delays=(90.0, 91.0, 92.0)), Limits(delay=80.0)),
        (Outcome(state=State.RIGHT, sent=3, delays=(10.0, 60.0, 10.0)), Limits(jitter=30.0)),
    ],
)
async def test_loss_delay_and_jitter_degrade_a_line_and_whose_they_are_is_seen(outcome, limits):
    bench = Bench(limits=limits)
    bench.prober.says = {A.host: outcome, B.host: outcome}
    for _ in range(6):
        said = await bench.poll()
    assert said["x.line.status"].value == ("DEGRADED", "UP", "WHY-CARRIER")
    bench.prober.says = dict.fromkeys((A.host, B.host, GATEWAY, HOP), outcome)
    for _ in range(12):
        said = await bench.poll(after=10.0)
    assert "WHY-EQUIPMENT" in (await bench.poll(after=200.0))["x.line.status"].value


async def test_the_way_is_learned_while_the_line_is_good_and_known_when_it_is_not():
    bench = Bench(gateway="")
    hop = "198.18.0.1"
    bench.prober.way = [GATEWAY, hop, "", A.host]
    await bench.poll()
    said = await bench.poll()
    assert (said["x.line.gateway.address"].value, said["x.line.hop.address"].value) == (GATEWAY, hop)
    bench.cut(beyond=False)
    bench.prober.says[hop] = SILENT
    assert f"hop bad {hop} no-answer" in (await bench.poll())["x.selfcheck.findings"].value


@pytest.mark.parametrize(
    ("gateway", "way", "hop", "verdict"),
    [
        ("", ["192.168.1.1", "100.64.0.1", A.host], "100.64.0.1", "carrier"),
        ("", ["192.168.1.1", "198.18.0.1", A.host], "198.18.0.1", "carrier"),
        ("", ["192.168.1.1", "10.0.0.1", A.host], None, "unclear"),  # perhaps our own firewall
        ("", ["192.168.1.1", "", "198.18.0.1", A.host], None, "unclear"),
        ("192.168.1.1", ["192.168.1.1", "10.0.0.1", A.host], "10.0.0.1", "carrier"),  # the settings say where we end
        ("10.0.0.1", ["192.168.1.1", "10.0.0.1", "10.9.0.1", A.host], "10.9.0.1", "carrier"),
    ],
)
async def test_the_carrier_is_named_only_where_it_is_known_that_our_side_ends(gateway, way, hop, verdict):
    bench = Bench(gateway=gateway)
    bench.prober.way = way
    await bench.poll()
    said = await bench.poll()
    assert (said["x.line.hop.address"].value if "x.line.hop.address" in said else None) == hop
    bench.prober.says = {A.host: SILENT, B.host: SILENT} | ({hop: SILENT} if hop else {})
    bench.prober.way = way[: way.index(gateway or "192.168.1.1") + 1]
    assert (await bench.poll())["x.selfcheck.verdict"].value == verdict


async def test_an_agent_that_starts_while_the_line_is_down_knows_its_router_from_the_routes():
    bench = Bench(gateway="")
    bench.network.router = GATEWAY
    bench.cut(beyond=False)
    bench.prober.way = []
    bench.prober.says[GATEWAY] = SILENT
    said = await bench.poll()
    assert said["x.line.gateway.address"].value == GATEWAY
    assert said["x.line.status"].value == ("DOWN", "NO-GATEWAY", "WHY-EQUIPMENT")


async def test_what_a_good_line_taught_outlives_a_restart_of_the_agent(tmp_path):
    first = Bench(memo=tmp_path / "line-1.json", setting=Setting(apart=False))
    await first.poll()
    await first.driver.close()
    for gateway, verdict in ((GATEWAY, "carrier"), ("192.168.1.7", "unclear")):  # of other settings it is worth nothing
        second = Bench(memo=tmp_path / "line-1.json", setting=Setting(apart=False), gateway=gateway)
        second.cut(beyond=False)
        assert (await second.poll())["x.selfcheck.verdict"].value == verdict


async def test_a_trunk_that_reports_an_error_is_told_once_and_the_worst_of_several_counts():
    other = Target(scheme="sip", host="192.0.2.8", port=5060)
    bench = Bench(far=(other, SIP))
    bench.prober.says = {SIP.host: Outcome(state=State.WRONG, delays=(5.0,), code=500, says="500 Broken")}
    bench.prober.says[other.host] = Outcome(state=State.RIGHT, delays=(5.0,), code=200)
    said = await bench.poll()
    assert said["x.sip.status"].value == ("ANSWERS", "ERROR")
    assert said["x.line.status"].value == ("UP",)


async def test_a_hop_that_never_answered_is_not_blamed_for_its_silence():
    bench = Bench(hop="10.9.9.9", setting=Setting(apart=False))
    bench.prober.way = []
    bench.prober.says = {"10.9.9.9": SILENT}
    await bench.poll()
    bench.prober.says |= {A.host: SILENT, B.host: SILENT}
    said = await bench.poll()
    assert said["x.selfcheck.verdict"].value == "unclear"
    assert "hop unknown 10.9.9.9 never-answered" in said["x.selfcheck.findings"].value


async def test_a_gateway_that_never_answers_pings_and_lives_by_arp_is_not_blamed():
    bench = Bench(equipment="192.168.1.2")
    bench.prober.way = []
    bench.prober.says = {GATEWAY: SILENT}
    bench.network.neighbours[GATEWAY] = True
    await bench.poll()
    bench.cut(beyond=False)
    bench.prober.says[GATEWAY] = SILENT
    said = await bench.poll()
    assert f"gateway unknown {GATEWAY} arp-only" in said["x.selfcheck.findings"].value
    assert said["x.selfcheck.verdict"].value == "carrier"


def heard(bench, device, **said):
    bench.heard.take(
        device, bench.clock.now, 5.0, [Reading(name.replace("_", "."), value) for name, value in said.items()]
    )


async def dead(**setup):
    """Return a line behind which nothing answers, not even the gateway."""
    bench = Bench(**setup)
    await bench.poll()
    bench.cut(beyond=False)
    bench.prober.way = []
    bench.prober.says[GATEWAY] = SILENT
    return bench


@pytest.mark.parametrize(
    ("flags", "verdict", "word"),
    [
        (("OL",), "local-equipment", "power ok ups on-mains"),
        (("OB",), "local-power", "power weak ups on-battery"),
        (("OB", "OFF"), "local-power", "power bad ups off"),
        (("CAL", "OB"), "local-equipment", "power unknown ups unknown"),
    ],
)
async def test_what_feeds_the_equipment_is_looked_at(flags, verdict, word):
    bench = await dead(power=PowerOf(device="ups"))
    heard(bench, "ups", x_contact=1.0, ups_status=flags)
    said = await bench.poll()
    assert said["x.selfcheck.verdict"].value == verdict
    assert word in said["x.selfcheck.findings"].value


async def test_old_news_of_a_neighbour_is_none():
    bench = await dead(power=PowerOf(device="ups"))
    heard(bench, "ups", x_contact=1.0, ups_status=("OFF",))
    said = await bench.poll(after=60.0)
    assert said["x.selfcheck.verdict"].value == "local-equipment"
    assert "power unknown ups silent" in said["x.selfcheck.findings"].value


async def test_mains_may_be_watched_by_a_contact():
    bench = await dead(power=PowerOf(device="room", quantity="ambient.status", flag="MAINS"))
    heard(bench, "room", x_contact=1.0, ambient_status=("MAINS",))
    assert (await bench.poll())["x.selfcheck.verdict"].value == "local-power"


@pytest.mark.parametrize(("up", "verdict"), [(0.0, "local-port"), (1.0, "local-equipment"), (None, "local-equipment")])
async def test_the_port_of_a_switch_is_found_by_its_name(up, verdict):
    bench = await dead(port=PortOf(device="switch", name="Gi0/24"))
    said = {"x_port_9_alias": "Gi0/24", "x_port_9_up": up, "x_port_1_name": "Gi0/1", "x_port_1_up": 0.0}
    heard(bench, "switch", x_contact=1.0, **said)
    assert (await bench.poll())["x.selfcheck.verdict"].value == verdict


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (Interface(there=True, admin=True, carrier=False, state="down"), "eth1 no-carrier"),
        (Interface(there=True, admin=False, carrier=None, state="down"), "eth1 off"),
    ],
)
async def test_an_interface_without_a_carrier_is_the_local_port(state, word):
    bench = await dead()
    bench.network.state = state
    said = await bench.poll()
    assert said["x.line.status"].value == ("DOWN", "NO-GATEWAY", "WHY-PORT")
    assert f"port bad {word}" in said["x.selfcheck.findings"].value


@pytest.mark.parametrize(("contact", "verdict"), [(0.0, "local-equipment"), (1.0, "carrier")])
async def test_equipment_may_be_a_device_of_this_agent(contact, verdict):
    bench = await dead(equipment_device="cpe", setting=Setting(gateway_is_carriers=True))
    heard(bench, "cpe", x_contact=contact)
    assert (await bench.poll())["x.selfcheck.verdict"].value == verdict


async def alarms(bench, seconds, lane=Lane.FAST):
    """Poll for so long as the agent does; return the alarms that were raised, and what they say."""
    raised = []
    for _ in range(int(seconds / 5)):
        said = await bench.poll(lane)
        for change in bench.watch.readings(said.values(), bench.clock.stamp()) + bench.watch.tick(bench.clock.stamp()):
            news = change.news
            raised += [(news.condition, news.active, news.value)] if news else []
    return raised


def watched(bench):
    bench.watch = Watch("line-1", tuple(defaults("line").values()), iter(map(str, range(100))).__next__)
    return bench


async def test_the_alarm_itself_says_whose_fault_it_is():
    bench = watched(Bench())
    assert await alarms(bench, 60) == []
    bench.cut(beyond=False)
    assert await alarms(bench, 45) == []
    assert await alarms(bench, 10) == [("line-down", True, ("DOWN", "WHY-CARRIER"))]


async def test_the_verdict_of_the_alarm_is_of_after_the_neighbours_were_asked_again():
    bench = watched(await dead(power=PowerOf(device="ups")))
    heard(bench, "ups", x_contact=1.0, ups_status=("OL",))
    await bench.poll()
    raised = []
    for _ in range(12):
        heard(bench, "ups", x_contact=1.0, ups_status=("OB", "OFF"))
        raised += await alarms(bench, 5)
    assert raised == [("line-down", True, ("DOWN", "NO-GATEWAY", "WHY-POWER"))]


async def test_a_line_that_cannot_be_asked_any_more_is_not_mended():
    bench = watched(Bench())
    await alarms(bench, 10)
    bench.cut()
    assert [name for name, _, _ in await alarms(bench, 60)] == ["line-down"]
    bench.prober.says = dict.fromkeys((A.host, B.host, GATEWAY, HOP), UNSENT)
    assert [name for name, *_ in await alarms(bench, 300)] == ["line-unprobed"]
    bench.prober.says = {}
    assert {(name, active) for name, active, _ in await alarms(bench, 90)} == {
        ("line-down", False),
        ("line-unprobed", False),
    }


async def test_a_line_that_comes_and_goes_is_told_though_each_drop_is_short():
    bench = watched(Bench())
    raised = []
    for _ in range(6):
        raised += await alarms(bench, 240)
        bench.cut()
        raised += await alarms(bench, 20)
        bench.prober.says = {}
    assert ("line-flapping", True, 5.0) in raised
    assert "line-down" not in {name for name, *_ in raised}
    assert ("line-flapping", False, 1.0) in await alarms(bench, 3600)


async def test_a_lossy_line_is_degraded_and_not_down():
    bench = watched(Bench())
    lossy = Outcome(state=State.RIGHT, sent=3, delays=(10.0, 10.0))
    bench.prober.says = {A.host: lossy, B.host: lossy}
    assert await alarms(bench, 240) == [("line-degraded", True, ("DEGRADED", "UP", "WHY-CARRIER"))]


class Lossy(FakeProber):
    """Loses at random, on the way to whom it is told."""

    def __init__(self, seed):
        super().__init__()
        self.rng = random.Random(seed)
        self.loss = {}

    async def probe(self, target):
        loss = self.loss.get(target.host, 0.0)
        delays = tuple(10.0 for _ in range(target.count) if self.rng.random() >= loss)
        return Outcome(state=State.RIGHT if delays else State.SILENT, sent=target.count, delays=delays)


def lossy(seed, loss, *places):
    far = tuple(msgspec.structs.replace(target, count=3) for target in (A, B))
    bench = Bench(prober=Lossy(seed), far=far, hop=HOP)
    bench.prober.loss = dict.fromkeys((*places, A.host, B.host), loss)
    return bench


async def verdicts(bench, seconds=120):
    """Return what the verdicts were, as long as the line was degraded."""
    said = set()
    for _ in range(int(seconds / 5)):
        status = await bench.status(Lane.FAST)
        said |= {flag for flag in status if flag.startswith("WHY-")} if "DEGRADED" in status else set()
    return said, status


@pytest.mark.parametrize("loss", [0.15, 0.3])
async def test_loss_on_the_way_to_our_router_is_hardly_ever_called_the_carriers(loss):
    found = [(await verdicts(lossy(seed, loss, GATEWAY, HOP)))[0] for seed in range(100)]
    assert sum("WHY-CARRIER" in said for said in found) <= 2, "over two minutes and all its looks"
    assert sum("WHY-EQUIPMENT" in said for said in found) >= 95


@pytest.mark.parametrize(("loss", "least"), [(0.15, 85), (0.3, 98)])
async def test_loss_behind_our_router_is_the_carriers_within_the_on_delay_of_the_alarm(loss, least):
    found = [await verdicts(lossy(seed, loss, HOP)) for seed in range(100)]
    assert not any("WHY-EQUIPMENT" in said for said, _ in found)
    assert sum("WHY-CARRIER" in said for said, _ in found) >= least


async def test_a_verdict_that_has_too_little_to_stand_on_is_sought_again_soon_and_not_for_ever():
    bench = Bench(hop=HOP)
    few = Outcome(state=State.RIGHT, sent=20, delays=(10.0,) * 17)
    bench.prober.says = {A.host: few, B.host: few}
    looks = []
    for _ in range(60):
        said = await bench.poll(Lane.FAST)
        looks += [said["x.selfcheck.findings"].value] if "x.selfcheck.findings" in said else []
    assert "gateway doubtful" in looks[0]
    assert 2 <= len(looks) <= 10


async def test_a_self_check_on_command_looks_at_once_and_says_what_it_found():
    bench = Bench()
    said = await bench.driver.act(Verb.SELF_CHECK, "", 0.0)  # also before the first poll
    assert said.startswith("none: UP; ")
    await bench.poll()
    bench.cut(beyond=False)
    said = await bench.driver.act(Verb.SELF_CHECK, "", 0.0)
    assert said.startswith("carrier: DOWN; ")
    assert f"gateway ok {GATEWAY}" in said
    with pytest.raises(CommandRefused):
        await bench.driver.act(Verb.ON, "", 0.0)
