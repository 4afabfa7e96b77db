"""Recordings of real equipment, where they are: every expected value is read right, or its doubt is known by name."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "judge"))


def recordings():
    import network

    return network.recordings() or [None]


@pytest.mark.parametrize("file", recordings(), ids=lambda file: file.stem if file else "none")
def test_a_recorded_device_is_read_right(file):
    import network

    if file is None:
        pytest.skip(f"no recordings under {network.CASES}: set WOLFSMOKE_CASES to the folder that holds snmp/ifmib")
    score = network.run([file], pure=True)[file.stem]
    assert score.counts["expected"] == score.counts["right"] + score.counts["doubted"], score.remarks
    assert score.counts["right"]
