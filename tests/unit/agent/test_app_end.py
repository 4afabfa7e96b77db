"""The end of an agent: what a command switched on goes off, whatever the disk does."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from agent.app import App
from agent.config import parse
from agent.systemd import Notifier
from contract.errors import StorageError

CONFIG = """
[agent]
site = "hq"
name = "order-room"
state = "{state}"

[broker]
host = "127.0.0.1"
user = "order-room"
password = {{ credential = "broker-password" }}

[[device]]
id = "ups-1"
snmp = {{ host = "127.0.0.1", community = {{ file = "community" }} }}
"""


class Siren:
    """A poller and its driver, with something on."""

    device, interval, contact = "siren", 5.0, True

    def __init__(self):
        self.driver = self
        self.on = True
        self.off = asyncio.Event()

    async def run(self, *_args):
        await asyncio.Event().wait()

    async def close(self):
        self.on = False
        self.off.set()


class Rest:
    """An outbox, and a way out, of which nothing comes but an end that hangs or fails."""

    epoch, connected = "00000000000000aa", False

    def __init__(self, flush):
        self.flush = flush

    async def run(self):
        await asyncio.Event().wait()


async def _hang():
    await asyncio.Event().wait()


async def _fail():
    raise StorageError("the spool: disk I/O error")


@pytest.mark.parametrize("flush", [_hang, _fail], ids=["hangs", "fails"])
async def test_a_disk_that_does_not_answer_at_the_end_leaves_no_siren_on(tmp_path, flush):
    config = parse(CONFIG.format(state=tmp_path), Path("agent.toml"), secrets=lambda _: "sesame-open-9")
    app, siren, stop = App(config, "1", Notifier(None), 0.0), Siren(), asyncio.Event()
    app._outbox = app._uplink = Rest(flush)
    app._pollers = [siren]
    stop.set()
    end = asyncio.create_task(app._work(stop))
    async with asyncio.timeout(5):
        await siren.off.wait()
    assert not siren.on
    end.cancel()
    with contextlib.suppress(asyncio.CancelledError, StorageError, ExceptionGroup):
        await end
