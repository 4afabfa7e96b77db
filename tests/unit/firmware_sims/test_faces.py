"""One model, three faces: what they say agrees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.megatec import parse_identity, parse_ratings, parse_status
from firmware_sims.megatec_ups import Megatec
from firmware_sims.snmp_faces import Plate, table
from firmware_sims.ups import Rating, Ups

PLATE = Plate("server-room", "Wolfsmoke", "Sim 3000", "S1")


def oid(text):
    return tuple(map(int, text.split(".")))


UPS = "1.3.6.1.2.1.33.1."
APC = "1.3.6.1.4.1.318.1.1.1."


@given(st.floats(0, 100), st.floats(0, 4000), st.floats(0, 300), st.booleans())
def test_the_faces_agree(charge, load, mains, online):
    rating = Rating(online=online)
    ups = Ups(rating, lambda: 0.0, load=load, charge=charge)
    ups.set_mains(mains)
    view = ups.view()
    standard, powernet = (table(face, PLATE, rating) for face in ("rfc1628", "powernet"))
    q1 = parse_status(Megatec(ups, PLATE).answer("Q1"))

    def said(face, name):
        return face[oid(name)](view, 0.0).value

    assert said(standard, UPS + "2.4.0") == said(powernet, APC + "2.2.1.0") == round(view.charge)
    assert said(standard, UPS + "4.4.1.5.1") == said(powernet, APC + "4.2.3.0") == q1.load
    assert (
        said(standard, UPS + "3.3.1.3.1") == said(powernet, APC + "3.2.1.0") == pytest.approx(q1.input_volts, abs=0.6)
    )
    assert said(standard, UPS + "2.5.0") / 10 == pytest.approx(said(powernet, APC + "2.3.4.0") / 10)
    string = q1.battery_volts * (rating.cells if online else 1)
    assert string == pytest.approx(view.battery_volts, abs=0.006 * rating.cells + 0.05)
    on_battery = said(standard, UPS + "4.1.0") == 5
    assert on_battery == (said(powernet, APC + "4.1.1.0") == 3) == (q1.bits[0] == "1" and q1.output_volts > 0)
    low = said(standard, UPS + "2.1.0") in {3, 4}
    assert low == (said(powernet, APC + "2.1.1.0") == 3) == (q1.bits[1] == "1")


@given(st.floats(0, 100), st.floats(0, 4000), st.floats(0, 300))
def test_the_alarm_table_has_as_many_rows_as_the_standard_face_counts(charge, load, mains):
    ups = Ups(Rating(), lambda: 0.0, load=load, charge=charge)
    ups.set_mains(mains)
    view, face = ups.view(), table("rfc1628", PLATE, Rating())
    rows = [cell(view, 0.0) for name, cell in face.items() if name[:-1] == oid(UPS + "6.2.1.2")]
    present = [row.value.rpartition(".")[2] for row in rows if row is not None]
    assert len(present) == len(set(present)) == face[oid(UPS + "6.1.0")](view, 0.0).value
    assert rows[len(present) :] == [None] * (len(rows) - len(present))
    assert ("8" in present) == view.overload
    assert ("2" in present) == view.on_battery


@pytest.mark.parametrize(
    ("online", "charge", "least", "most"), [(True, 100, 880, 900), (False, 100, 800, 820), (True, 50, 1180, 1200)]
)
def test_the_mains_gives_the_load_the_losses_and_the_charger(online, charge, least, most):
    ups = Ups(Rating(online=online), lambda: 0.0, load=800.0, charge=charge)
    assert least <= ups.view().input_watts <= most
    ups.cut()
    assert ups.view().input_watts == 0.0


@pytest.mark.parametrize("string", [12, 24, 36, 72, 192, 288])
def test_ratings_and_identity_have_their_layout(string):
    talk = Megatec(Ups(Rating(string=string), lambda: 0.0), PLATE)
    assert parse_ratings(talk.answer("F")).battery_volts == string
    assert parse_identity(talk.answer("I")).model == "Sim 3000"


def test_megatec_echoes_what_it_does_not_know():
    ups = Ups(Rating(), lambda: 0.0)
    talk = Megatec(ups, PLATE)
    assert talk.answer("QGS") == "QGS"
    assert talk.answer("T") is None
    assert ups.view().test
    talk.answer("CT")
    assert not ups.view().test
    assert talk.answer("Q1")[-1] == "1"
    talk.answer("Q")
    assert talk.answer("Q1")[-1] == "0"
