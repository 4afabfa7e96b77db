"""What drivers let devices do: each against its simulated device, over a real socket."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest

from agent import contacts
from agent.battery.driver import BatteryDriver, Kept
from agent.clock import SystemClock
from agent.drivers.base import Lane, obey, verbs
from agent.drivers.contacts import ContactsDriver
from agent.drivers.snmp import SnmpDriver
from agent.links.snmp import SnmpTarget
from agent.links.snmp_engines import open_link, open_writer
from agent.memo import Memo
from agent.profiles import load_profiles
from agent.ways import from_url
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError, DeviceRefused, DeviceTimeout
from firmware_sims.apcsmart_ups import ApcSmartUps
from firmware_sims.axpert_ups import AxpertUps
from firmware_sims.faults import Fault
from firmware_sims.megatec_q6_ups import MegatecQ6Ups
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import SnmpUps, User
from firmware_sims.ups import Rating, Ups
from firmware_sims.voltronic_ups import VoltronicUps

PLATE = Plate("ups", "ACME", "Keep 3000", "1234")


class Hand:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def ups(hand):
    return Ups(Rating(), hand)


@asynccontextmanager
async def standing(device):
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


def status(readings):
    return set(next(each.value for each in readings if each.quantity == "ups.status"))


async def tried(driver, hand, ups):
    """Let a driver test the battery; return what it said, its flags meanwhile, and those afterwards."""
    await driver.read()
    try:
        said = await obey(driver, Verb.BATTERY_TEST, "", 0.0)
        during = status(await driver.read(Lane.FAST))
        assert ups.view().test
        hand.now += 11.0
        return said, during, status(await driver.read(Lane.FAST))
    finally:
        await driver.close()


def over_serial(kind, made, **more):
    from agent.drivers.apcsmart import ApcSmartDriver
    from agent.drivers.dialects import DIALECTS, DialectDriver
    from agent.links.serial import SerialLink

    link = SerialLink(f"socket://{made.address}", **more)
    drivers = {**DIALECTS, "auto": DialectDriver, "apcsmart": ApcSmartDriver}
    return drivers[kind](link)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (MegatecUps, "q1"),
        (MegatecUps, "auto"),
        (MegatecQ6Ups, "auto"),
        (VoltronicUps, "auto"),
        (ApcSmartUps, "apcsmart"),
    ],
)
async def test_a_ups_on_a_serial_line_tests_its_battery(hand, ups, make, kind):
    async with standing(make(ups, PLATE)) as made:
        said, during, after = await tried(over_serial(kind, made), hand, ups)
    assert "it tests its battery" in said
    assert "CAL" in during
    assert "CAL" not in after
    assert "OL" in after


async def test_an_apc_that_loses_the_mains_during_its_test_is_on_battery(ups):
    async with standing(ApcSmartUps(ups, PLATE)) as made:
        driver = over_serial("apcsmart", made)
        await driver.read()
        await driver.act(Verb.BATTERY_TEST, "", 0.0)
        ups.cut()
        assert status(await driver.read(Lane.FAST)) == {"OB"}
        await driver.close()


async def test_a_ups_that_does_not_begin_has_failed(ups):
    ups.cut()  # and the model begins no test on battery
    async with standing(MegatecUps(ups, PLATE)) as made:
        driver = over_serial("q1", made)
        await driver.read()
        with pytest.raises(DeviceRefused, match="does not say that it does"):
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        await driver.close()


async def test_an_inverter_that_knows_no_test_refuses(ups):
    async with standing(AxpertUps(ups, PLATE)) as made:
        driver = over_serial("auto", made)
        with pytest.raises(CommandRefused, match="not known yet"):
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        await driver.read()
        with pytest.raises(CommandRefused, match="knows no battery-test"):
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        await driver.close()


async def test_a_nut_server_tests_a_battery_for_a_user_it_knows(hand, ups):
    server = NutServer({"keep": Unit(ups, PLATE)}, user="admin", password="secret")
    async with standing(server):
        said, during, after = await tried(from_url(server.url), hand, ups)
    assert "test.battery.start.quick" in said
    assert "CAL" in during
    assert after == {"OL", "CHRG"}


async def test_a_nut_server_tests_nothing_for_strangers(ups):
    async with standing(NutServer({"keep": Unit(ups, PLATE)})) as server:
        driver = from_url(server.url)
        with pytest.raises(DeviceRefused) as caught:
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        assert "instcmds" in caught.value.hint
        await driver.close()
    assert not ups.view().test


def card(made, write=""):
    host, _, port = made.address.rpartition(":")
    target = SnmpTarget(host=host, port=int(port), community="public", timeout=5.0, retries=0)
    profiles = [profile for profile in load_profiles() if profile.kind == "ups"]
    writing = msgspec.structs.replace(target, community=write, timeout=0.5 if write == "wrong" else 5.0)
    return SnmpDriver(open_link(target), profiles, "", (lambda: open_writer(writing)) if write else None)


@pytest.mark.parametrize("face", ["rfc1628", "powernet"])
async def test_a_card_tests_the_battery_for_who_may_write(hand, ups, face):
    async with standing(SnmpUps(ups, PLATE, hand, face=face, write_community="private")) as made:
        said, during, after = await tried(card(made, "private"), hand, ups)
    assert "the card has taken it" in said
    assert "CAL" in during
    assert "CAL" not in after


READER, WRITER = User("watch", "auth-of-reader", "priv-of-reader"), User("act", "auth-of-writer", "priv-of-writer")


def sealed(made, user):
    """Return whom to ask over v3, as this user."""
    host, _, port = made.address.rpartition(":")
    target = SnmpTarget(host=host, port=int(port), version="3", auth="sha", priv="aes", timeout=5.0, retries=0)
    return msgspec.structs.replace(target, user=user.name, auth_key=user.auth_key, priv_key=user.priv_key)


def card3(made, writing):
    profiles = [profile for profile in load_profiles() if profile.kind == "ups"]
    return SnmpDriver(open_link(sealed(made, READER)), profiles, "", lambda: open_writer(writing))


@pytest.mark.parametrize("face", ["rfc1628", "powernet"])
async def test_a_card_tests_the_battery_for_the_user_of_version_3_who_may_write(hand, ups, face):
    async with standing(SnmpUps(ups, PLATE, hand, face=face, user=READER, write_user=WRITER)) as made:
        said, during, after = await tried(card3(made, sealed(made, WRITER)), hand, ups)
    assert "the card has taken it" in said
    assert "CAL" in during
    assert "CAL" not in after


@pytest.mark.parametrize("who", ["reader", "another key"])
async def test_a_card_does_nothing_for_a_user_of_version_3_who_may_not(hand, ups, who):
    async with standing(SnmpUps(ups, PLATE, hand, user=READER, write_user=WRITER)) as made:
        wrong = msgspec.structs.replace(sealed(made, WRITER), auth_key="another-key-of-it")
        driver = card3(made, sealed(made, READER) if who == "reader" else wrong)
        await driver.read()
        with pytest.raises(DeviceError) as caught:
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        assert caught.value.hint
        await driver.close()
    assert not ups.view().test


@pytest.mark.parametrize(("write", "kind", "what"), [("public", DeviceRefused, "set"), ("wrong", DeviceTimeout, "no")])
async def test_a_card_does_nothing_for_who_may_not(hand, ups, write, kind, what):
    async with standing(SnmpUps(ups, PLATE, hand, write_community="private")) as made:
        driver = card(made, write)
        await driver.read()
        with pytest.raises(kind, match=what):
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        await driver.close()
    assert not ups.view().test


async def test_without_a_write_community_nothing_is_sent(hand, ups):
    async with standing(SnmpUps(ups, PLATE, hand, write_community="private")) as made:
        driver = card(made)
        await driver.read()
        with pytest.raises(CommandRefused, match="write_community"):
            await driver.act(Verb.BATTERY_TEST, "", 0.0)
        await driver.close()


async def test_what_stands_around_a_driver_passes_commands_on(hand, ups):
    async with standing(MegatecUps(ups, PLATE)) as made:
        inner = ContactsDriver(over_serial("auto", made), contacts.Contacts(()))
        driver = BatteryDriver(inner, SystemClock(), Memo(Kept, None))
        assert verbs(driver) == {Verb.BATTERY_TEST}
        said, during, _ = await tried(driver, hand, ups)
        assert "for 10 s" in said
        assert "CAL" in during
        with pytest.raises(CommandRefused, match="knows no on"):
            await obey(driver, Verb.ON, "siren", 1.0)


async def test_silence_is_no_success(ups):
    async with standing(MegatecUps(ups, PLATE)) as made:
        driver = over_serial("q1", made)
        await driver.read()
        await made.set_fault(Fault.SILENCE)
        with pytest.raises(DeviceTimeout):
            async with asyncio.timeout(20.0):
                await driver.act(Verb.BATTERY_TEST, "", 0.0)
        await driver.close()


class Card:
    """A card that says that it is on battery while it tests, and nothing of a test in its states."""

    def __init__(self):
        self.values = {
            "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.534.1",
            "1.3.6.1.4.1.534.1.4.5.0": 3,
            "1.3.6.1.4.1.534.1.8.2.0": 1,
        }
        self.sets = []

    async def get(self, oids):
        return {oid: self.values.get(oid) for oid in oids}

    async def walk(self, root):  # noqa: ARG002 - see SnmpLink
        return {}

    async def set(self, oid, value):
        self.sets.append((oid, value))

    async def close(self):
        pass


async def test_what_says_that_a_test_goes_on_is_believed_for_some_minutes_only(hand):
    link = Card()
    profiles = [profile for profile in load_profiles() if profile.kind == "ups"]
    driver = SnmpDriver(link, profiles, "", lambda: link, clock=hand)
    await driver.read()
    link.values |= {"1.3.6.1.4.1.534.1.4.5.0": 5, "1.3.6.1.4.1.534.1.8.2.0": 4}
    assert status(await driver.read(Lane.FAST)) == {"OB"}  # nobody told it: perhaps it says so for ever
    await driver.act(Verb.BATTERY_TEST, "", 0.0)
    assert link.sets == [("1.3.6.1.4.1.534.1.8.1.0", 1)]
    assert status(await driver.read(Lane.FAST)) == {"OB", "CAL"}
    hand.now += 301.0
    assert status(await driver.read(Lane.FAST)) == {"OB"}
    await driver.act(Verb.BATTERY_TEST, "", 0.0)
    assert status(await driver.read(Lane.FAST)) == {"OB", "CAL"}
    link.values["1.3.6.1.4.1.534.1.8.2.0"] = 2
    assert status(await driver.read(Lane.FAST)) == {"OB"}  # the test is over, and the mains is away
    link.values["1.3.6.1.4.1.534.1.8.2.0"] = 4
    assert status(await driver.read(Lane.FAST)) == {"OB"}
