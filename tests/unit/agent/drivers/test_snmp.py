"""The SNMP driver over a link that answers from a dict."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.drivers.base import Lane
from agent.drivers.snmp import AGAIN_AFTER, SYS_DESCR, SYS_OBJECT_ID, SnmpDriver
from agent.links.snmp import Raw
from agent.profiles import Bits, Identifying, Point, Profile, Status, Table, load_profiles
from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.quantities import find
from contract.reading import Quality, Reading

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


class FakeLink:
    """Answers from a dict, and notes what it was asked."""

    def __init__(self, values: dict[str, Raw]) -> None:
        self.values = dict(values)
        self.asked: list[tuple[str, ...]] = []
        self.walked: list[str] = []
        self.error: DeviceError | None = None
        self.closed = 0

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        self.asked.append(tuple(oids))
        if self.error is not None:
            raise self.error
        return {oid: self.values.get(oid) for oid in oids}

    async def walk(self, root: str) -> dict[str, Raw]:
        self.walked.append(root)
        if self.error is not None:
            raise self.error
        below = [oid for oid in self.values if oid.startswith(root + ".")]
        return {oid: self.values[oid] for oid in sorted(below, key=lambda oid: [int(part) for part in oid.split(".")])}

    async def close(self) -> None:
        self.closed += 1


def named(readings: Sequence[Reading]) -> dict[str, Reading]:
    assert len({reading.quantity for reading in readings}) == len(readings), "a quantity twice in one poll"
    return {reading.quantity: reading for reading in readings}


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


# --- devices with rows of sensors -----------------------------------------------------------------------------------

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


async def test_a_walk_that_fails_is_the_error_of_the_poll():
    class Endless(FakeLink):
        async def walk(self, root: str) -> dict[str, Raw]:
            raise DeviceGarbled(f"its rows go in circles at {root}")

    with pytest.raises(DeviceGarbled, match="circles"):
        await SnmpDriver(Endless(room(probe(3)).values), (CARD,)).read()


async def test_what_no_profile_of_the_kind_knows_is_said_in_the_words_of_the_kind():
    with pytest.raises(DeviceGarbled, match="kind environment"):
        await SnmpDriver(FakeLink(PLAIN), (CARD,)).read()
    with pytest.raises(DeviceGarbled, match="a UPS"):
        await SnmpDriver(FakeLink({SYS_DESCR: b"printer"}), PROFILES).read()


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
