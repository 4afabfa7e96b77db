"""Each scenario of config/sims, played on the example site with a fast clock: what the agent's drivers read is what it means."""

import asyncio
import re
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.contacts import Contact, Contacts
from agent.drivers.contacts import ContactsDriver
from agent.neighbours import LastHeard
from agent.ways import Context, from_url
from agent.ways.group import Group
from agent.ways.line import Equipment, Line, SwitchPort
from agent.ways.pair import Asked, Pair
from contract import settings
from contract.errors import DeviceError
from contract.reading import Reading, judged
from firmware_sims import scenario, site
from firmware_sims.snmp_agent import FRESH

SIMS = Path(__file__).parents[3] / "config/sims"
KINDS = {
    "core-1": "network",
    "order-a": "host",
    "order-b": "host",
    "modem-1": "host",
    "voice-1": "trunk",
    "room-card": "environment",
}
PROFILES = {"climate-1": "xy-md02", "surge-1": "leixun", "earth-1": "earth-meter", "inputs-1": "di-16"}
INPUTS = Contacts(
    [Contact(input=number, means=means) for number, means in enumerate(("smoke", "water", "door", "surge-failed"), 1)]
)


class Clock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """The devices that a scenario is about, read as an agent reads them: each with its own driver, made once."""

    def __init__(self, running, names, clock):
        self.heard = LastHeard()
        self.clock = clock
        self.drivers = {name: self._driver(running, name) for name in names}

    def _driver(self, running, name):
        context = Context(kind="", device=name, neighbours=self.heard, clock=SystemClock())
        if name == "line-1":
            far = tuple(running[each].urls[1] for each in ("line-1", "line-1-far"))
            port = SwitchPort(device="core-1", name="Gi0/24")
            equipment = Equipment(device="modem-1")
            return Line(probes=far, carrier="telecom", port=port, equipment=equipment).driver(context)
        if name == "pair":
            active = Asked(quantity="x.vrrp.state", word="master")
            return Pair(members=("order-a", "order-b"), active=active, settle=0.0, lost_after=0.0).driver(context)
        if name == "hosts":
            return Group(members=("order-a", "order-b"), need=1, lost_after=0.0).driver(context)
        url = running[name].url
        if name in PROFILES:
            driver = from_url(url, profile=PROFILES[name])
            return ContactsDriver(driver, INPUTS) if name == "inputs-1" else driver
        if name in KINDS:
            vrrp = "&vrrp=order" if name.startswith("order-") else ""
            return from_url(f"{url}?timeout=0.5{vrrp}", kind=KINDS[name])
        return from_url(f"{url}?timeout=0.5" if url.startswith("snmp") else url)

    async def look(self):
        """Read each once; return quantity → value by device, or the name of what went wrong."""
        await asyncio.sleep(2 * FRESH)  # what an agent's tables say holds so long
        return {name: await self._read(name, driver) for name, driver in self.drivers.items()}

    async def _read(self, name, driver):
        try:
            said = list(await driver.read())
        except DeviceError as error:
            self.heard.take(name, SystemClock().boottime(), 1.0, [judged("x.contact", 0.0)])
            return type(error).__name__
        self.heard.take(name, SystemClock().boottime(), 1.0, [*said, judged("x.contact", 1.0)])
        return {each.quantity: each.value for each in said if isinstance(each, Reading) and each.good}

    async def close(self):
        for driver in self.drivers.values():
            await driver.close()


async def played(name, names, folder, after=30.0):
    """Play a scenario; return what was read before each of its moments, and so long after the last one."""
    clock = Clock()
    text = re.sub(r"^port = \d+.*$", "", (SIMS / "site.toml").read_text("utf-8"), flags=re.MULTILINE)
    whole = settings.load(site.SiteSettings, text, file="site.toml")
    found = []
    async with site.running(whole, clock, folder) as running:
        watched = Watched(running, names, clock)

        async def sleep(seconds):
            if seconds:
                clock.now += seconds
                await running.look()
                found.append(await watched.look())

        try:
            await scenario.play(scenario.load(SIMS / f"{name}.toml"), running, sleep)
            await sleep(after)
        finally:
            await watched.close()
    return found


def of(found, device, quantity):
    """Return what a quantity was, moment by moment."""
    return [each[device] if isinstance(each[device], str) else each[device].get(quantity) for each in found]


async def test_a_thunderstorm(tmp_path):
    found = await played("thunderstorm", ("surge-1", "server-room", "line-1"), tmp_path)
    assert of(found, "surge-1", "x.surge.strikes") == [0, 3, 3, 3, 3, 3]
    status = of(found, "server-room", "ups.status")
    assert ["OB" in each for each in status] == [False, False, True, False, False, False]
    assert ["DOWN" in each for each in of(found, "line-1", "x.line.status")] == [False] * 4 + [True, False]


async def test_a_fire_alarm(tmp_path):
    found = await played("fire-alarm", ("inputs-1", "room-card", "climate-1"), tmp_path)
    assert ["SMOKE" in each for each in of(found, "inputs-1", "ambient.status")] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    card = of(found, "room-card", "x.ambient.temperature.maximum")
    assert card[2] < 26
    assert card[3] > 50
    assert of(found, "climate-1", "ambient.temperature")[3] > 50, "the air of a room is one"
    assert of(found, "room-card", "ambient.contacts.5.status")[1:4] == ["normal", "alarm", "alarm"]


async def test_a_water_leak(tmp_path):
    found = await played("water-leak", ("inputs-1", "room-card"), tmp_path)
    assert ["WATER" in each for each in of(found, "room-card", "ambient.status")] == [False, True, True, False]
    assert ["WATER" in each for each in of(found, "inputs-1", "ambient.status")] == [False, False, True, False]


@pytest.mark.parametrize(("name", "verdict"), [("carrier-fault", "carrier"), ("local-fault", "local-port")])
async def test_whose_fault_it_is_that_a_line_is_down(tmp_path, name, verdict):
    found = await played(name, ("core-1", "modem-1", "line-1"), tmp_path)
    assert ["DOWN" in each for each in of(found, "line-1", "x.line.status")] == [False, True, False]
    assert of(found, "line-1", "x.selfcheck.verdict") == ["none", verdict, "none"], of(
        found, "line-1", "x.selfcheck.findings"
    )


async def test_the_switch_dies_and_so_does_a_host_behind_it(tmp_path):
    found = await played("switch-death", ("core-1", "order-a", "order-b", "voice-1", "room-card"), tmp_path, after=60.0)
    for name in ("core-1", "order-a", "order-b", "voice-1"):
        silent = [said == "DeviceTimeout" for said in of(found, name, "device.uptime")]
        assert silent[:3] == [False, True, True], name
        assert silent[3] is (name == "order-a"), "with the switch back all are reached but the host that is off"
    assert "DeviceTimeout" not in of(found, "room-card", "ambient.status"), "it hangs behind no switch"
    assert of(found, "core-1", "device.uptime")[3] < 100
    assert of(found, "order-b", "x.vrrp.state")[3] == "master"


async def test_both_hosts_of_a_pair_are_down(tmp_path):
    found = await played("both-hosts", ("order-a", "order-b", "pair", "hosts"), tmp_path, after=60.0)
    status = [set(each) for each in of(found, "pair", "pair.status")]
    assert {"SERVING", "REDUNDANT"} <= status[0]
    assert {"SERVING", "NOREDUNDANCY"} <= status[1]
    assert "DOWN" in status[2]
    assert of(found, "order-b", "x.vrrp.state")[:3] == ["backup", "master", "DeviceTimeout"]
    assert "SERVING" in status[-1]
    assert of(found, "order-a", "x.vrrp.state")[-1] == "backup", "who comes back later does not take over"
    assert of(found, "hosts", "group.ready")[:3] == [2, 1, 0]


async def test_a_worn_battery(tmp_path):
    names = ("server-room", "core-1", "order-a", "room-card", "climate-1")
    found = await played("worn-battery", names, tmp_path, after=60.0)
    status = of(found, "server-room", "ups.status")
    assert ["RB" in each for each in status[:2]] == [False, True]
    assert "OFF" in status[2], "empty after six minutes"
    assert "OL" in status[3]
    for name, quantity in (("core-1", "device.uptime"), ("order-a", "device.uptime"), ("room-card", "ambient.status")):
        dark = [said == "DeviceTimeout" for said in of(found, name, quantity)]
        assert dark == [False, False, True, False], f"{name} hangs at that UPS, and boots when the mains is back"
    warm = of(found, "climate-1", "ambient.temperature")
    assert warm[2] > warm[1] + 5, "the cooling has no battery"
    assert warm[3] < warm[2]
