"""Every file under config/ is read by what reads it in earnest. A file that nothing reads here fails."""

import re
import shutil
import time
from pathlib import Path

import pytest

import agent.config
import gateway.config
from agent.kinds import kinds
from agent.ways import WAYS
from contract.errors import ConfigError
from firmware_sims import control, scenario, site
from gateway.read import read_drills, read_plan

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
FILES = sorted(str(path.relative_to(CONFIG)) for path in CONFIG.rglob("*") if path.is_file())
ELSEWHERE = {
    "mosquitto/": "tests/system/test_gateway_broker.py",  # by mosquitto itself
    "grafana/": "tests/unit/test_grafana_files.py",  # and its queries by an InfluxDB
}


@pytest.fixture
def site_files(tmp_path):
    """A copy of config/ whose paths of a real host lead to files that are there, beside the credentials it asks for."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    copy = tmp_path / "config"
    shutil.copytree(CONFIG, copy)
    (tmp_path / "there").write_text("s3cret-long-enough\n")
    for path in copy.rglob("*.toml"):
        text = path.read_text("utf-8")
        for name in re.findall(r'credential = "([^"]+)"', text):
            (credentials / name).write_text("s3cret-long-enough\n")
        for name in ("/etc/ssl/certs/ca-certificates.crt", "/etc/wolfsmoke/secrets/snmp-community"):
            text = text.replace(f'"{name}"', f'"{tmp_path}/there"')
        path.write_text(text, "utf-8")
    return copy, {"CREDENTIALS_DIRECTORY": str(credentials)}


def read(name, folder, environment):
    """Read a file as the program does that it is for; return what it is then, None for a file that nobody reads."""
    path = folder / name
    if name.startswith("agents/"):
        return agent.config.load(path, environment=environment)
    beside = {"gateway.toml", "contacts.toml", "holidays.toml", "dependencies.toml", "alarms.toml"}
    if name in beside or name.startswith("plan/"):
        config = gateway.config.load(folder / "gateway.toml", environment=environment)
        named = {folder / "gateway.toml", config.contacts, config.holidays, config.dependencies, config.alarms}
        assert path in named or path.parent == config.plan
        return read_plan(config)
    if name.startswith("drills/"):
        config = gateway.config.load(folder / "gateway.toml", environment=environment)
        assert path.parent == config.drills
        return read_drills(config, *read_plan(config))
    if name == "sims/site.toml":
        return site.load(path)
    if name.startswith("sims/"):
        return scenario.load(path)
    return None


@pytest.mark.parametrize("name", FILES)
def test_an_example_is_read_by_the_program_that_it_is_for(name, site_files):
    elsewhere = next((test for folder, test in ELSEWHERE.items() if name.startswith(folder)), None)
    if elsewhere is not None:
        assert Path(name).name in (ROOT / elsewhere).read_text("utf-8")
        return
    assert read(name, *site_files) is not None, "what reads this file? test it here"


@pytest.mark.parametrize(
    "name", ["gateway.toml", "agents/machine-hall.toml", "agents/order-room.toml", "agents/server-room.toml"]
)
def test_without_its_credentials_an_example_says_which(name, site_files):
    folder, _ = site_files
    with pytest.raises(ConfigError, match=r"broker\.password"):
        read(name, folder, {})


def test_the_agents_examples_show_every_way_and_every_kind(site_files):
    folder, environment = site_files
    configs = [agent.config.load(path, environment=environment) for path in sorted((folder / "agents").glob("*.toml"))]
    devices = [device for config in configs for device in config.devices]
    assert {name for device in devices for name in WAYS if getattr(device, name) is not None} == set(WAYS)
    assert {device.what for device in devices} | {agent.config.ITSELF} == set(kinds())
    assert any(config.traps for config in configs)
    for shown in ("promise", "contact", "condition", "battery_test", "profile", "room"):
        assert any(getattr(device, shown) for device in devices), shown


async def test_every_step_of_the_scenarios_can_be_done_on_the_example_site(tmp_path):
    made = site.make(site.load(CONFIG / "sims/site.toml"), time.monotonic, tmp_path)
    try:
        for path in sorted((CONFIG / "sims").glob("*.toml")):
            for step in scenario.load(path).step if path.name != "site.toml" else ():
                await control.obey(made, step.do)
    finally:
        for device in made.devices.values():
            await device.stop()
