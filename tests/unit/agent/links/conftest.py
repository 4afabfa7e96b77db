"""Two engines, a link to a port by one of them, and net-snmp's snmpd."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.links.snmp import SnmpLink, SnmpTarget
from agent.links.snmp_engines import open_link
from contract.errors import DeviceError

sys.path.insert(0, str(Path(__file__).parent))  # for what test modules share: snmp_device


@asynccontextmanager
async def opened(engine: str, port: int, **how: Any) -> AsyncIterator[SnmpLink]:
    target = SnmpTarget(**({"host": "127.0.0.1", "port": port, "community": "public", "timeout": 5.0} | how))
    link = open_link(target, engine)
    try:
        yield link
    finally:
        await link.close()


@pytest.fixture(params=["gufo", "pysnmp"])
def linked(request) -> Callable[..., AbstractAsyncContextManager[SnmpLink]]:
    """Open a link to a port of this host; once with each engine."""
    return lambda port, **how: opened(request.param, port, **how)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    return free_port()


CONFIG = """\
agentAddress udp:127.0.0.1:{port}
rocommunity public 127.0.0.1
sysContact watch
createUser plain
createUser signed SHA "authpass12"
createUser sealed SHA "authpass12" AES "privpass12"
rouser plain noauth
rouser signed auth
rouser sealed priv
"""


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory) -> Iterator[int]:
    program = shutil.which("snmpd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        pytest.skip("snmpd is not installed (Debian package snmpd)")
    folder = tmp_path_factory.mktemp("snmpd")
    port = free_port()
    (folder / "snmpd.conf").write_text(CONFIG.format(port=port))
    process = subprocess.Popen(
        [program, "-f", "-C", "-c", folder / "snmpd.conf", "-Lf", folder / "log", "-r"],
        env={"SNMP_PERSISTENT_DIR": str(folder / "state"), "MIBS": "", "PATH": "/usr/sbin:/usr/bin"},
    )
    try:
        asyncio.run(up(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def up(port: int) -> None:
    deadline = time.monotonic() + 20
    async with opened("gufo", port, timeout=0.5) as link:
        while True:
            try:
                await link.get(("1.3.6.1.2.1.1.1.0",))
            except DeviceError:
                assert time.monotonic() < deadline, "snmpd does not start"
            else:
                return
