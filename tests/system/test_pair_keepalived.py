"""A real keepalived pair in network namespaces of our own: who is active is found by the card that answers, and by their word.

``pair_watch.py`` runs in the namespace of the agent and prints what a pair's driver says, one JSON line a look.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

HERE = Path(__file__).parent
BASE = f"wolfpair-{os.getpid()}"
PLACES = {"a": "10.77.0.11", "b": "10.77.0.12", "agent": "10.77.0.20"}
VIRTUAL = "10.77.0.10"
LIMIT = 40.0

CONF = """
global_defs {{
  router_id {name}
  script_user root
  enable_script_security
  vrrp_garp_master_repeat 3
}}
vrrp_instance orders {{
  state BACKUP
  interface uplink
  virtual_router_id 51
  priority {priority}
  advert_int 1
  virtual_ipaddress {{
    {virtual}/24
  }}
  notify "{notify}"
}}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def inside(place, *words):
    return ["ip", "netns", "exec", f"{BASE}-{place}", *words]


@pytest.fixture
def ground(tmp_path):
    if shutil.which("keepalived") is None or shutil.which("iptables") is None:
        pytest.skip("there is no keepalived, or no iptables")
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    hub = f"{BASE}-hub"
    made = []
    try:
        try:
            ip("netns", "add", hub)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no namespaces here: {error.stderr.decode().strip()}")
        made.append(hub)
        ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", hub, "link", "set", "bridge", "up")
        for place, address in PLACES.items():
            name = f"{BASE}-{place}"
            ip("netns", "add", name)
            made.append(name)
            ip("-n", hub, "link", "add", f"h-{place}", "type", "veth", "peer", "name", "uplink", "netns", name)
            ip("-n", hub, "link", "set", f"h-{place}", "master", "bridge", "up")
            ip("-n", name, "address", "add", f"{address}/24", "dev", "uplink")
            ip("-n", name, "link", "set", "uplink", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield tmp_path
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=20)


class Host:
    """One of the two: keepalived, and the role that it tells its notify script."""

    def __init__(self, name, priority, folder):
        self.name, self.folder = name, folder
        self.role = folder / f"{name}.role"
        notify = folder / f"{name}.sh"
        notify.write_text(f'#!/bin/sh\nprintf %s "$3" > {self.role}.new && mv {self.role}.new {self.role}\n')
        notify.chmod(0o700)
        self.conf = folder / f"{name}.conf"
        self.conf.write_text(CONF.format(name=name, priority=priority, virtual=VIRTUAL, notify=notify))
        self.process = None

    def start(self):
        pids = [f"--{kind}={self.folder}/{self.name}.{kind}" for kind in ("pid", "vrrp_pid")]
        words = inside(self.name, "keepalived", "-P", "-n", "-l", "-f", str(self.conf), *pids)
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None
            self.role.write_text("STOP")


class Watched:
    """The agent's view: the last look, and a way to wait for one."""

    def __init__(self, folder, way):
        roles = [str(folder / f"{name}.role") for name in ("a", "b")]
        words = inside("agent", sys.executable, str(HERE / "pair_watch.py"), json.dumps(way), *roles)
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.changed = threading.Condition()
        self.look = {}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.look = json.loads(line)
                self.changed.notify_all()

    def wait_for(self, flags, active=None):
        began = time.monotonic()
        with self.changed:
            seen = self.changed.wait_for(
                lambda: flags <= set(self.look.get("pair.status") or ()) and self.look.get("pair.active") == active,
                LIMIT,
            )
        assert seen, self.look
        return time.monotonic() - began

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.reader.join(5)


ADDRESS = {"address": VIRTUAL, "at": [PLACES["a"], PLACES["b"]]}
WORD = {"quantity": "pair.role", "is": "MASTER"}


@pytest.fixture
def hosts(ground):
    pair = [Host("a", 150, ground), Host("b", 100, ground)]
    yield pair
    for host in pair:
        host.stop()


@pytest.mark.parametrize("way", [ADDRESS, WORD], ids=["by the card that answers", "by their own word"])
def test_a_change_of_places_and_the_loss_of_both_are_seen(ground, hosts, way):
    a, b = hosts
    a.start()
    b.start()
    watched = Watched(ground, way)
    try:
        watched.wait_for({"SINGLE", "REDUNDANT"}, "a")
        a.stop()
        took = watched.wait_for({"SINGLE", "SWITCHED"}, "b")
        assert took < 15.0
        assert watched.look["pair.switches"] == 1.0
        b.stop()
        watched.wait_for({"NOACTIVE"})
        a.start()
        watched.wait_for({"SINGLE", "SERVING"}, "a")
    finally:
        watched.stop()


def test_a_split_brain_is_seen_by_their_own_word(ground, hosts):
    a, b = hosts
    a.start()
    b.start()
    watched = Watched(ground, WORD)
    try:
        watched.wait_for({"SINGLE"}, "a")
        for host in hosts:  # they do not hear each other, and both serve
            words = inside(host.name, "iptables", "-I", "INPUT", "-p", "vrrp", "-j", "DROP")
            subprocess.run(words, check=True, timeout=20)
        watched.wait_for({"SPLIT", "SERVING"})
        for host in hosts:
            subprocess.run(inside(host.name, "iptables", "-F", "INPUT"), check=True, timeout=20)
        watched.wait_for({"SINGLE"}, "a")
    finally:
        watched.stop()
