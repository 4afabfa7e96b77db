"""Contacts: site knowledge makes states into flags; what is not known ends no alarm and is none of health."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contacts import MEANINGS, Contact, Contacts, Loop, aggregates, by_quantity, faults, mapped
from agent.drivers.base import Identity, Lane
from agent.drivers.contacts import ContactsDriver
from agent.kinds import defaults
from contract.errors import DeviceTimeout
from contract.quantities import find
from contract.reading import Quality, Reading, judged, unavailable
from contract.settings import Draft, no_secrets

SMOKE = Contact(input=3, means="smoke", title="ceiling")
DOOR = Contact(input=4, means="door", alarm="open")


def state(number, word):
    return judged(f"ambient.contacts.{number}.status", word)


def told(readings, contacts, *, full=True):
    found = {each.quantity: each for each in mapped(readings, contacts, full=full)}
    status, alarm = found.get("ambient.status"), found.get("ambient.alarm")
    return (status.value if status else None, alarm.value if alarm else None)


@pytest.mark.parametrize(
    ("smoke", "door", "flags", "text"),
    [
        ("open", "closed", (), "none"),
        ("closed", "closed", ("SMOKE",), "ceiling"),
        ("closed", "open", ("DOOR", "SMOKE"), "ceiling; door (input 4)"),
        ("abnormal", "normal", ("SMOKE",), "ceiling"),  # the card judges itself
        ("inactive", "active", ("DOOR",), "door (input 4)"),
        ("break", "closed", ("BREAK",), "ceiling: wire"),
        ("Closed", "CLOSED", ("SMOKE",), "ceiling"),
    ],
)
def test_states_become_flags_and_a_text(smoke, door, flags, text):
    assert told([state(3, smoke), state(4, door)], Contacts([SMOKE, DOOR])) == (flags, text)


@pytest.mark.parametrize("lost", [[], [unavailable("ambient.contacts.3.status")], [state(3, "purple")]])
def test_an_input_that_is_not_known_keeps_its_alarm_and_is_a_fault(lost):
    contacts = Contacts([SMOKE, DOOR])
    assert told([state(3, "closed"), state(4, "closed")], contacts) == (("SMOKE",), "ceiling")
    assert told([*lost, state(4, "open")], contacts) == (
        ("DOOR", "FAULT", "SMOKE"),
        "ceiling: no state; door (input 4)",
    )
    assert told([state(3, "open"), state(4, "closed")], contacts) == ((), "none")


def test_an_input_that_the_device_has_not_got_is_a_fault_from_the_start():
    assert told([state(1, "open")], Contacts([SMOKE])) == (("FAULT",), "ceiling: no state")


def test_what_the_fast_lane_does_not_ask_is_not_missing():
    contacts = Contacts([SMOKE, DOOR])
    told([state(3, "closed"), state(4, "closed")], contacts)
    assert told([state(4, "open")], contacts, full=False) == (("DOOR", "SMOKE"), "ceiling; door (input 4)")
    assert told([judged("ups.load", 3.0)], contacts, full=False) == (None, None)


def test_what_the_device_says_itself_is_added_to_and_kept():
    contacts = Contacts([SMOKE])
    own = [judged("ambient.status", ("WATER",)), judged("ambient.alarm", "leak rope")]
    assert told([*own, state(3, "closed")], contacts) == (("SMOKE", "WATER"), "leak rope; ceiling")
    assert told([unavailable("ambient.status"), state(3, "open")], contacts)[0] == ("FAULT", "WATER")
    assert told([judged("ambient.status", ()), judged("ambient.alarm", "none"), state(3, "open")], contacts) == (
        (),
        "none",
    )


def test_a_status_that_the_device_never_had_is_no_loss():
    contacts = Contacts([SMOKE])
    assert told([unavailable("ambient.status"), state(3, "open")], contacts)[0] == ()
    assert told([unavailable("ambient.status"), state(3, "closed")], contacts)[0] == ("SMOKE",)


def test_a_ups_and_a_box_of_contacts_have_inputs_too():
    contacts = Contacts([SMOKE, Contact(input=2, probe=5, means="water")])
    readings = [judged("ups.contacts.3.status", "closed"), judged("ambient.5.contacts.2.status", "closed")]
    assert told(readings, contacts)[0] == ("SMOKE", "WATER")


def test_the_remote_contact_of_a_surge_protector_is_a_surge():
    contacts = Contacts([Contact(input=1, means="surge-failed", alarm="open"), Contact(input=2, means="surge-open")])

    def said(*readings):
        found = {each.quantity: each.value for each in mapped(readings, contacts)}
        return found["x.surge.status"], found["ambient.status"]

    assert said(state(1, "closed")) == (None, ("FAULT",)), "not known is not failed, and not well"
    assert said(state(1, "closed"), state(2, "open")) == ((), ())
    assert said(state(1, "open"), state(2, "break")) == (("FAULT",), ("BREAK",))
    assert said(state(2, "closed")) == (("FAULT", "OPEN"), ("FAULT",))


LOOP = Loop(measures="current", normal=(0.004, 0.008), alarm=(0.012, 0.022))


@pytest.mark.parametrize(
    ("amperes", "flags"),
    [(0.006, ()), (0.015, ("SMOKE",)), (0.0, ("BREAK",)), (0.010, ("BREAK",)), (0.5, ("BREAK",)), (None, ("FAULT",))],
)
def test_a_supervised_loop_tells_alarm_from_a_cut_or_a_short(amperes, flags):
    contacts = Contacts([Contact(input=1, means="smoke", loop=LOOP)])
    assert told([judged("ambient.1.current", amperes)], contacts)[0] == flags


def test_a_wire_that_burns_ends_no_smoke():
    contacts = Contacts([Contact(input=1, means="smoke", loop=LOOP)])
    said = [told([judged("ambient.1.current", amperes)], contacts)[0] for amperes in (0.015, 0.0, 0.006)]
    assert said == [("SMOKE",), ("BREAK", "SMOKE"), ()]


def test_without_contacts_nothing_changes():
    readings = [state(3, "closed"), judged("ambient.status", ())]
    assert mapped(readings, Contacts([])) == readings


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["ambient.contacts.3.status", "ambient.contacts.4.status", "ambient.status", "ambient.alarm"]
            ),
            st.sampled_from([None, "open", "closed", "", "?", 3.0, ("WATER",), ("NOT",), ()]),
        )
    ),
    st.booleans(),
)
def test_no_reading_is_a_traceback(said, full):
    contacts = Contacts([SMOKE, DOOR])
    for reading in mapped([judged(name, value) for name, value in said], contacts, full=full):
        assert not reading.good or find(reading.quantity).plausible(reading.value)


def test_every_meaning_is_a_flag_of_the_dictionary():
    for name, flag in MEANINGS.values():
        assert flag in find(name).flags


def test_a_ups_with_a_smoke_detector_is_watched_for_smoke_and_its_wire():
    names = defaults("ups", by_quantity([SMOKE])).keys() - defaults("ups").keys()
    assert names == {"smoke", "wire-break", "sensor-fault"}


def test_mistakes_are_named():
    twice = [Contact(input=3, means="smoke"), Contact(input=3, means="water"), Draft({})]
    assert [(each.at, each.what) for each in faults(tuple(twice))] == [
        (("contact", 1, "input"), "input 3 has a meaning already, at contact[0]")
    ]
    for normal, alarm, at in [((1.0,), (2.0, 3.0), "normal"), ((1.0, 2.0), (2.0, 3.0), "alarm")]:
        draft = Draft({"normal": normal, "alarm": alarm})
        assert [each.at for each in Loop.faults(draft)] == [(at,)]


async def test_the_driver_around_another_maps_and_passes_on():
    class Inner:
        identity = Identity("inner")
        closed = False
        fails = False

        async def read(self, lane=Lane.ALL):  # noqa: ARG002 - a driver's
            if self.fails:
                raise DeviceTimeout("silent")
            return [state(3, "closed")]

        async def close(self):
            self.closed = True

    inner = Inner()
    driver = ContactsDriver(inner, Contacts([SMOKE]))
    assert {each.quantity: each.value for each in await driver.read()}["ambient.status"] == ("SMOKE",)
    assert driver.identity.profile == "inner"
    inner.fails = True
    with pytest.raises(DeviceTimeout):
        await driver.read()
    await driver.close()
    assert inner.closed


def test_extremes_are_of_good_readings_only():
    readings = [
        judged("ambient.temperature", 21.0),
        judged("ambient.1.temperature", 35.5),
        judged("ambient.2.temperature", 999.0),
        unavailable("ambient.3.temperature"),
        judged("ambient.humidity", None),
        judged("x.cooling.supply.temperature", 9.0),
    ]
    found = {each.quantity: (each.value, each.quality) for each in aggregates(readings)}
    assert found == {
        "x.ambient.temperature.maximum": (35.5, Quality.GOOD),
        "x.ambient.temperature.minimum": (21.0, Quality.GOOD),
        "x.ambient.humidity.maximum": (None, Quality.UNAVAILABLE),
        "x.ambient.humidity.minimum": (None, Quality.UNAVAILABLE),
    }
    assert aggregates([Reading("ups.load", 3.0)]) == []


def test_the_settings_of_a_device_lead_to_its_driver_and_its_conditions(tmp_path):
    from agent.config import parse
    from agent.neighbours import Nobody

    text = """
[agent]
site = "hq"
name = "a"
[broker]
host = "127.0.0.1"
[[device]]
id = "ups-1"
profile = "waveshare-ai8"
modbus = { host = "192.0.2.1" }
[[device.contact]]
input = 1
means = "smoke"
loop = { measures = "current", normal = [0.004, 0.008], alarm = [0.012, 0.022] }
[[device.condition]]
name = "smoke"
off_delay = "5m"
"""
    [device] = parse(text, tmp_path / "a.toml", secrets=no_secrets).devices
    assert isinstance(device.driver(Nobody()), ContactsDriver)
    [smoke] = [each for each in device.conditions if each.name == "smoke"]
    assert smoke.off_delay == 300.0
