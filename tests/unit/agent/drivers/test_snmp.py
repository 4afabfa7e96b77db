"""The SNMP driver over a link that answers from a dict."""

import pytest
from snmp_fakes import FakeLink, named

from agent.drivers.base import Lane
from agent.drivers.snmp import AGAIN_AFTER, SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME, SnmpDriver
from agent.links.snmp import Raw
from agent.profiles import Bits, Identifying, Point, Profile, Status
from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.reading import Quality

STD, ACME = "1.3.6.1.2.1.33", "1.3.6.1.4.1.99999"
FALLBACK = Profile(
    name="rfc1628",
    title="standard",
    source="RFC 1628",
    confirm=(f"{STD}.1.0",),
    status=(
        Status(oid=f"{STD}.1.0", flags={"3": ("OL",), "5": ("OB",)}, main=True, fast=True),
        Status(oid=f"{STD}.6.#", flags={"1": ("RB",)}),
    ),
    point=(
        Point(quantity="battery.charge", oid=(f"{STD}.2.0",), fast=True),
        Point(quantity="battery.runtime", oid=(f"{STD}.3.0",), scale=(60.0,), fast=True),
        Point(quantity="input.voltage", oid=(f"{STD}.4.0",)),
    ),
)
ACME_UPS = Profile(
    name="acme",
    title="Acme",
    source="ACME-MIB",
    match=(ACME,),
    confirm=(f"{ACME}.1.0",),
    manufacturer="Acme",
    identity=Identifying(model=(f"{ACME}.9.0",), serial=(f"{ACME}.10.0",)),
    status=(
        Status(oid=f"{ACME}.1.0", flags={"2": ("OL",), "3": ("OB",)}, main=True, fast=True),
        Status(oid=f"{ACME}.2.0", flags={"2": ("RB",)}, quiet=(1,)),
    ),
    bits=(Bits(oid=f"{ACME}.3.0", flags={"2": ("OVER",)}),),
    point=(
        Point(quantity="battery.charge", oid=(f"{ACME}.4.0",), fast=True),
        Point(quantity="battery.runtime", oid=(f"{ACME}.5.0",), scale=(0.01,)),
    ),
)
PROFILES = (ACME_UPS, FALLBACK)
PLAIN: dict[str, Raw] = {f"{STD}.1.0": 3, f"{STD}.2.0": 97, f"{STD}.3.0": 45, f"{STD}.4.0": 230}
FULL: dict[str, Raw] = PLAIN | {
    SYS_OBJECT_ID: f"{ACME}.1",
    SYS_DESCR: b"Acme card \xff",
    f"{ACME}.1.0": 2,
    f"{ACME}.2.0": 1,
    f"{ACME}.3.0": b"0000",
    f"{ACME}.4.0": 96,
    f"{ACME}.5.0": 260000,
    f"{ACME}.9.0": b"X3000",
    f"{ACME}.10.0": b"S1",
}


async def test_constructing_does_nothing_and_the_identity_is_empty():
    link = FakeLink(FULL)
    assert SnmpDriver(link, PROFILES).identity.profile == ""
    assert link.asked == []


async def test_the_first_read_says_what_it_is_and_gives_everything():
    driver = SnmpDriver(FakeLink(FULL), PROFILES)
    said = named(await driver.read(Lane.FAST))
    assert said["battery.charge"].value == 96
    assert said["battery.runtime"].value == 2600
    assert said["input.voltage"].value == 230, "filled in from the standard MIB"
    assert said["ups.status"].value == ("OL",)
    who = driver.identity
    assert (who.profile, who.manufacturer, who.model, who.serial) == ("acme", "Acme", "X3000", "S1")
    assert who.description.startswith("Acme card")


async def test_an_unknown_device_is_read_by_what_of_rfc_1628_answers():
    driver = SnmpDriver(FakeLink({SYS_OBJECT_ID: "1.3.6.1.4.1.4242.7"} | PLAIN), PROFILES)
    said = named(await driver.read())
    assert driver.identity.profile == "rfc1628"
    assert said["battery.charge"].value == 97


async def test_a_device_that_does_not_say_who_it_is_is_probed():
    values = {oid: value for oid, value in FULL.items() if oid.startswith(ACME)}
    driver = SnmpDriver(FakeLink(values), PROFILES)
    await driver.read()
    assert driver.identity.profile == "acme"


async def test_what_matches_and_does_not_answer_is_not_chosen():
    driver = SnmpDriver(FakeLink({SYS_OBJECT_ID: f"{ACME}.1"} | PLAIN), PROFILES)
    await driver.read()
    assert driver.identity.profile == "rfc1628"


async def test_a_profile_by_name_is_taken_whatever_the_device_says():
    driver = SnmpDriver(FakeLink(FULL | {SYS_OBJECT_ID: "1.3.6.1.4.1.1"}), PROFILES, "acme")
    assert named(await driver.read())["battery.charge"].value == 96


async def test_an_unknown_profile_name_is_an_error_that_lists_them():
    with pytest.raises(DeviceRefused, match="acme, rfc1628"):
        await SnmpDriver(FakeLink(FULL), PROFILES, "acmee").read()


async def test_a_device_that_is_no_ups_is_an_error_with_a_hint():
    link = FakeLink({SYS_OBJECT_ID: "1.3.6.1.4.1.8072.3.2.10", SYS_DESCR: b"Linux"})
    with pytest.raises(DeviceGarbled, match="profile"):
        await SnmpDriver(link, PROFILES).read()


async def test_a_device_that_is_no_ups_is_asked_again_with_the_full_polls_only():
    link = FakeLink({SYS_OBJECT_ID: "1.3.6.1.4.1.9.1", SYS_DESCR: b"a switch"})
    driver = SnmpDriver(link, PROFILES)
    with pytest.raises(DeviceGarbled):
        await driver.read()
    asked = len(link.asked)
    for _ in range(30):
        with pytest.raises(DeviceGarbled, match="nothing that a UPS says"):
            await driver.read(Lane.FAST)
    assert len(link.asked) == asked
    link.values |= FULL  # its card has started
    await driver.read()
    assert driver.identity.profile == "acme"
    assert await driver.read(Lane.FAST)


async def test_later_reads_ask_in_one_request_only_what_answered():
    link = FakeLink(FULL)
    driver = SnmpDriver(link, PROFILES)
    await driver.read()
    link.asked.clear()
    await driver.read(Lane.FAST)
    await driver.read(Lane.ALL)
    fast, everything = link.asked
    assert set(fast) == {f"{ACME}.{number}.0" for number in (1, 2, 3, 4)}
    rows = {f"{STD}.6.{row}" for row in (1, 2, 3)}
    assert set(everything) == set(FULL) - {SYS_OBJECT_ID, SYS_DESCR} | rows


async def test_values_and_flags_do_not_change_with_the_lane():
    link = FakeLink(FULL | {f"{ACME}.2.0": 2, f"{ACME}.3.0": b"0100"})
    driver = SnmpDriver(link, PROFILES)
    first = named(await driver.read(Lane.ALL))
    assert first["ups.status"].value == ("OL", "OVER", "RB")
    for lane in (Lane.FAST, Lane.ALL, Lane.FAST):
        for quantity, reading in named(await driver.read(lane)).items():
            assert reading == first[quantity], f"{quantity} in the {lane.value} lane"


async def test_a_row_that_comes_with_an_alarm_is_seen_in_the_fast_lane():
    link = FakeLink(PLAIN)
    driver = SnmpDriver(link, PROFILES)
    assert named(await driver.read())["ups.status"].value == ("OL",)
    link.values[f"{STD}.6.2"] = 1
    assert named(await driver.read(Lane.FAST))["ups.status"].value == ("OL", "RB")
    del link.values[f"{STD}.6.2"]
    assert named(await driver.read(Lane.FAST))["ups.status"].value == ("OL",)


async def test_one_value_that_is_gone_does_not_stop_its_neighbours():
    link = FakeLink(FULL)
    driver = SnmpDriver(link, PROFILES)
    await driver.read()
    link.values[f"{ACME}.4.0"] = None
    said = named(await driver.read(Lane.FAST))
    assert said["battery.charge"].quality is Quality.UNAVAILABLE
    assert said["ups.status"].good


async def test_after_a_loss_the_device_may_be_another_one():
    link = FakeLink(FULL)
    driver = SnmpDriver(link, PROFILES)
    await driver.read()
    link.error = DeviceTimeout("no answer")
    for _ in range(2):
        with pytest.raises(DeviceTimeout):
            await driver.read(Lane.FAST)
    link.error, link.values = None, dict(PLAIN)
    await driver.read(Lane.FAST)
    assert driver.identity.profile == "rfc1628"


async def test_a_device_that_answers_nothing_any_more_is_an_error_and_looked_at_anew():
    link = FakeLink(FULL)
    driver = SnmpDriver(link, PROFILES)
    await driver.read()
    link.values = {}
    with pytest.raises(DeviceGarbled, match="no value"):
        await driver.read(Lane.FAST)
    link.values = dict(PLAIN)
    await driver.read(Lane.FAST)
    assert driver.identity.profile == "rfc1628"


async def test_objects_that_a_card_learns_later_are_found():
    link = FakeLink({oid: value for oid, value in FULL.items() if oid != f"{ACME}.5.0"})
    driver = SnmpDriver(link, PROFILES)
    assert named(await driver.read())["battery.runtime"].value == 2700
    link.values = dict(FULL)
    for _ in range(AGAIN_AFTER + 1):
        said = named(await driver.read())
    assert said["battery.runtime"].value == 2600


async def test_closing_lets_go_of_the_link_and_a_later_read_starts_anew():
    link = FakeLink(FULL)
    driver = SnmpDriver(link, PROFILES)
    await driver.read()
    await driver.close()
    assert link.closed == 1
    link.asked.clear()
    await driver.read()
    assert SYS_OBJECT_ID in link.asked[0]


@pytest.mark.parametrize(("ticks", "seconds"), [(4250, 42.5), (None, None), (-1, None), (b"x", None)])
async def test_how_long_a_card_has_run_is_said_whenever_it_is_looked_at_anew(ticks, seconds):
    link = FakeLink(FULL | {SYS_UPTIME: ticks})
    driver = SnmpDriver(link, PROFILES)
    said = named(await driver.read(Lane.ALL))
    assert (said["device.uptime"].value if "device.uptime" in said else None) == seconds
    assert "device.uptime" not in named(await driver.read(Lane.ALL)), "the card is asked again after a loss only"
