"""Golden folders: a made-up walk of a device, and what must be read from it."""

import tomllib
from pathlib import Path

import pytest

from agent.drivers.snmp import SnmpDriver
from agent.profiles import load_profiles
from contract.reading import Quality

CASES = Path(__file__).resolve().parents[3] / "cases" / "snmp"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
async def test_a_recorded_device_is_read_as_its_folder_says(case):
    from recordings import Recorded, parse

    expected = tomllib.loads((CASES / case / "expected.toml").read_text("utf-8"))
    driver = SnmpDriver(Recorded(parse(CASES / case / "walk.snmprec")), load_profiles())

    found = {reading.quantity: reading for reading in await driver.read()}

    identity = driver.identity
    assert identity.profile == expected["profile"]
    for word in ("manufacturer", "model"):
        assert word not in expected or getattr(identity, word) == expected[word]
    for quantity, value in expected["good"].items():
        assert found[quantity].quality is Quality.GOOD, quantity
        wanted = tuple(value) if isinstance(value, list) else value
        assert found[quantity].value == (pytest.approx(wanted) if isinstance(wanted, int | float) else wanted), quantity
    for quantity in expected.get("unavailable", ()):
        assert found[quantity].quality is Quality.UNAVAILABLE, quantity
    for quantity in expected.get("implausible", ()):
        assert found[quantity].quality is Quality.IMPLAUSIBLE, quantity
    for quantity in expected.get("absent", ()):
        assert quantity not in found
