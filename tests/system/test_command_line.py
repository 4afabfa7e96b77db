"""The three commands as processes, as people and scripts run them: exit codes, sentences, and never a traceback."""

import asyncio
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import agent.__main__
import firmware_sims.__main__
import gateway.__main__
from firmware_sims import control

pytestmark = pytest.mark.system
REPO = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LIMIT = 30.0
"""Seconds until a process that has not done its part has failed."""
SECRET = "hunter2hunter2"
COMMUNITY, AUTH, PRIV = "wolf-secret", "watch-auth-key", "watch-priv-key"
V3 = f"?version=3&user=watch&auth_key={AUTH}&priv_key={PRIV}"


def run(part, *words, **more):
    """Run a command to its end; a traceback is never right, whatever else a test looks for."""
    done = subprocess.run(
        [BIN / f"wolfsmoke-{part}", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        **more,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Running:
    """A process that stays; what it has said so far is ``said``."""

    def __init__(self, *command, stdout=None, env=None):
        self.said = ""
        stderr = subprocess.STDOUT if stdout else subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=stdout, stderr=stderr, bufsize=0, env=env)
        self._pipe = self.process.stdout or self.process.stderr

    def wait_for(self, word):
        """Read on until a word is said."""
        while word not in self.said:
            if not select.select([self._pipe], [], [], LIMIT)[0]:
                pytest.fail(f"{word!r} is not said within {LIMIT:g} s, only: {self.said}")
            more = os.read(self._pipe.fileno(), 65536).decode()
            if not more:
                pytest.fail(f"{word!r} was not said before the end: {self.said}")
            self.said += more

    def end(self, number):
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        rest, err = self.process.communicate(timeout=LIMIT)
        self.said += ((rest or b"") + (err or b"")).decode()
        return self.process.returncode


@contextmanager
def staying(*command, stdout=None, env=None):
    running = Running(*command, stdout=stdout, env=env)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()


SITE = f"""
[[ups]]
name = "server-room"
face = "rfc1628"
community = "{COMMUNITY}"
user = {{ name = "watch", auth_key = "{AUTH}", priv_key = "{PRIV}" }}
model = "Sim 3000 RT"
serial = "SIM3000-001"
[[ups]]
name = "depot"
face = "powernet"
community = "{COMMUNITY}"
model = "Smart-UPS 1500"
[[ups]]
name = "order-room"
face = "megatec"
link = "ttyUPS"
model = "Sim1000"
[[ups]]
name = "far"
face = "megatec"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A simulated site, its process; returns name → address."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "site.toml").write_text(SITE)
    control = folder / "control"
    command = (BIN / "wolfsmoke-sims", "run", folder / "site.toml", "--folder", folder, "--control", control)
    with staying(*command, stdout=subprocess.PIPE) as running:
        running.wait_for("far: ")
        running.wait_for("\n")
        lines = [line.split(": ", 1) for line in running.said.splitlines() if "://" in line]
        yield {name: url.partition("://")[2].rpartition("@")[2] for name, url in lines} | {"control": control}


# --- read -----------------------------------------------------------------------------------------------------------


def url_of(site, way):
    return {
        "v1": f"snmp://{COMMUNITY}@{site['server-room']}?version=1",
        "v2c": f"snmp://{COMMUNITY}@{site['server-room']}",
        "v3": f"snmp://{site['server-room']}{V3}",
        "v3 by pysnmp": f"snmp://{site['server-room']}{V3}&engine=pysnmp",
        "powernet": f"snmp://{COMMUNITY}@{site['depot']}",
        "megatec": f"megatec://{site['order-room']}",
        "megatec over TCP": f"megatec://{site['far']}",
    }[way]


@pytest.mark.parametrize(
    ("way", "profile", "model"),
    [
        ("v1", "rfc1628", "Sim 3000 RT"),
        ("v2c", "rfc1628", "Sim 3000 RT"),
        ("v3", "rfc1628", "Sim 3000 RT"),
        ("v3 by pysnmp", "rfc1628", "Sim 3000 RT"),
        ("powernet", "apc", "Smart-UPS 1500"),
        ("megatec", "megatec", "Sim1000"),
        ("megatec over TCP", "megatec", "Sim 3000"),
    ],
)
def test_read_as_json_has_the_agreed_shape_and_the_right_values(site, way, profile, model):
    done = run("agent", "read", url_of(site, way), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said.keys() == {"device", "readings"}
    assert said["device"].items() >= {"profile": profile, "model": model}.items()
    assert {"manufacturer", "serial", "firmware", "description"} < said["device"].keys()
    assert all(each.keys() == {"quantity", "value", "unit", "quality"} for each in said["readings"])
    assert len({each["quantity"] for each in said["readings"]}) == len(said["readings"])
    by_name = {each["quantity"]: each for each in said["readings"]}
    assert by_name["battery.charge"] == {
        "quantity": "battery.charge",
        "value": 100.0,
        "unit": "%",
        "quality": "good",
    }
    assert isinstance(by_name["battery.charge"]["value"], float)
    assert (by_name["ups.status"]["value"], by_name["ups.status"]["quality"]) == (["OL"], "good")
    assert 200 < by_name["input.voltage"]["value"] < 240


def test_read_says_the_same_to_people_in_a_table(site):
    done = run("agent", "read", url_of(site, "v2c"))
    assert (done.returncode, done.stderr) == (0, "")
    first, _, *rows = done.stdout.splitlines()
    assert "Sim 3000 RT" in first
    assert first.endswith("(profile rfc1628)")
    table = {row.split()[0]: row.split()[1:] for row in rows}
    assert table["battery.charge"] == ["100.0", "%"]
    assert table["ups.status"] == ["OL"]
    assert list(table) == sorted(table)


def test_read_says_what_changed_when_the_mains_is_cut(site):
    try:
        done = run("sims", "cut", "order-room", "--control", site["control"])
        assert (done.returncode, json.loads(done.stdout)) == (0, {"done": "cut order-room"})
        readings = json.loads(run("agent", "read", url_of(site, "megatec"), "--json").stdout)["readings"]
    finally:
        asyncio.run(control.send(site["control"], "restore order-room"))
    assert [each["value"] for each in readings if each["quantity"] == "ups.status"] == [["OB"]]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "write snmp://community@host"),
        (f"snmp://{SECRET}@host:99999", "1 to 65535"),
        (f"snmp://host?version=3&user=u&auth=nonsense&auth_key={SECRET}", "there are md5, sha"),
        ("megatec://dev/ttyUSB0", "three slashes"),
    ],
)
def test_a_wrong_url_ends_with_2_and_a_sentence_without_its_secret(url, said):
    done = run("agent", "read", url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert SECRET not in done.stderr


def _answered(site, way):
    """Return the URL of something that does not answer as it should."""
    ups = site["server-room"]
    return {
        "closed port": f"snmp://{SECRET}@127.0.0.1:{free_port(socket.SOCK_DGRAM)}?timeout=0.3",
        "wrong community": f"snmp://{SECRET}@{ups}?timeout=0.3",
        "wrong user": f"snmp://{ups}?version=3&user=nobody&auth_key={AUTH}&priv_key={PRIV}&timeout=0.5",
        "wrong key": f"snmp://{ups}?version=3&user=watch&auth_key={SECRET}&priv_key={PRIV}&timeout=0.5",
        "wrong privacy key": f"snmp://{ups}?version=3&user=watch&auth_key={AUTH}&priv_key={SECRET}&timeout=0.5",
        "unknown host": f"snmp://{SECRET}@no-such-host.invalid",
        "not SNMP": f"snmp://{SECRET}@{site['depot']}?timeout=0.3",
        "missing port": "megatec:///dev/serial/by-id/none",
        "no serial port": "megatec:///dev/null",
        "away serial server": f"megatec://127.0.0.1:{free_port()}",
    }[way]


@pytest.mark.parametrize(
    ("way", "hint"),
    [
        ("closed port", "is it on, reachable"),
        ("wrong community", "is the community right? A wrong one gets silence"),
        ("wrong user", "user"),
        ("wrong key", "key"),
        ("wrong privacy key", "keys"),
        ("unknown host", "check the host's name"),
        ("missing port", "is the adapter plugged in?"),
        ("no serial port", "it is not a serial port"),
        ("away serial server", "is it on and reachable?"),
    ],
)
def test_no_answer_ends_with_3_and_a_sentence_that_says_what_to_try(site, way, hint):
    done = run("agent", "read", _answered(site, way))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert hint in done.stderr
    for secret in (SECRET, AUTH, PRIV):
        assert secret not in done.stderr


@pytest.mark.parametrize(
    ("fault", "way", "hint"),
    [
        ("garbage", "v2c", "is another service on that port?"),
        ("silence", "megatec", "is it on, and is the cable"),
        ("unplug", "megatec", "is the adapter plugged in?"),
    ],
)
def test_a_device_that_misbehaves_ends_with_3_and_is_read_once_it_behaves(site, fault, way, hint):
    name = "order-room" if way == "megatec" else "server-room"
    url = url_of(site, way)
    wait = "?timeout=0.3" if way != "megatec" else ""
    try:
        asyncio.run(control.send(site["control"], f"fault {name} {fault}"))
        done = run("agent", "read", url + wait)
    finally:
        asyncio.run(control.send(site["control"], f"fault {name} none"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert hint in done.stderr
    assert run("agent", "read", url).returncode == 0


# --- check ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """An agent's and a gateway's settings, both good."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    shutil.copytree(REPO / "config" / "plan", tmp_path / "plan")
    contacts = (REPO / "config" / "contacts.toml").read_text("utf-8").splitlines()
    (tmp_path / "contacts.toml").write_text("\n".join(line for line in contacts if not line.startswith("webhook = ")))
    (tmp_path / "gateway.toml").write_text(f"""[gateway]
name = "garrison"
state = "gateway"
board = {{ host = "127.0.0.1", port = {free_port()} }}
[broker]
host = "127.0.0.1"
port = {free_port()}
user = "gateway"
password = {{ file = "secret" }}
[notify.email]
host = "127.0.0.1"
sender = "wolfsmoke@example.net"
""")
    (tmp_path / "agent.toml").write_text(f"""[agent]
site = "hq"
name = "room"
state = "agent"
[broker]
host = "127.0.0.1"
port = {free_port()}
user = "room"
password = {{ file = "secret" }}
[[device]]
id = "ups-1"
megatec = {{ port = "{tmp_path}/none" }}
""")
    return tmp_path


def replace(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


@pytest.mark.parametrize(
    ("part", "said"), [("agent", "good: hq/room, 1 devices"), ("gateway", "good: garrison, 37 clauses")]
)
def test_check_ends_with_0_for_good_settings(folder, part, said):
    done = run(part, "check", "--config", folder / f"{part}.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


BROKEN = {
    "agent": (
        (
            ("agent", 'site = "hq"', 'site = "HQ"'),
            ("agent", 'user = "room"', 'usr = "room"'),
            ("agent", 'file = "secret"', 'file = "nowhere"'),
            ("agent", 'port = "/', 'prt = "/'),
        ),
        (
            ("agent.toml:2", "agent.site", "lower-case"),
            ("agent.toml:8", "broker.usr", "did you mean 'user'?"),
            ("agent.toml:9", "broker.password", "nowhere"),
            ("agent.toml:12", "device[0].megatec.prt", "did you mean 'port'?"),
        ),
    ),
    "gateway": (
        (
            ("gateway", 'name = "garrison"', 'name = "Garrison"'),
            ("gateway", 'password = { file = "secret" }', f'password = "{SECRET}"\ntls = {{ ca = "none.pem" }}'),
            ("gateway", 'sender = "wolfsmoke@example.net"', 'sender = "wolfsmoke"'),
            ("contacts", "[hours]", "[hors]"),
            ("plan/3.1", 'page_after = "30s"', "page_after = 30"),
        ),
        (
            ("gateway.toml:2", "gateway.name", "lower-case"),
            ("gateway.toml:9", "broker.password", '{ file = "'),
            ("gateway.toml:10", "broker.tls.ca", "check the path"),
            ("gateway.toml:13", "notify.email.sender", "wolfsmoke@example.net"),
            ("contacts.toml:", "hors", "did you mean 'hours'?"),
            ("3.1.toml:", "page_after", 'write "30s"'),
        ),
    ),
}


@pytest.mark.parametrize("part", BROKEN)
@pytest.mark.parametrize("command", ["check", "run"])
def test_all_that_is_wrong_comes_in_one_listing_with_file_line_key_and_what_to_write(folder, part, command):
    mistakes, problems = BROKEN[part]
    for file, old, new in mistakes:
        replace(folder / f"{file}.toml", (old, new))
    done = run(part, command, "--config", folder / f"{part}.toml")
    assert (done.returncode, done.stdout) == (2, "")
    listing = done.stderr.replace("\n    ", " ").splitlines()  # the way out stands below its problem
    for place, key, way_out in problems:
        assert any(place in line and key in line and way_out in line for line in listing), (place, key, done.stderr)
    assert listing[0].startswith(f"{len(problems)} problems")
    assert len(listing) == len(problems) + 1
    assert SECRET not in done.stderr


# --- use ------------------------------------------------------------------------------------------------------------

VERBS = {
    "agent": (("run",), ("check",), ("read",)),
    "gateway": (("run",), ("check",), ("incident",), ("incident", "close")),
    "sims": (("run",), ("demo",), ("cut",), ("fault",), ("show",)),
}


MAINS = {"agent": agent.__main__.main, "gateway": gateway.__main__.main, "sims": firmware_sims.__main__.main}


@pytest.mark.parametrize("part", VERBS)
def test_help_names_every_command(part, capsys):
    said = run(part, "--help")
    assert (said.returncode, said.stderr) == (0, "")
    for words in VERBS[part]:
        assert words[0] in said.stdout
        with pytest.raises(SystemExit) as end:
            MAINS[part]([*words, "--help"])
        assert end.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: wolfsmoke-{part} {' '.join(words)}")


@pytest.mark.parametrize("part", VERBS)
def test_without_its_extra_a_command_says_what_to_install(part, tmp_path):
    (tmp_path / "agent.toml").write_text('[agent]\nsite = "hq"\nname = "a"\n[broker]\nhost = "127.0.0.1"\n')
    library = {"agent": "psutil", "gateway": "httpx", "sims": "pysnmp"}[part]
    module = {"agent": "agent", "gateway": "gateway", "sims": "firmware_sims"}[part]
    words = {"agent": ["run", "--config", str(tmp_path / "agent.toml")]}.get(part, ["--help"])
    script = (
        f"import sys; sys.modules[{library!r}] = None\nfrom {module}.__main__ import main\nsys.exit(main({words!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert library in done.stderr
    assert f"pip install 'wolfsmoke[{part}]'" in done.stderr


@pytest.mark.parametrize("part", ["agent", "gateway"])
def test_the_version_is_told(part):
    said = run(part, "--version")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"wolfsmoke-{part} 0.")


@pytest.mark.parametrize("part", VERBS)
def test_wrong_use_ends_with_2_and_shows_the_right_one(part, capsys):
    done = run(part, "explode")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"usage: wolfsmoke-{part}")
    for words in ([], ["--nonsense"], ["run", "--nonsense"]):
        with pytest.raises(SystemExit) as end:
            MAINS[part](words)
        assert end.value.code == 2
        assert capsys.readouterr().err.startswith(f"usage: wolfsmoke-{part}")


@pytest.mark.parametrize("part", VERBS)
def test_a_reader_that_leaves_is_no_traceback(site, part):
    """As with ``| head -1``: the pipe is closed before the first word."""
    words = {"agent": ["read", url_of(site, "v2c")], "sims": ["show", "--control", str(site["control"])]}
    for asked in (["--help"], words.get(part, [])):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            done = subprocess.run(
                [BIN / f"wolfsmoke-{part}", *asked], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=LIMIT
            )
        finally:
            os.close(writing)
        assert "Traceback" not in done.stderr
        assert "BrokenPipe" not in done.stderr


# --- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "up", "number"),
    [
        ("agent", "watching 1 devices", signal.SIGINT),
        ("agent", "watching 1 devices", signal.SIGTERM),
        ("gateway", "board on http://", signal.SIGINT),
        ("gateway", "board on http://", signal.SIGTERM),
    ],
)
def test_a_daemon_tells_systemd_how_it_goes_and_a_signal_ends_it_cleanly(folder, part, up, number):
    """Nothing answers here, neither broker nor device: the hardest case for a clean end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(folder / "notify"))
        ear.settimeout(LIMIT)
        told = ""
        env = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "1000000"}
        with staying(BIN / f"wolfsmoke-{part}", "run", "--config", folder / f"{part}.toml", env=env) as running:
            running.wait_for(up)
            while "WATCHDOG=1" not in told or "STATUS=" not in told:
                told += ear.recv(1000).decode() + "\n"
            assert running.end(number) == 0
        while "STOPPING=1" not in told:
            told += ear.recv(1000).decode() + "\n"
    assert told.startswith("READY=1")
    assert "broker away" in told
    assert "Traceback" not in running.said
    assert "Task was destroyed" not in running.said
    assert SECRET not in running.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_simulated_site_and_takes_its_ports_away(tmp_path, number):
    (tmp_path / "site.toml").write_text('[[ups]]\nname = "a"\nface = "megatec"\nlink = "tty"\n')
    command = (BIN / "wolfsmoke-sims", "run", tmp_path / "site.toml", "--folder", tmp_path)
    with staying(*command, "--control", tmp_path / "c", stdout=subprocess.PIPE) as running:
        running.wait_for("a: megatec://")
        assert running.end(number) == 0
    assert "Traceback" not in running.said
    assert not (tmp_path / "tty").is_symlink()
    assert not (tmp_path / "c").exists()
