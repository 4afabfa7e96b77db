"""Real time-series servers, and the gateway's own way to them: journal, live picture, store.

Each server has a folder of its own, and can be stopped, killed and started again, by its pid.
"""

import asyncio
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import msgspec
import pytest
from rooms import free_port, mosquitto

from contract.clock import Stamp
from contract.errors import StoreAway
from contract.message import Device, Inventory, Readings, Topic, encode
from contract.settings import Secret
from gateway.config import Store as Settings
from gateway.journal import Journal
from gateway.journal.record import Incoming
from gateway.live import Live
from gateway.store import READER, Store
from gateway.store.servers import open_server

LIMIT = 40.0
"""Seconds until waiting for something is a failure."""
LINE = b"ups,device=ups-1 battery_charge=1.0 1790000000000"
EPOCH = "00000000000000aa"
NOW = float(int(time.time()) - 7200)
"""Two hours ago: no server takes what lies in its future."""


async def until(look, what):
    """Wait until ``look`` says so; there is no event for what another process has not done yet."""
    try:
        async with asyncio.timeout(LIMIT):
            while not await look():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"within {LIMIT:g} s: {what}")


def ask(url, *, user="", password="", **parameters):
    """GET; return status and text. A status of 0: nobody answered."""
    request = urllib.request.Request(f"{url}?{urllib.parse.urlencode(parameters)}")
    return _send(request, user, password)


def post(url, body, *, user="", password="", **parameters):
    """POST bytes; return status and text."""
    request = urllib.request.Request(f"{url}?{urllib.parse.urlencode(parameters)}", data=body)
    return _send(request, user, password)


def _send(request, user, password):
    if user:
        manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
        manager.add_password(None, request.full_url, user, password, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
    else:
        opener = urllib.request.build_opener()
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


class Program:
    """A server that can be stopped, killed, and started again on the same port and folder."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = None

    def command(self):
        raise NotImplementedError

    def ready(self):
        raise NotImplementedError

    async def start(self):
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                self.command(), stdout=log, stderr=log
            )
        await until(lambda: asyncio.to_thread(self.ready), f"{self.command()[0]} answers")

    def stop(self):
        self._end(subprocess.Popen.terminate)

    def kill(self):
        self._end(subprocess.Popen.kill)

    def _end(self, how):
        if self._process is not None:
            how(self._process)
            self._process.wait(LIMIT)
            self._process = None


class Influx(Program):
    """InfluxDB 1.x."""

    auth = False

    def command(self):
        config = self.folder / "influxdb.conf"
        config.write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "{self.folder}/meta"
[data]
dir = "{self.folder}/data"
wal-dir = "{self.folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{self.port}"
auth-enabled = {str(self.auth).lower()}
log-enabled = false
""")
        return ["influxd", "run", "-config", str(config)]

    def ready(self):
        return ask(f"{self.url}/ping")[0] == 204

    def do(self, statement, **more):
        """Run a statement that changes something."""
        status, text = post(f"{self.url}/query", b"", q=statement, **more)
        assert status == 200, text
        assert "error" not in text, text

    def query(self, statement, *, database="wolfsmoke", **more):
        """Return the series of a query: dicts with name, tags, columns, values."""
        status, text = ask(f"{self.url}/query", db=database, epoch="ms", q=statement, **more)
        assert status == 200, text
        (result,) = json.loads(text)["results"]
        assert "error" not in result, (statement, result)
        return result.get("series", [])

    def points(self, **more):
        """Return all the points of UPSes: (device, milliseconds) → fields that are there; each point once."""
        found = {}
        for series in self.query('SELECT * FROM "ups"', **more):
            for values in series["values"]:
                row = dict(zip(series["columns"], values, strict=True))
                key = (row.pop("device"), row.pop("time"))
                assert key not in found, "two points where there should be one"
                found[key] = {name: value for name, value in row.items() if value is not None}
        return found

    def settings(self, **more):
        return Settings(**{"kind": "influxdb1", "url": self.url, "database": "wolfsmoke", "timeout": 5.0, **more})


class Victoria(Program):
    """VictoriaMetrics."""

    flags = ()

    def command(self):
        return [
            "victoria-metrics",
            f"-storageDataPath={self.folder}/data",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=10y",
            "-dedup.minScrapeInterval=1ms",
            "-search.disableCache",
            *self.flags,
        ]

    def ready(self):
        return ask(f"{self.url}/health")[0] == 200

    def series(self, **more):
        """Return what it has: (name, device) → {milliseconds: value}; no sample twice."""
        status, text = ask(f"{self.url}/api/v1/export", **{"match[]": '{device=~".+"}'}, **more)
        assert status == 200, text
        found = {}
        for one in map(json.loads, text.splitlines()):
            key = (one["metric"]["__name__"], one["metric"]["device"])
            samples = dict(zip(one["timestamps"], one["values"], strict=True))
            assert len(samples) == len(one["timestamps"]), "a sample stands there twice"
            found.setdefault(key, {}).update(samples)
        return found

    def settings(self, **more):
        return Settings(**{"kind": "victoriametrics", "url": self.url, "timeout": 5.0, **more})


class FixedClock:
    """A gateway's clock that stands still: the store asks it nothing."""

    def stamp(self):
        return Stamp(wall=NOW, boottime=10.0, boot="g", trusted=True)

    def boottime(self):
        return 10.0


DEVICES = Inventory(
    devices=(
        Device(id="ups-1", kind="ups", room="机房 A"),
        Device(id="ups-2", kind="ups", room="订单部"),
    )
)


class Gateway:
    """The part of the gateway that ends at the store; ``keep`` is what arrives."""

    def __init__(self, journal, settings, inventory=DEVICES):
        self.journal = journal
        self.live = Live(FixedClock())
        self.live.inventory("hq", "a", inventory)
        self.store = Store(open_server(settings), journal, self.live, backoff=(0.05, 0.2))
        self.seq = 0
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self.store.run())

    async def stop(self):
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()
            self._task = None

    async def keep(self, *messages, site="hq", agent="a"):
        rows = []
        for message in messages:
            self.seq += 1
            body = encode(msgspec.structs.replace(message, epoch=EPOCH, seq=self.seq))
            rows.append(Incoming(site, agent, Topic.READINGS, body, message.at.wall, EPOCH, self.seq))
        await self.journal.append(rows)

    async def passed(self, position=0):
        """Wait until the store's cursor is behind all, or a position."""

        async def there():
            return await self.journal.cursor(READER) >= (position or self.journal.position)

        await until(there, "the cursor follows")


def poll(at, device="ups-1", **values):
    """Return a poll of a UPS; names are written with two underscores for a dot."""
    stamp = Stamp(at, at - NOW + 1e6, "b", trusted=True)
    given = {name.replace("__", "."): value for name, value in values.items()}
    return Readings(device=device, at=stamp, values=given or {"battery.charge": (at - NOW) % 100.0})


def away(settings, lines=LINE):
    """Write; return the error, which says to try again."""
    server = open_server(settings)
    try:
        with pytest.raises(StoreAway) as caught:
            server.write(lines)
    finally:
        server.close()
    return caught.value


def need(program, package):
    if shutil.which(program) is None:
        pytest.skip(f"needs Debian's {package}: see tests/packages.sh")


@pytest.fixture
async def broker(tmp_path):
    """The port of a mosquitto that lets everybody in."""
    async with mosquitto(tmp_path) as port:
        yield port


@pytest.fixture
async def influx(tmp_path):
    """A running InfluxDB 1.x with an empty database."""
    need("influxd", "influxdb")
    folder = tmp_path / "influx"
    folder.mkdir()
    server = Influx(folder)
    await server.start()
    server.do("CREATE DATABASE wolfsmoke")
    yield server
    server.kill()


@pytest.fixture
async def victoria(tmp_path):
    """A running VictoriaMetrics."""
    need("victoria-metrics", "victoria-metrics")
    folder = tmp_path / "victoria"
    folder.mkdir()
    server = Victoria(folder)
    await server.start()
    yield server
    server.kill()


@pytest.fixture
async def gateways(tmp_path):
    """Make gateways, each on a journal of its own or on one that is given."""
    journals, made, writers = [], [], []

    async def make(settings, *, journal=None, inventory=DEVICES):
        if journal is None:
            journal = await Journal.open(tmp_path / f"journal-{len(journals)}.db", FixedClock())
            journals.append(journal)
            writers.append(asyncio.create_task(journal.run()))
        made.append(Gateway(journal, settings, inventory))
        return made[-1]

    yield make
    for gateway in made:
        await gateway.stop()
    for writer in writers:
        writer.cancel()
        await asyncio.wait([writer])
    for journal in journals:
        await journal.close()


@pytest.fixture
def tools():
    """What the tests next door share, where a module cannot be imported."""

    class Tools:
        now = NOW
        line = LINE
        away = staticmethod(away)
        secret = Secret
        ask = staticmethod(ask)
        post = staticmethod(post)
        poll = staticmethod(poll)
        until = staticmethod(until)
        settings = Settings

    return Tools
