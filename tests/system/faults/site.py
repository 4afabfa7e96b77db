"""A whole site of real processes: agents with their devices, broker, gateway, store, and what can be done to them."""

import getpass
import json
import re
import select
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from faults import texts
from faults.devices import Answer, decode, read_log
from faults.evidence import Life, Point
from faults.ground import DISK, HERE, HUB, Disk, Ground, faketime
from faults.journal import Watcher
from faults.processes import Program, now
from faults.schedule import AGENTS, BROKER, GATEWAY, STORE, Fault, Kind

REPO = HERE.parents[2]
BIN = Path(sys.executable).parent
AGAIN = 1.0
"""Seconds after which a process that ended by itself is started again, as by a service manager."""
_READY = 20.0
_EPOCH = re.compile(r"epoch ([0-9a-f]{16})")


class DeviceHost:
    """The devices of one agent: they live on when it does not."""

    def __init__(self, agent: str, names: Sequence[str], folder: Path, within: Sequence[str]) -> None:
        self.agent = agent
        self.names = tuple(names)
        self.ports: dict[str, int] = {}
        self._log = folder / f"{agent}.said"
        self._command = [*within, sys.executable, str(HERE / "devices.py"), str(self._log), *names]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start them, and wait for their ports."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.ports = json.loads(self._process.stdout.readline())

    def order(self, *words: str) -> None:
        """Give them a command."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()

    def answers(self) -> list[Answer]:
        """Return what they have said so far."""
        return read_log(self._log.read_text()) if self._log.exists() else []

    def close(self) -> None:
        """End them."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


class Site:
    """All of it. Nothing is made before ``build``; ``close`` takes everything away, however far it came."""

    def __init__(
        self,
        folder: Path,
        unable: dict[Kind, str],
        *,
        agents: int = len(AGENTS),
        devices: int = 3,
        gateway: Sequence[str] = (),
    ) -> None:
        """Take an empty folder, what cannot be done here, how many agents with how many devices each.

        ``gateway`` is what is run instead of the installed command.
        """
        self._folder = folder
        self._unable = unable
        self.agents = AGENTS[:agents]
        self._gateway = gateway or [str(BIN / "wolfsmoke-gateway")]
        shimmed = () if Kind.JITTER in unable else self.agents[-1:]
        self.ground = Ground([*self.agents, GATEWAY, STORE], shimmed=shimmed, real=Kind.CUT not in unable)
        self.disks: dict[str, Disk] = {}
        self.programs: dict[str, Program] = {}
        self.hosts: dict[str, DeviceHost] = {}
        self.wanted: set[str] = set()
        """Programs that are to run."""
        self.watcher = Watcher(folder / GATEWAY / "state" / "journal.db")
        self._ports = {name: _free_port() for name in (BROKER, STORE, "rpc", "board")}
        self._words = {name: f"{name}-word" for name in (GATEWAY, *self.agents)}
        self._names = {agent: [f"ups-{agent[-1]}{chr(97 + n)}" for n in range(devices)] for agent in self.agents}

    @property
    def _store(self) -> str:
        return f"{self.ground.address(STORE)}:{self._ports[STORE]}"

    @property
    def abilities(self) -> dict[str, set[Kind]]:
        """Target → what can be done to it."""
        found: dict[str, set[Kind]] = {}
        for target in (*self.agents, GATEWAY, BROKER, STORE):
            kinds = {Kind.KILL, Kind.TERM}
            if target in self.ground.places:
                kinds |= self.ground.able(target)
            if target in (*self.agents, GATEWAY):
                kinds |= {Kind.FULL, Kind.STEP}
            found[target] = kinds - set(self._unable)
        return found

    def build(self) -> None:
        """Make everything, and start it.

        Raises:
            OSError: we may not.
            TimeoutError: something does not answer.
        """
        self.ground.build()
        for name in (*self.agents, GATEWAY):
            (self._folder / name).mkdir()
            if Kind.FULL not in self._unable:
                self.disks[name] = Disk(self._folder / name / "state", DISK)
                self.disks[name].mount()
        self._make_broker()
        self._make_store()
        self._make_gateway()
        for agent in self.agents:
            self._make_agent(agent)
        for name in (BROKER, STORE, GATEWAY, *self.agents):
            self.wanted.add(name)
            self.programs[name].start()
        _until(lambda: self.query(f"CREATE DATABASE {texts.DATABASE}") is not None, "the store answers")

    # What breaks

    def apply(self, fault: Fault) -> None:
        """Let a fault begin."""
        match fault.kind:
            case Kind.KILL:
                self.wanted.discard(fault.target)
                self.programs[fault.target].kill()
            case Kind.TERM:
                self.wanted.discard(fault.target)
                self.programs[fault.target].terminate()
            case Kind.FULL:
                self.disks[fault.target].fill()
            case Kind.STEP:
                self._step(fault.target, fault.amount)
            case _:
                self.ground.spoil(fault.target, fault.kind, fault.amount)

    def lift(self, fault: Fault) -> None:
        """Let a fault end."""
        match fault.kind:
            case Kind.KILL | Kind.TERM:
                self.wanted.add(fault.target)
            case Kind.FULL:
                self.disks[fault.target].free()
            case Kind.STEP:
                self._step(fault.target, 0.0)
            case _:
                self.ground.mend(fault.target, fault.kind, fault.amount)

    def supervise(self) -> None:
        """Start what is to run and does not."""
        for name, program in self.programs.items():
            program.look()
            if name in self.wanted and not program.running:
                ended = program.runs[-1].ended if program.runs else None
                if not program.trouble or ended is None or now() - ended >= AGAIN:
                    program.start()

    def flip(self, device: str, *, battery: bool) -> None:
        """Let the mains of a device fail, or come back."""
        self.host(device).order("battery" if battery else "mains", device)

    def mute(self) -> None:
        """Let no device answer any more."""
        for host in self.hosts.values():
            host.order("mute")

    def host(self, device: str) -> DeviceHost:
        """Return the host of a device."""
        return next(host for host in self.hosts.values() if device in host.names)

    # What came of it

    def lives(self) -> list[Life]:
        """Return the processes of all agents."""
        found = []
        for agent in self.agents:
            for run in self.programs[agent].runs:
                epoch = _EPOCH.search(run.log.read_text("utf-8", "replace"))
                found.append(Life(agent, epoch[1] if epoch else "", run.began, run.ended, run.killed))
        return found

    def points(self) -> list[Point]:
        """Return all that the store has of devices that answered; empty while it does not answer."""
        found = []
        for series in self.query('SELECT * FROM "ups"') or []:
            for values in series["values"]:
                row = dict(zip(series["columns"], values, strict=True))
                number = decode(row)
                if number is not None:
                    found.append(Point(str(row["device"]), number, row["time"] / 1000.0))
        return found

    def write(self, lines: str) -> None:
        """Write to the store, behind everybody's back."""
        self._post("write", {"db": texts.DATABASE, "precision": "ms"}, lines.encode())

    def troubles(self) -> list[str]:
        """Return what the processes did that they should not."""
        found = [text for program in self.programs.values() for text in program.trouble]
        logs = [run.log for program in self.programs.values() for run in program.runs]
        return [
            *found,
            *(f"{log.name}: a traceback" for log in logs if "Traceback" in log.read_text("utf-8", "replace")),
        ]

    def keep(self, name: str, body: bytes) -> None:
        """Leave something beside the logs, for whoever looks into what went wrong."""
        (self._folder / name).write_bytes(body)

    def stop(self) -> None:
        """End all processes of ours as a service manager would."""
        self.wanted.clear()
        for name in (*self.agents, GATEWAY):
            self.programs[name].terminate()
        _until(lambda: not any(self._ended(name) for name in (*self.agents, GATEWAY)), "agents and gateway have ended")

    def _ended(self, name: str) -> bool:
        self.programs[name].look()
        return self.programs[name].running

    def close(self) -> None:
        """Take everything away, whatever fails on the way, and keep the journal and the spools."""
        with ExitStack() as last_first:
            last_first.callback(self.ground.close)
            for disk in self.disks.values():
                last_first.callback(disk.close)
            for name, disk in self.disks.items():
                last_first.callback(self._save, disk, self._folder / name / "kept")
            last_first.callback(self.watcher.close)
            for host in self.hosts.values():
                last_first.callback(host.close)
            for program in self.programs.values():
                last_first.callback(program.kill)

    @staticmethod
    def _save(disk: Disk, folder: Path) -> None:
        disk.free()
        shutil.copytree(disk.folder, folder, dirs_exist_ok=True, ignore=_no_sockets)

    # How it is made

    def _make_broker(self) -> None:
        folder = self._folder / BROKER
        folder.mkdir()
        shipped = (REPO / "config/mosquitto/wolfsmoke.conf").read_text("utf-8")
        shutil.copy(REPO / "config/mosquitto/wolfsmoke.acl", folder / "acl")
        (folder / "passwords").touch()
        for user, word in self._words.items():
            subprocess.run(["mosquitto_passwd", "-b", folder / "passwords", user, word], check=True, timeout=20)
        listener = f"{self._ports[BROKER]} {'0.0.0.0' if self.ground.real else '127.0.0.1'}"
        (folder / "conf").write_text(texts.broker(shipped, str(folder), getpass.getuser(), listener))
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._program(BROKER, [mosquitto, "-c", str(folder / "conf")], HUB)

    def _make_store(self) -> None:
        folder = self._folder / STORE
        folder.mkdir()
        (folder / "conf").write_text(texts.store(str(folder), self._store, self._ports["rpc"]))
        self._program(STORE, ["influxd", "run", "-config", str(folder / "conf")], STORE)

    def _make_gateway(self) -> None:
        folder = self._folder / GATEWAY
        shutil.copytree(REPO / "config/plan", folder / "plan")
        contacts = (REPO / "config/contacts.toml").read_text("utf-8")
        (folder / "contacts.toml").write_text(texts.contacts(contacts), "utf-8")
        (folder / "word").write_text(self._words[GATEWAY])
        settings = texts.gateway((self.ground.hub(GATEWAY), self._ports[BROKER]), self._store, self._ports["board"])
        (folder / "gateway.toml").write_text(settings)
        command = [*self._gateway, "run", "--config", str(folder / "gateway.toml")]
        self._program(GATEWAY, [*self._clock(GATEWAY), *command], GATEWAY)

    def _make_agent(self, agent: str) -> None:
        folder = self._folder / agent
        host = self.hosts[agent] = DeviceHost(agent, self._names[agent], self._folder, self.ground.enter(agent))
        host.start()
        (folder / "word").write_text(self._words[agent])
        settings = texts.agent(agent, (self.ground.hub(agent), self._ports[BROKER]), host.ports)
        (folder / "agent.toml").write_text(settings)
        command = [str(BIN / "wolfsmoke-agent"), "run", "--config", str(folder / "agent.toml")]
        self._program(agent, [*self._clock(agent), *command], agent)

    def _program(self, name: str, command: Sequence[str], place: str) -> None:
        self.programs[name] = Program(name, command, self._folder, within=self.ground.enter(place))

    def _clock(self, name: str) -> list[str]:
        """Return the words that run a command with a wall clock of its own."""
        library = faketime()
        if Kind.STEP in self._unable or library is None:
            return []
        self._step(name, 0.0)
        return [
            "env",
            f"LD_PRELOAD={library}",
            f"FAKETIME_TIMESTAMP_FILE={self._folder / name / 'clock'}",
            "FAKETIME_CACHE_DURATION=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            f"PYTHONPATH={HERE / 'sleep'}",
        ]

    def _step(self, name: str, seconds: float) -> None:
        fresh = self._folder / name / "clock.new"
        fresh.write_text(f"{seconds:+.0f}s\n")
        fresh.replace(self._folder / name / "clock")

    def query(self, statement: str) -> list[dict[str, Any]] | None:
        """Return the series of a query; None while the store does not answer."""
        text = self._post("query", {"db": texts.DATABASE, "epoch": "ms", "q": statement}, b"")
        if text is None:
            return None
        (result,) = json.loads(text)["results"]
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def _post(self, path: str, parameters: dict[str, str], body: bytes) -> str | None:
        request = urllib.request.Request(
            f"http://{self._store}/{path}?{urllib.parse.urlencode(parameters)}", data=body, method="POST"
        )

        def post() -> str | None:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return str(answer.read().decode())
            except (urllib.error.URLError, OSError):
                return None

        return self.ground.within(STORE, post)


def _no_sockets(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not Path(folder, name).is_file()}


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _until(met: Callable[[], bool], what: str) -> None:
    """Look again and again; there is no event for what another process has not done yet."""
    end = now() + _READY
    while not met():
        if now() > end:
            raise TimeoutError(f"within {_READY:g} s: {what}")
        select.select([], [], [], 0.05)
