"""A site file, its remote control, its timetable."""

import asyncio
import time
from pathlib import Path

import pytest

from contract import settings
from contract.errors import ConfigError, UsageError
from firmware_sims import broker, control, scenario, site
from firmware_sims.__main__ import main
from firmware_sims.faults import Fault

REPO = Path(__file__).parents[3]
SITE = settings.load(
    site.SiteSettings,
    """
[[ups]]
name = "server-room"
face = "rfc1628"
[[ups]]
name = "order-room"
face = "megatec"
link = "tty"
""",
    file="site.toml",
)


@pytest.mark.parametrize(
    "text", ["", "[[ups]]\nname='a'\nface='megatec'\ncomunity='x'", "[[ups]]\nname='a'\nface='usb'"]
)
def test_a_wrong_site_file_is_told(text):
    with pytest.raises(ConfigError):
        settings.load(site.SiteSettings, text, file="site.toml")


def test_the_example_site_and_scenario_load():
    assert {device.face for device in site.load(REPO / "config/sims/site.toml").ups} == {
        "rfc1628",
        "powernet",
        "megatec",
    }
    assert scenario.load(REPO / "config/sims/power-cut.toml").step


async def test_the_control_socket_cuts_restores_and_shows(tmp_path):
    path = tmp_path / "control"
    async with site.running(SITE, time.monotonic, tmp_path) as running, control.serving(running, path):
        await control.send(path, "cut all")
        shown = await control.send(path, "show")
        assert shown["server-room"]["on_battery"]
        assert shown["order-room"]["on_battery"]
        await control.send(path, "restore server-room")
        await control.send(path, "load order-room 100")
        await control.send(path, "fault order-room silence")
        assert running["server-room"].ups.view().mains
        assert running["order-room"].ups.view().watts == 100
        assert running["order-room"].fault is Fault.SILENCE
        for wrong in ("cut nobody", "load order-room much", "load order-room nan", "fault order-room x", "explode", ""):
            with pytest.raises(UsageError):
                await control.send(path, wrong)
    with pytest.raises(UsageError):
        await control.send(path, "show")


async def test_a_scenario_goes_by_its_times(tmp_path):
    plan = settings.load(
        scenario.Scenario,
        '[[step]]\nat="9s"\ndo="restore all"\n[[step]]\nat="5s"\ndo="cut all"\n[[step]]\nat="6s"\ndo="nonsense"',
        file="s.toml",
    )
    async with site.running(SITE, time.monotonic, tmp_path) as running:
        seen = []

        async def sleep(seconds):
            seen.append((seconds, running["server-room"].ups.view().mains))

        await scenario.play(plan, running, sleep)
        assert seen == [(5, True), (1, False), (3, False)]
        assert running["server-room"].ups.view().mains


async def test_a_taken_port_is_told(tmp_path):
    async with site.running(SITE, time.monotonic, tmp_path) as running:
        port = running["server-room"].address.partition(":")[2]
        again = settings.load(
            site.SiteSettings, f'[[ups]]\nname = "x"\nface = "rfc1628"\nport = {port}', file="site.toml"
        )
        with pytest.raises(UsageError, match="cannot open"):
            async with site.running(again, time.monotonic, tmp_path):
                pass


def test_the_command_line_tells_and_does_not_trace(tmp_path, capsys):
    assert main(["run", str(tmp_path / "none.toml")]) == 2
    assert main(["cut", "all", "--control", str(tmp_path / "none")]) == 2
    assert "Traceback" not in capsys.readouterr().err


async def test_the_broker_lets_in_named_users_only(tmp_path):
    import paho.mqtt.client as mqtt

    def connect(port, user, password):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        if user:
            client.username_pw_set(user, password)
        said = []
        client.on_connect = lambda _client, _data, _flags, code, _properties: said.append(code.value)
        client.connect("127.0.0.1", port, 5)
        deadline = time.monotonic() + 5
        while not said and time.monotonic() < deadline:
            client.loop(0.1)
        client.disconnect()
        client.loop(0.1)
        return said[0]

    async with broker.running({"agent": "right"}, tmp_path) as port:
        assert await asyncio.to_thread(connect, port, "agent", "right") == 0
        assert await asyncio.to_thread(connect, port, "agent", "wrong") != 0
        assert await asyncio.to_thread(connect, port, "", "") != 0
    assert "right" not in (tmp_path / "broker-users").read_text()
    with pytest.raises(UsageError):
        async with broker.running({}, tmp_path):
            pass


async def test_the_control_socket_takes_no_other_files_place(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("keep me")
    with pytest.raises(UsageError, match="no socket"):
        async with control.serving(site.Site({}), path):
            pytest.fail("it listens")
    assert path.read_text() == "keep me"
