"""A whole agent on a real broker that watches its own machine: the host, a share of backups, signs of attack, itself."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rooms import LIMIT, MOSQUITTO, Listening, free_port, until

from contract.message import Alarms, Inventory, Readings, decode
from firmware_sims.backup_share import Backups, BackupShare
from firmware_sims.faults import Fault
from firmware_sims.syslog_source import SyslogSource, Talk

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]


class Ear(Listening):
    """Hears what the agent says, and acknowledges it as a gateway would."""

    def __init__(self, port):
        self.said = {}
        self.news = []
        self.devices = {}
        super().__init__(port)

    def _heard(self, kind, payload):
        match kind:
            case "readings":
                heard = decode(Readings, payload)
                self.said.setdefault(heard.device, {}).update(heard.values)
            case "alarms":
                heard = decode(Alarms, payload)
                self.news.append((heard.occurrence.device, heard.occurrence.condition, heard.occurrence.active))
            case "inventory":
                self.devices = {device.id: device for device in decode(Inventory, payload).devices}
                return
            case _:
                return
        self._acknowledge(heard)

    def of(self, device, quantity):
        return self.said.get(device, {}).get(quantity)


def written(folder, broker, share, syslog):
    (folder / "auth.log").write_text("")
    (folder / "agent.toml").write_text(f"""
[agent]
site = "hq"
name = "room"
state = "state"
[broker]
host = "127.0.0.1"
port = {broker}
[[device]]
id = "machine"
poll = "500ms"
slow = "1s"
host = {{ disks = ["/"] }}
[[device]]
id = "sales"
poll = "200ms"
slow = "200ms"
[device.backup]
files = ["{share.address}"]
age = "30h"
settle = "500ms"
[[device]]
id = "signs"
poll = "200ms"
slow = "500ms"
[device.security]
logins = "{folder / "auth.log"}"
[device.security.syslog]
listen = "127.0.0.1"
port = {syslog}
allow = ["127.0.0.1"]
""")
    return folder / "agent.toml"


async def test_a_machine_watches_itself_and_tells_what_happens_to_it(tmp_path, broker):
    command = Path(sys.executable).parent / "wolfsmoke-agent"
    syslog, log = free_port(), tmp_path / "log"
    ear = Ear(broker)
    share = BackupShare(Backups(), tmp_path / "share", days=5)
    await share.start()
    switch = SyslogSource(Talk(every=0.2), "127.0.0.1", syslog)
    config = written(tmp_path, broker, share, syslog)
    with log.open("wb") as out:
        process = subprocess.Popen([command, "run", "--config", config], stderr=out)  # noqa: ASYNC220
    try:
        await switch.start()
        await until(lambda: ear.of("machine", "host.disk.1.name") == "/", "the machine is read")
        await until(lambda: ear.of("sales", "backup.status") == (), "the backup is good")
        await until(lambda: (ear.of("signs", "security.syslog.messages") or 0) > 3, "the switch is heard")
        await until(lambda: (ear.of("agent", "agent.devices") or 0) == 3, "the agent says how it is itself")
        assert set(ear.devices) == {"machine", "sales", "signs", "agent"}
        assert [ear.devices[name].kind for name in ("machine", "sales", "signs", "agent")] == [
            "host", "backup", "security", "agent",
        ]  # fmt: skip
        assert ear.of("agent", "agent.memory") > 1 << 20

        with (tmp_path / "auth.log").open("a") as auth:
            for number in range(12):
                auth.write(f"Nov 25 13:00:00 h sshd[1]: Failed password for root from 192.0.2.7 port {number} ssh2\n")
        await until(lambda: ("signs", "login-burst", True) in ear.news, "the burst of log-ins is told")
        switch.fail(40)
        await until(lambda: ("signs", "syslog-errors", True) in ear.news, "the burst of errors is told")
        await share.set_fault(Fault.CHECKSUM)
        await share.backup()
        await until(lambda: ("sales", "backup-damaged", True) in ear.news, "the damage is told")
        assert "192.0.2.7" in (tmp_path / "state" / "security-signs.log").read_text()
        assert ear.of("signs", "security.evidence.file") == str(tmp_path / "state" / "security-signs.log")
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT)
        await switch.stop()
        await share.stop()
        ear.close()
    said = log.read_text()
    assert process.returncode == 0, said
    assert "Traceback" not in said
