"""The tests run on three workers (pytest-xdist), for most of them wait: a file stays together, and so do those that measure how long something takes."""

from pathlib import Path

import pytest

TIMED = frozenset(
    {
        "test_agent_acts",
        "test_agent_broker",
        "test_agent_clocks",
        "test_agent_devices",
        "test_demo",
        "test_faults",
        "test_faults_planted",
        "test_gateway_broker",
        "test_gateway_timers",
    }
)
"""Whole sites whose seconds count: one after the other, so that they have one processor among them."""


def pytest_collection_modifyitems(items):
    for item in items:
        name = Path(item.path).stem
        group = "timed" if name in TIMED else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
