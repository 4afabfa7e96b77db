"""A sample of the recordings of real devices, served by snmpsim and read by the driver over the network.

All of them, with NUT's driver beside ours: ``make judge``.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "judge"))

import judge
import recordings

pytestmark = pytest.mark.system

SAMPLE = ("apc_smx750", "eatonups", "cyberpower", "netagent2_1", "netmanplus_204")


@pytest.fixture(scope="module")
def scores():
    files = [file for file in judge.recordings() if file.stem in SAMPLE]
    if len(files) < len(SAMPLE):
        pytest.skip(f"the recordings are not part of this project, and not under {judge.CASES}")
    if not recordings.simulator():
        pytest.skip("snmpsim is not installed")
    return judge.run(files, with_nut=False)["wolfsmoke"]


@pytest.mark.parametrize("name", SAMPLE)
def test_every_expected_value_of_a_real_device_is_read_right(scores, name):
    score = scores[name]

    assert score.remarks == []
    assert set(score.counts) == {"right"}


@pytest.mark.parametrize("name", SAMPLE)
def test_no_sentinel_of_a_real_device_is_called_good(scores, name):
    assert scores[name].counts["sentinel"] == 0
