import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.tables import ds1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (1, set()),
        (68, {"LOS", "RAI-SENT"}),
        (2, {"RAI"}),
        (12, {"AIS", "RAI-SENT"}),
        (32 + 4, {"LOF", "RAI-SENT"}),
        (128, {"LOOP"}),
        (8192 + 64, {"UNAVAILABLE", "LOS"}),
        (256, {"TS16-AIS", "SIGNALLING"}),
        (512, {"TS16-RAI", "SIGNALLING"}),
        (1024, {"TS16-RAI-SENT"}),
        (65, {"LOS"}),  # a device's mistake: the alarm counts
    ],
)
def test_line_status_is_a_sum_of_flags(status, said):
    assert ds1.flags(status) == said


@pytest.mark.parametrize("status", [None, 0, -1, 131072, 2**31 - 1])
def test_what_is_no_line_status_says_nothing(status):
    assert ds1.flags(status) is None


@given(st.integers(2, 131070).filter(lambda status: status != 1))
def test_only_one_alone_is_healthy(status):
    assert ds1.flags(status)
