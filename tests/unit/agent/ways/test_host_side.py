"""The ways to this machine itself: their settings with every mistake, and what they lead to."""

from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.config import parse
from agent.drivers.backup import BackupDriver
from agent.drivers.host import HostDriver
from agent.drivers.security import SecurityDriver
from agent.neighbours import Nobody
from agent.ways import from_url
from contract.errors import ConfigError, UsageError

HEAD = """
[agent]
site = "hq"
name = "room"
[broker]
host = "mqtt.example.net"
[[device]]
id = "one"
"""


def parsed(text):
    return parse(HEAD + text, Path("/etc/agent.toml"), secrets=lambda _: "x")


def problems(text):
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    for problem in caught.value.problems:
        assert problem.line > 7, problem
        assert problem.hint or "missing" in problem.what, problem
    return {problem.key: problem.what for problem in caught.value.problems}


WHOLE = {
    "host": (
        'host = { disks = ["/", "/var"], services = ["ssh", "mysql.service"] }',
        HostDriver,
        {"disk-full", "service-down", "contact-lost"},
    ),
    "backup": (
        """
[device.backup]
files = ["/mnt/backup/sales-*.tar.gz"]
parts = "/mnt/backup/*.part"
mount = "/mnt/backup"
by = "22:00"
begins = "20:00"
grace = "30m"
age = "26h"
smallest = "1 MiB"
test = "auto"
tape_log = "/var/log/tape.log"
tape_match = 'sales .* archived'
tape_by = "23:00"
timezone = "Asia/Shanghai"
days = ["mon", "tue", "wed", "thu", "fri"]
""",
        BackupDriver,
        {"backup-missing", "tape-missing", "contact-lost"},
    ),
    "security": (
        """
[device.security]
logins = "/var/log/auth.log"
expected = ["tcp/22"]
[device.security.syslog]
listen = "192.0.2.1"
allow = ["192.0.2.0/24"]
[[device.security.syslog.source]]
address = "192.0.2.5"
silent = "2h"
""",
        SecurityDriver,
        {"login-burst", "syslog-silent", "contact-lost"},
    ),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_right_leads_to_its_driver(kind, tmp_path):
    text, driver, conditions = WHOLE[kind]
    [device] = parsed(text).devices
    assert device.what == kind
    assert isinstance(device.driver(Nobody(), SystemClock(), tmp_path), driver)
    assert conditions <= {condition.name for condition in device.conditions}
    assert list(tmp_path.iterdir()) == []  # nothing is opened before the first read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('host = { disks = ["C:"], services = ["a b", "-h"] }', ["disks[0]", "services[0]", "services[1]"]),
        ("backup = { files = [] }", ["files"]),
        (
            'backup = { files = ["x"], by = "25:00", begins = "8", tape_by = "x", timezone = "Mars/Base" }',
            ["files[0]", "by", "begins", "tape_by", "tape_by", "timezone"],
        ),
        ('backup = { files = ["/x"], begins = "08:00" }', ["begins"]),
        ('backup = { files = ["/x"], tape = "/t" }', ["tape_by"]),
        ('backup = { files = ["/x"], days = ["mon"] }', ["days"]),
        ('backup = { files = ["/x"], by = "22:00", days = ["monday"] }', ["days[0]"]),
        ('backup = { files = ["/x"], tape_by = "23:00" }', ["tape_by"]),
        ('backup = { files = ["/x"], tape_by = "23:00", tape_log = "/l" }', ["tape_log"]),
        ('backup = { files = ["/x"], tape_by = "23:00", tape_log = "/l", tape_match = "(" }', ["tape_match"]),
        ('backup = { files = ["/x"], test = "rar" }', ["test"]),
        ('backup = { files = ["/x"], low = 2.0, high = 1.0 }', ["high"]),
        ('backup = { files = ["/x"], test_rate = "1 KiB" }', ["test_rate"]),
        ('backup = { files = ["/x"], each = true, parts = "/y" }', ["parts"]),
        ('backup = { files = ["/x"], file = "/y" }', ["file"]),
        ('security = { logins = "auth.log", window = "10ms" }', ["logins", "window"]),
        ('security = { expected = ["22", "tcp/x", "sctp/1"] }', ["expected[0]", "expected[1]", "expected[2]"]),
        ('security = { logins = "", ports = false }', [""]),
        ('security = { evidence = "1 KiB" }', ["evidence"]),
        ("security = { syslog = {} }", ["syslog"]),
        (
            'security = { syslog = { listen = "room", allow = ["lan"], udp = false, tcp = false } }',
            ["syslog.listen", "syslog.allow[0]", "syslog.tcp"],
        ),
        (
            'security = { syslog = { source = [{ address = "sw1", silent = "0s" }], port = 0 } }',
            ["syslog.source[0].address", "syslog.source[0].silent", "syslog.port"],
        ),
    ],
)
def test_every_mistake_is_listed_with_its_line_and_a_way_out(text, expected):
    way = text.partition(" ")[0]
    found = problems(text)
    assert {f"device[0].{way}.{key}".rstrip(".") for key in expected} == set(found), found


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("host://localhost", HostDriver),
        ("host://localhost?disks=/,/var&services=ssh", HostDriver),
        ("backup:///mnt/backup/sales-*.tar.gz", BackupDriver),
        ("backup:///mnt/a%3Fb?by=22:00&begins=20:00&test=none&timezone=Asia/Shanghai", BackupDriver),
        ("security://localhost?logins=/var/log/auth.log&expected=tcp/22,udp/161", SecurityDriver),
    ],
)
def test_urls_lead_there_too(url, driver):
    assert isinstance(from_url(url), driver)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("host://192.0.2.1", "only this machine"),
        ("host://", "a host is missing"),
        ("host://localhost?disks=C:", "no mount point"),
        ("host://localhost?disk=/", "did you mean 'disks'"),
        ("backup://share/x", "three slashes"),
        ("backup:///x?by=8", "no time of the day"),
        ("backup:///x?test=rar", "no test 'rar'"),
        ("backup:///x?timezone=Mars", "no time zone"),
        ("security://192.0.2.1", "only this machine"),
        ("security://localhost?expected=22", "is no port"),
    ],
)
def test_wrong_urls_say_what_is_wrong(url, what):
    with pytest.raises(UsageError) as caught:
        from_url(url)
    assert what in str(caught.value)
