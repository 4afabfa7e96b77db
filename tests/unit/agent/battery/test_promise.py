"""What is said of a promise of five hours."""

import pytest

from agent.battery.model import Outlook
from agent.battery.promise import judged

H = 3600.0
FIVE = 5 * H


def outlook(middle, low=None, high=None):
    return Outlook(middle * H, (middle * 0.8 if low is None else low) * H, (middle * 1.2 if high is None else high) * H)


@pytest.mark.parametrize(
    ("elapsed", "found", "said"),
    [
        (None, outlook(6), "KEPT"),
        (None, outlook(4), "SHORT"),
        (None, None, "UNKNOWN"),
        (0.0, outlook(6), "KEPT"),
        (1 * H, outlook(3.9), "BROKEN"),
        (1 * H, None, "UNKNOWN"),
        (3.6 * H, outlook(1.5, 1.45), "KEPT"),
        (3.6 * H, outlook(1.5, 1.35), "BROKEN"),  # the end may be near, and the promise open
        (2.0 * H, outlook(3.2, 1.8), "KEPT"),  # it is open, and there is time
        (5 * H, outlook(0), "KEPT"),
    ],
)
def test_it_is_judged_by_what_is_over_and_what_is_left(elapsed, found, said):
    assert judged(FIVE, found, elapsed=elapsed) == (said,)


def test_a_battery_that_was_never_seen_to_last_is_doubted_sooner():
    assert judged(FIVE, outlook(6, 5), elapsed=2 * H) == ("KEPT",)
    assert judged(FIVE, outlook(6, 5), elapsed=2 * H, proven=False) == ("KEPT", "UNPROVEN")
    assert judged(FIVE, outlook(5, 4), elapsed=3 * H, proven=False) == ("BROKEN", "UNPROVEN")


def test_it_does_not_flap():
    assert judged(FIVE, outlook(5.1), before=("SHORT",)) == ("SHORT",)
    assert judged(FIVE, outlook(5.3), before=("SHORT",)) == ("KEPT",)


def test_what_no_discharge_has_shown_is_called_so():
    assert judged(FIVE, outlook(6), proven=False) == ("KEPT", "UNPROVEN")
    assert judged(FIVE, None, proven=False) == ("UNKNOWN", "UNPROVEN")
    assert judged(FIVE, None, elapsed=60.0, proven=False) == ("BROKEN", "UNKNOWN", "UNPROVEN")
