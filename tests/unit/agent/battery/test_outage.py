"""Our own clock of an outage."""

import pytest

from agent.battery.outage import follow
from contract.clock import Stamp


def at(seconds, boot="one", *, wall=None, trusted=True):
    return Stamp(1e9 + (seconds if wall is None else wall), seconds, boot, trusted)


def run(*looks):
    """Return the elapsed time after each look: seconds, flags."""
    outage, said = None, []
    for seconds, flags in looks:
        now = seconds if isinstance(seconds, Stamp) else at(seconds)
        outage = follow(outage, flags and flags.split(), now)
        said.append(outage and outage.elapsed(now))
    return said


def test_it_runs_from_the_first_look_on_battery_until_mains_has_been_back_for_a_while():
    assert run((0, "OL"), (10, "OB"), (70, "OB LB"), (80, "OL"), (86, "OL")) == [None, 0.0, 60.0, 70.0, None]


def test_a_flicker_of_mains_does_not_start_it_anew():
    assert run((10, "OB"), (70, "OL"), (72, "OB"), (100, "OB")) == [0.0, 60.0, 62.0, 90.0]


def test_a_self_test_is_no_outage():
    assert run((0, "OB CAL"), (5, "CAL DISCHRG"), (10, "OL")) == [None, None, None]


@pytest.mark.parametrize("flags", [None, "COMM"], ids=["nothing is said", "the card has lost the UPS"])
def test_it_runs_on_while_nothing_is_known(flags):
    assert run((10, "OB"), (20, flags), (3600, flags), (3610, "OB")) == [0.0, 10.0, 3590.0, 3600.0]


def test_it_stands_still_once_the_output_is_off():
    assert run((10, "OB"), (100, "OFF"), (500, "OFF")) == [0.0, 90.0, 90.0]


def test_a_restart_of_the_host_counts_by_the_wall_where_it_can_be_trusted():
    looks = [(at(100, wall=100), "OB"), (at(5, "two", wall=400), "OB"), (at(15, "two", wall=410), "OB")]
    assert run(*looks) == [0.0, 300.0, 310.0]


def test_and_leaves_out_how_long_the_host_was_off_where_not():
    looks = [
        (at(100, trusted=False), "OB"),
        (at(160, trusted=False), "OB"),
        (at(5, "two", wall=9e5), "OB"),
        (at(15, "two", wall=9e5 + 10), "OB"),
    ]
    assert run(*looks) == [0.0, 60.0, 60.0, 70.0]
