import stat

import pytest

from agent.links.systemctl import Systemctl, parse
from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable

SAID = """Result=success
Id=ssh.service
Names=ssh.service sshd.service
LoadState=loaded
ActiveState=active
SubState=running

Result=exit-code
Id=mysql.service
Names=mysql.service
LoadState=loaded
ActiveState=failed
SubState=failed

Result=success
Id=nosuch.service
Names=nosuch.service
LoadState=not-found
ActiveState=inactive
SubState=dead
"""


def test_what_systemd_says_is_understood_by_an_alias_too():
    found = parse(SAID, ["sshd.service", "mysql.service", "nosuch.service", "other.service"])
    assert {name: (service.running, service.state) for name, service in found.items()} == {
        "sshd.service": (True, "active"),
        "mysql.service": (False, "failed: exit-code"),
        "nosuch.service": (False, "not installed"),
    }


@pytest.fixture
def program(tmp_path):
    def write(script):
        path = tmp_path / "systemctl"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return Systemctl(str(path))

    return write


async def test_the_program_is_asked(program, tmp_path):
    (tmp_path / "said").write_text(SAID)
    services = await program(f'cat "{tmp_path}/said"').ask(["ssh.service"])
    assert services["ssh.service"].running


async def test_a_machine_without_systemd_is_no_device():
    with pytest.raises(PortUnavailable):
        await Systemctl("/no/such/systemctl").ask(["ssh.service"])


async def test_a_refusal_is_told_in_its_own_words(program):
    with pytest.raises(PortUnavailable, match="not been booted"):
        await program('echo "System has not been booted with systemd" >&2; exit 1').ask(["ssh.service"])


async def test_nothing_said_is_not_running_and_not_fine(program):
    with pytest.raises(DeviceGarbled, match=r"ssh\.service"):
        await program("true").ask(["ssh.service"])


async def test_one_that_hangs_is_given_up(program, monkeypatch):
    monkeypatch.setattr("agent.links.systemctl._PATIENCE", 0.2)
    with pytest.raises(DeviceTimeout):
        await program("exec sleep 60").ask(["ssh.service"])
