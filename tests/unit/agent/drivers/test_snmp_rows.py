"""The SNMP driver on devices with rows of sensors, and on devices that say anything."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import parse
from snmp_fakes import FakeLink, named

from agent.drivers.base import Lane
from agent.drivers.snmp import AGAIN_AFTER, SYS_DESCR, SYS_OBJECT_ID, SnmpDriver
from agent.links.snmp import Raw
from agent.profiles import Point, Profile, Status, Table, load_profiles
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout
from contract.quantities import find
from contract.reading import Quality

ROOM = "1.3.6.1.4.1.88888"
CARD = Profile(
    name="card",
    title="Card",
    source="CARD-MIB",
    kind="environment",
    into="ambient.status",
    match=(ROOM,),
    confirm=(f"{ROOM}.1.0",),
    table=(
        Table(
            index=f"{ROOM}.2.1",
            where={f"{ROOM}.2.5.#": ("1", "2")},
            name=f"{ROOM}.2.2.#",
            point=(Point(quantity="ambient.#.temperature", oid=(f"{ROOM}.2.3.#",), live={f"{ROOM}.2.5.#": "1"}),),
            status=(Status(oid=f"{ROOM}.2.4.#", flags={"3": ("SMOKE",)}, quiet=(1,), unknown=("FAULT",), label="#"),),
        ),
    ),
)
OTHER = Profile(
    name="other",
    title="Other",
    source="CARD-MIB",
    kind="environment",
    into="ambient.status",
    match=(ROOM,),
    confirm=(f"{ROOM}.1.0",),
    status=(Status(oid=f"{ROOM}.9.0", flags={"1": ("WATER",)}, quiet=(0,), label="water"),),
)


def probe(row: int, temperature: int = 20, state: int = 1, there: int = 1, name: str = "rack") -> dict[str, Raw]:
    said = (row, f"{name} {row}".encode(), temperature, state, there)
    return {f"{ROOM}.2.{column}.{row}": value for column, value in enumerate(said, 1)}


def room(*rows: dict[str, Raw]) -> FakeLink:
    values: dict[str, Raw] = {SYS_OBJECT_ID: f"{ROOM}.1", SYS_DESCR: b"card", f"{ROOM}.1.0": 1}
    for row in rows:
        values |= row
    return FakeLink(values)


async def test_rows_are_found_once_and_then_asked_like_any_other_object():
    link = room(probe(3), probe(7, state=3), probe(9, there=0))
    driver = SnmpDriver(link, (CARD,))
    said = named(await driver.read())
    assert said["ambient.1.temperature"].value == 20
    assert said["ambient.status"].value == ("SMOKE",)
    assert said["ambient.alarm"].value == "rack 7: smoke"
    assert "ambient.3.temperature" not in said, "that place is empty"
    assert link.walked == [f"{ROOM}.2.1"]
    for lane in (Lane.FAST, Lane.ALL):
        assert named(await driver.read(lane))["ambient.status"] == said["ambient.status"]
    assert len(link.walked) == 1
    assert driver.identity.profile == "card"
    assert [profile.name for profile in driver.profiles] == ["card"]


async def test_a_detector_that_is_gone_does_not_clear_its_alarm():
    link = room(probe(3), probe(7, state=3))
    driver = SnmpDriver(link, (CARD,))
    await driver.read()
    for oid in probe(7):
        del link.values[oid]
    for lane in (Lane.FAST, Lane.ALL):
        assert named(await driver.read(lane))["ambient.status"].value == ("FAULT", "SMOKE")
    for _ in range(AGAIN_AFTER + 1):  # also after the card was looked at anew
        said = named(await driver.read())
    assert len(link.walked) == 2
    assert said["ambient.status"].value == ("FAULT", "SMOKE")
    assert said["ambient.2.temperature"].quality is Quality.UNAVAILABLE
    link.values |= probe(7)
    said = named(await driver.read())
    assert said["ambient.status"].value == ()
    assert said["ambient.2.temperature"].value == 20


async def test_what_one_lane_has_seen_end_does_not_stand_in_the_other():
    link = room(probe(3), probe(7, state=3))
    driver = SnmpDriver(link, (CARD,))
    await driver.read()
    link.values[f"{ROOM}.2.4.7"] = None
    assert named(await driver.read())["ambient.status"].value == ("FAULT", "SMOKE")
    link.values[f"{ROOM}.2.4.7"] = 1
    assert named(await driver.read(Lane.FAST))["ambient.status"].value == ()
    link.values[f"{ROOM}.2.4.7"] = None
    for lane in (Lane.ALL, Lane.FAST, Lane.ALL):
        assert named(await driver.read(lane))["ambient.status"].value == ("FAULT",)


async def test_what_is_remembered_outlives_a_loss_of_the_same_device():
    link = room(probe(3), probe(7, state=3))
    driver = SnmpDriver(link, (CARD,))
    await driver.read()
    link.error = DeviceTimeout("no answer")
    with pytest.raises(DeviceTimeout):
        await driver.read()
    link.error = None
    link.values[f"{ROOM}.2.4.7"] = None
    assert named(await driver.read())["ambient.status"].value == ("FAULT", "SMOKE")


async def test_another_device_at_the_same_place_starts_with_nothing_remembered():
    link = room(probe(3), probe(7, state=3))
    driver = SnmpDriver(link, (CARD,))
    await driver.read()
    link.error = DeviceTimeout("no answer")
    with pytest.raises(DeviceTimeout):
        await driver.read()
    link.error, link.values = None, room(probe(5)).values | {SYS_DESCR: b"another card"}
    said = named(await driver.read())
    assert said["ambient.status"].value == ()
    assert "ambient.2.temperature" not in said


async def test_a_probe_that_comes_later_is_found_behind_the_others():
    link = room(probe(3), probe(7))
    driver = SnmpDriver(link, (CARD,))
    await driver.read()
    link.values |= probe(8, 30)
    for _ in range(AGAIN_AFTER + 1):
        said = named(await driver.read())
    assert said["ambient.3.temperature"].value == 30


async def test_the_states_of_two_profiles_do_not_hide_one_another():
    link = room(probe(3, state=3))
    link.values[f"{ROOM}.9.0"] = 0
    assert named(await SnmpDriver(link, (CARD, OTHER)).read())["ambient.status"].value == ("SMOKE",)


async def test_a_card_that_only_measures_says_when_a_probe_is_lost():
    alert = "1.3.6.1.4.1.20916.1.6"
    link = FakeLink(
        {SYS_OBJECT_ID: alert, f"{alert}.1.1.1.2.0": 22, f"{alert}.1.2.1.1.0": 23, f"{alert}.1.2.1.8.0": b"rack"}
    )
    driver = SnmpDriver(link, [profile for profile in load_profiles() if profile.kind == "environment"])
    assert named(await driver.read())["ambient.status"].value == ()
    link.values[f"{alert}.1.2.1.1.0"] = None
    assert named(await driver.read(Lane.FAST))["ambient.status"].value == ("FAULT",)
    said = named(await driver.read())
    assert said["ambient.alarm"].value == "rack: no state"
    assert said["ambient.2.temperature"].quality is Quality.UNAVAILABLE
    assert said["x.ambient.temperature.maximum"].value == 22


async def test_a_walk_that_fails_is_the_error_of_the_poll():
    class Endless(FakeLink):
        async def walk(self, root: str) -> dict[str, Raw]:
            raise DeviceGarbled(f"its rows go in circles at {root}")

    with pytest.raises(DeviceGarbled, match="circles"):
        await SnmpDriver(Endless(room(probe(3)).values), (CARD,)).read()


async def test_what_no_profile_of_the_kind_knows_is_said_in_the_words_of_the_kind():
    with pytest.raises(DeviceGarbled, match="kind environment"):
        await SnmpDriver(FakeLink({SYS_DESCR: b"printer"}), (CARD,)).read()


KNOWN = load_profiles()
RAW = (
    st.none()
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from([65535, 4294967295, 2147483647, -1, -273, 0, 1, 2, 3])
    | st.floats()
    | st.binary(max_size=20)
    | st.sampled_from([b"1e999", b"nan", b"-inf", b"12.5", b"\x00\x00", b"9" * 400, b"WET", b"Temperature", b"Humid"])
    | st.from_regex(r"1(\.\d{1,9}){1,12}", fullmatch=True)
)
ROWS = st.lists(
    st.lists(st.sampled_from([0, 1, 2, 7, 300, 2**32 - 1]), min_size=1, max_size=3).map(
        lambda row: ".".join(map(str, row))
    ),
    max_size=4,
    unique=True,
)


def mutated(data, profile):
    """Return what a device of a family may say: any value for any object and any column, of any rows."""
    some = data.draw(st.lists(st.sampled_from(profile.oids(Lane.ALL)), min_size=1, max_size=30, unique=True))
    for table in profile.table:
        columns = [
            *table.wheres(),
            table.name,
            *(oid for point in table.point for oid in (*point.asks(), point.digits)),
        ]
        columns += [column for status in table.status for column in (status.oid, status.normal)]
        for row in data.draw(ROWS):
            some += [f"{table.index}.{row}"]
            some += [
                column.replace("#", row)
                for column in data.draw(st.lists(st.sampled_from(columns), max_size=6))
                if column
            ]
    values = {oid: data.draw(RAW) for oid in some}
    for table in profile.table:  # rows that count, so that more than their absence is tried
        for column, wanted in table.where.items():
            for row in data.draw(ROWS):
                values[column.replace("#", row)] = (wanted if isinstance(wanted, str) else wanted[0]).encode()
                values[f"{table.index}.{row}"] = 1
    return values


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), profile=st.sampled_from(KNOWN), lane=st.sampled_from(Lane))
async def test_whatever_a_device_says_is_a_reading_or_an_error_of_ours(data, profile, lane):
    values = mutated(data, profile)
    values[SYS_OBJECT_ID] = data.draw(st.sampled_from(["", *profile.match]) | RAW)
    values[SYS_DESCR] = data.draw(RAW)
    link = FakeLink(values)
    driver = SnmpDriver(link, [each for each in KNOWN if each.kind == profile.kind])
    try:
        for _ in range(3):
            for reading in named(await driver.read(lane)).values():
                known = find(reading.quantity)
                assert known is not None
                assert not reading.good or known.plausible(reading.value), "nothing implausible is called good"
                number = isinstance(reading.value, int | float)
                assert not (number and reading.good and reading.value in (65535, 4294967295))
            for oid in data.draw(st.lists(st.sampled_from(sorted(values)), max_size=5)):
                link.values[oid] = data.draw(RAW)
    except DeviceError:
        return


CASES = Path(__file__).resolve().parents[3] / "cases" / "snmp"
WALKS = {path.parent.name: path for path in sorted(CASES.glob("*/walk.snmprec"))}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), case=st.sampled_from(sorted(WALKS)), kind=st.sampled_from(["ups", "environment", "power"]))
async def test_a_real_walk_with_wrong_answers_in_it_is_a_reading_or_an_error_of_ours(data, case, kind):
    link = FakeLink(parse(WALKS[case]))
    driver = SnmpDriver(link, [profile for profile in KNOWN if profile.kind == kind])
    for _ in range(4):
        wrong = data.draw(st.dictionaries(st.sampled_from(sorted(link.values)), RAW, max_size=4))
        link.values |= wrong
        try:
            said = named(await driver.read(data.draw(st.sampled_from(Lane))))
        except DeviceError:
            continue
        for reading in said.values():
            known = find(reading.quantity)
            assert known is not None
            assert not reading.good or known.plausible(reading.value)
