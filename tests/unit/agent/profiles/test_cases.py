"""Golden folders: a made-up walk of a device, and what must be read from it."""

import re
import tomllib
from pathlib import Path

import pytest

from agent.drivers.snmp import SnmpDriver
from agent.profiles import Profile, load_profiles
from contract.reading import Quality
from contract.settings import load

CASES = Path(__file__).resolve().parents[3] / "cases" / "snmp"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
async def test_a_recorded_device_is_read_as_its_folder_says(case):
    from recordings import Recorded, parse

    expected = tomllib.loads((CASES / case / "expected.toml").read_text("utf-8"))
    kind = expected.get("kind", "ups")
    profiles = [profile for profile in load_profiles() if profile.kind == kind]
    driver = SnmpDriver(Recorded(parse(CASES / case / "walk.snmprec")), profiles)

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


async def test_the_worked_example_of_contributing_works(tmp_path):
    from recordings import Recorded, parse

    text = (CASES.parents[2] / "CONTRIBUTING.md").read_text("utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    walk, expected, table = (
        next(block for block in blocks if sign in block) for sign in ("1.1.2.0|6|", "[good]", 'name = "acme"')
    )
    (tmp_path / "walk.snmprec").write_text(walk, "utf-8")
    profiles = (*load_profiles(), load(Profile, table, file="acme.toml"))
    driver = SnmpDriver(Recorded(parse(tmp_path / "walk.snmprec")), profiles)

    found = {reading.quantity: reading for reading in await driver.read()}

    wanted = tomllib.loads(expected)
    assert driver.identity.profile == wanted["profile"]
    for quantity, value in wanted["good"].items():
        assert found[quantity].value == (tuple(value) if isinstance(value, list) else value)
    assert all(found[quantity].quality is Quality.UNAVAILABLE for quantity in wanted["unavailable"])
