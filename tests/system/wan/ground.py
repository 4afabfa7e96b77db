"""A site, its router, its carrier and two far ends, in network namespaces of their own; each link can be spoiled.

::

    site ──eth1── lan cpe wan ──(shim)── trunk carrier ──peer── far: 198.51.100.10 (DNS, HTTP, SSH), 203.0.113.10
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from faults.ground import run

HERE = Path(__file__).parent
SHIM = HERE.parent / "faults" / "shim.py"
_PREFIX = "wolfline"
NAMES = ("site", "cpe", "carrier", "far")
GATEWAY, HOP = "192.168.77.1", "10.79.0.2"
FAR = ("198.51.100.10", "203.0.113.10")
GATEWAY6, HOP6, FAR6 = "fd00:1::1", "fd00:2::2", "2001:db8::10"


def unable():
    """Say why this machine has no such ground, or ""."""
    for tool in ("ip", "iptables"):
        if shutil.which(tool) is None:
            return f"there is no {tool}"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    name = f"{_PREFIX}-{os.getpid()}-try"
    try:
        run("ip", "netns", "add", name)
    except OSError as error:
        return f"no network namespaces: {error}"
    run("ip", "netns", "del", name)
    return ""


class Ground:
    """All of it. Nothing is made before ``build``."""

    def __init__(self):
        self._shim = None
        self._running = []

    def ns(self, name):
        return f"{_PREFIX}-{os.getpid()}-{name}"

    def enter(self, name):
        return ["ip", "netns", "exec", self.ns(name)]

    def ip(self, name, *words):
        run("ip", "-n", self.ns(name), *words)

    def iptables(self, name, *words):
        run(*self.enter(name), "iptables", "-w", *words)

    def build(self):
        sweep()
        for name in NAMES:
            run("ip", "netns", "add", self.ns(name))
            self.ip(name, "link", "set", "lo", "up")
            run(*self.enter(name), "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
        self._veth("site", "eth1", "192.168.77.2/24", "cpe", "lan", f"{GATEWAY}/24")
        self._veth("carrier", "peer", "10.80.0.1/24", "far", "beyond", "10.80.0.2/24")
        command = [sys.executable, str(SHIM), self.ns("cpe"), "wan", self.ns("carrier"), "trunk"]
        self._shim = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._shim.stdout.readline().strip() == "ready"
        for name, interface, address in (("cpe", "wan", "10.79.0.1/24"), ("carrier", "trunk", f"{HOP}/24")):
            self.ip(name, "addr", "add", address, "dev", interface)
            self.ip(name, "link", "set", interface, "up")
        for address in FAR:
            self.ip("far", "addr", "add", f"{address}/32", "dev", "lo")
            self.ip("carrier", "route", "add", f"{address}/32", "via", "10.80.0.2")
        self.ip("site", "route", "add", "default", "via", GATEWAY)
        self.ip("cpe", "route", "add", "default", "via", HOP)
        self.ip("carrier", "route", "add", "192.168.77.0/24", "via", "10.79.0.1")
        self.ip("far", "route", "add", "default", "via", "10.80.0.1")

    def six(self):
        """Have IPv6 on all of it too."""
        links = (
            (("site", "eth1"), ("cpe", "lan")),
            (("cpe", "wan"), ("carrier", "trunk")),
            (("carrier", "peer"), ("far", "beyond")),
        )
        for number, ends in enumerate(links, 1):
            for last, (name, interface) in zip(((2, 1), (1, 2), (1, 2))[number - 1], ends, strict=True):
                self.ip(name, "addr", "add", f"fd00:{number}::{last}/64", "dev", interface, "nodad")
        for name in ("cpe", "carrier"):
            run(*self.enter(name), "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=0")
        self.ip("far", "addr", "add", f"{FAR6}/128", "dev", "lo", "nodad")
        for name, to, via in (
            ("site", "default", "fd00:1::1"),
            ("cpe", "default", "fd00:2::2"),
            ("carrier", f"{FAR6}/128", "fd00:3::2"),
            ("carrier", "fd00:1::/64", "fd00:2::1"),
            ("far", "default", "fd00:3::1"),
        ):
            self.ip(name, "-6", "route", "add", to, "via", via)

    def _veth(self, one, left, left_address, other, right, right_address):
        ends = ("name", left, "netns", self.ns(one)), ("name", right, "netns", self.ns(other))
        run("ip", "link", "add", *ends[0], "type", "veth", "peer", *ends[1])
        for name, interface, address in ((one, left, left_address), (other, right, right_address)):
            self.ip(name, "addr", "add", address, "dev", interface)
            self.ip(name, "link", "set", interface, "up")

    def trunk(self, *, delay=0.0, jitter=0.0, loss=0.0):
        """Have the link to the carrier misbehave, each way."""
        self._shim.stdin.write(f"{delay} {jitter} {loss} 0\n")
        self._shim.stdin.flush()
        threading.Event().wait(0.1)  # the shim reads it before the next packet, and says nothing when it has

    def start(self, name, *command, **options):
        """Run a server in a place until the end."""
        process = subprocess.Popen([*self.enter(name), *command], **options)
        self._running.append(process)
        return process

    def end(self, process):
        process.terminate()
        process.wait(10)
        self._running.remove(process)

    def close(self):
        for process in [*self._running, *([self._shim] if self._shim else [])]:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", self.ns(name)], capture_output=True, check=False)


def sweep():
    """Remove the namespaces of runs whose process is gone."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in (line.split()[0] for line in listed.splitlines()):
        prefix, _, rest = name.partition("-")
        pid = rest.partition("-")[0]
        if prefix == _PREFIX and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            run("ip", "netns", "del", name)


class Lines:
    """What a process writes, line by line."""

    def __init__(self, process):
        self._said = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    def _listen(self, pipe):
        for line in pipe:
            self._said.put(line)
        self._said.put("")

    def next(self):
        """Return the next line; it must come."""
        line = self._said.get(timeout=30)
        assert line, "it ended"
        return line

    def until(self, part):
        """Return the next line that has this in it."""
        while True:
            line = self.next()
            if part in line:
                return line


class Reader:
    """A line that is read at the site; ``as_nobody`` without any right."""

    def __init__(self, ground, settings, *, as_nobody=False):
        words = (
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"] if as_nobody else []
        )
        command = [*words, sys.executable, str(HERE / "reader.py"), settings]
        self._process = ground.start("site", *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._said = Lines(self._process)

    def poll(self, **neighbours):
        """Poll once; return the readings."""
        self._process.stdin.write(json.dumps({"neighbours": neighbours}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._said.next())
