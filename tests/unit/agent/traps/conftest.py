"""A service that listens without a socket; who sends to it is made in ``trap_senders``."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import trap_senders


@pytest.fixture
def bench():
    return trap_senders.Bench({"ups-1": "192.0.2.10", "ups-2": "192.0.2.11", "sensor-1": "192.0.2.10"})
