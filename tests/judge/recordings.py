"""Recordings, read as data or served by snmpsim."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.links.snmp import Raw, SnmpTarget
from agent.links.snmp_engines import open_link
from contract.errors import DeviceError

START = 120
"""Seconds that snmpsim gets to index its data."""


def parse(path: Path) -> dict[str, Raw]:
    """Return the values of a ``.snmprec`` file by OID."""
    values: dict[str, Raw] = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        oid, tag, text = line.split("|", 2)
        match tag:
            case "2" | "65" | "66" | "67" | "70":
                values[oid] = int(text)
            case "4x":
                values[oid] = bytes.fromhex(text)
            case "4":
                values[oid] = text.encode()
            case "5":
                values[oid] = None
            case _:
                values[oid] = text
    return values


class Recorded:
    """A link to a recording that nobody serves."""

    def __init__(self, values: dict[str, Raw]) -> None:
        self.values = values

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        return {oid: self.values.get(oid) for oid in oids}

    async def walk(self, root: str) -> dict[str, Raw]:
        start = root + "."
        below = [oid for oid in self.values if oid.startswith(start)]
        return {oid: self.values[oid] for oid in sorted(below, key=lambda oid: [int(part) for part in oid.split(".")])}

    async def close(self) -> None:
        pass


class Listening:
    """A link that remembers what came."""

    def __init__(self, link: object) -> None:
        self._link = link
        self.values: dict[str, Raw] = {}

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        got = await self._link.get(oids)
        self.values.update(got)
        return got

    async def walk(self, root: str) -> dict[str, Raw]:
        return await self._link.walk(root)

    async def close(self) -> None:
        await self._link.close()


def free_port() -> int:
    """Return a UDP port of loopback that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def simulator() -> str:
    """Return the path of snmpsim's responder, '' when it is not installed."""
    beside = Path(sys.executable).with_name("snmpsim-command-responder")
    return str(beside) if beside.exists() else shutil.which("snmpsim-command-responder") or ""


async def answers(port: int, community: str) -> bool:
    """Say whether somebody answers; snmpsim says that it listens before it does."""
    link = open_link(SnmpTarget(host="127.0.0.1", port=port, community=community, timeout=1.0, retries=0))
    try:
        await link.get(["1.3.6.1.2.1.1.2.0"])
    except DeviceError:
        return False
    finally:
        await link.close()
    return True


@contextlib.contextmanager
def served(files: Sequence[Path], folder: Path) -> Iterator[int]:
    """Serve copies of recordings by snmpsim; the community is the file's name without its ending.

    Yields:
        The UDP port on loopback.
    """
    data, cache = folder / "data", folder / "cache"
    data.mkdir(parents=True)
    cache.mkdir()
    for file in files:
        shutil.copy(file, data / file.name)
    port = free_port()
    command = [simulator(), f"--data-dir={data}", f"--cache-dir={cache}", f"--agent-udpv4-endpoint=127.0.0.1:{port}"]
    log = folder / "snmpsim.log"
    with log.open("w") as out:
        # as root it wants to drop to nobody, who may not read where Python itself lives
        process = subprocess.Popen(
            [*command, "--process-user=root", "--process-group=root"], stdout=out, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + START
            while not asyncio.run(answers(port, files[0].stem)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"snmpsim did not start: {log.read_text()[-400:]}")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            yield port
        finally:
            process.terminate()
            process.wait(10)
