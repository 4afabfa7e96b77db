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

SAMPLES = {
    "ups": ("apc_smx750", "eatonups", "cyberpower", "netagent2_1", "netmanplus_204"),
    "environment": (
        "akcp_serverprobe8",
        "aos-emu2_ap9320",
        "apc_environmental-manager",
        "hwg-poseidon",
        "hwg-wld_wld2",
    ),
    "power": ("apc_ap8853", "apc_ats", "enexus_enexus", "himoinsa-gensets", "raritan-pdu_px2"),
}
SAMPLE = [name for names in SAMPLES.values() for name in names]


@pytest.fixture(scope="module")
def scores():
    if not recordings.simulator():
        pytest.skip("snmpsim is not installed")
    found = {}
    for kind, names in SAMPLES.items():
        files = [file for file in judge.recordings(kind) if file.stem in names]
        if len(files) < len(names):
            pytest.skip(f"the recordings are not part of this project, and not under {judge.CASES}")
        found |= judge.run(files, kind, with_nut=False)["wolfsmoke"]
    return found


@pytest.mark.parametrize("name", SAMPLE)
def test_every_expected_value_of_a_real_device_is_read_right(scores, name):
    score = scores[name]

    assert score.remarks == []
    assert set(score.counts) == {"right"}


@pytest.mark.parametrize("name", SAMPLE)
def test_no_sentinel_of_a_real_device_is_called_good(scores, name):
    assert scores[name].counts["sentinel"] == 0
