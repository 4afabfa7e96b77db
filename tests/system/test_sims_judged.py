"""Our simulators before judges that are not ours: NUT's three drivers, and net-snmp.

``upsd`` and the drivers of Debian's nut packages run in a folder of their own; each is asked through ``upsc``.
"""

import asyncio
import os
import shutil
import socket
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contract import settings
from firmware_sims import site

pytestmark = pytest.mark.system

DRIVERS = next((path for path in map(Path, ("/lib/nut", "/usr/lib/nut", "/usr/libexec/nut")) if path.is_dir()), None)
NUT = DRIVERS is not None and (DRIVERS / "upsd").exists() and shutil.which("upsc") is not None
needs_nut = pytest.mark.skipif(not NUT, reason="NUT (nut-server, nut-client, nut-snmp) is not installed")
needs_snmp = pytest.mark.skipif(shutil.which("snmpget") is None, reason="net-snmp (snmp) is not installed")

SITE = settings.load(
    site.SiteSettings,
    """
[[ups]]
name = "server-room"
face = "rfc1628"
community = "wolf"
user = { name = "watch", auth_key = "watch-auth-key", priv_key = "watch-priv-key" }
load = 900.0
rating = { power = 2700.0, apparent = 3000.0, battery = 600.0, string = 72.0 }
[[ups]]
name = "depot"
face = "powernet"
community = "wolf"
load = 350.0
rating = { power = 980.0, apparent = 1500.0, battery = 300.0, string = 24.0, online = false }
[[ups]]
name = "order-room"
face = "megatec"
link = "ttyUPS"
load = 240.0
rating = { power = 800.0, apparent = 1000.0, battery = 200.0, string = 36.0, online = false }
""",
    file="site.toml",
)


@pytest.fixture
async def running(tmp_path):
    async with site.running(SITE, time.monotonic, tmp_path) as made:
        yield made


async def said(*command, **environment):
    """Return what a program wrote; also on standard error."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "MIBS": "", **environment},
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    lines = out.decode().splitlines()
    return "\n".join(line for line in lines if not line.startswith("Created directory"))  # net-snmp, the first time


VERSIONS = {
    "v1": ("-v1", "-c", "wolf"),
    "v2c": ("-v2c", "-c", "wolf"),
    "v3": (
        "-v3",
        "-u",
        "watch",
        "-l",
        "authPriv",
        "-a",
        "SHA",
        "-A",
        "watch-auth-key",
        "-x",
        "AES",
        "-X",
        "watch-priv-key",
    ),
}


@needs_snmp
@pytest.mark.parametrize("version", VERSIONS)
async def test_net_snmp_reads_the_standard_face(running, version):
    device = running["server-room"]

    async def get(*oids):
        return (await said("snmpget", *VERSIONS[version], "-Oqv", "-t", "3", device.address, *oids)).split()

    oids = [f".1.3.6.1.2.1.33.1.{tail}" for tail in ("4.1.0", "2.4.0", "4.4.1.5.1", "3.3.1.3.1", "4.4.1.4.1")]
    assert await get(*oids) == ["3", "100", "33", "230", "900"]
    device.ups.cut()
    assert (await get(*oids))[0] == "5"
    assert (await get(oids[3])) == ["0"]


@needs_snmp
async def test_net_snmp_walks_the_powernet_face(running):
    device = running["depot"]
    walked = await said("snmpbulkwalk", "-v2c", "-c", "wolf", "-Onq", device.address, ".1.3.6.1.4.1.318")
    values = dict(line.split(" ", 1) for line in walked.splitlines())
    base = ".1.3.6.1.4.1.318.1.1.1"
    assert values[f"{base}.4.1.1.0"] == "2"
    assert values[f"{base}.2.2.1.0"] == "100"
    assert values[f"{base}.4.2.3.0"] == "36"
    assert len(values) > 30
    count = len((await said("snmpwalk", "-v1", "-c", "wolf", "-Onq", device.address, ".1.3.6.1.4.1.318")).splitlines())
    assert count - len(values) in {0, 1}  # v1 says "End of MIB" in a line of its own


@needs_snmp
@pytest.mark.parametrize(
    "wrong",
    [
        ("-v2c", "-c", "wrong"),
        ("-v3", "-u", "watch", "-l", "noAuthNoPriv"),
        (
            "-v3",
            "-u",
            "nobody",
            "-l",
            "authPriv",
            "-a",
            "SHA",
            "-A",
            "watch-auth-key",
            "-x",
            "AES",
            "-X",
            "watch-priv-key",
        ),
        (
            "-v3",
            "-u",
            "watch",
            "-l",
            "authPriv",
            "-a",
            "SHA",
            "-A",
            "another-key-12",
            "-x",
            "AES",
            "-X",
            "watch-priv-key",
        ),
    ],
)
async def test_net_snmp_with_wrong_credentials_reads_nothing(running, wrong):
    out = await said(
        "snmpget", *wrong, "-Oqv", "-t", "1", "-r", "0", running["server-room"].address, ".1.3.6.1.2.1.33.1.4.1.0"
    )
    assert "INTEGER" not in out
    assert "3" not in out.split()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nut:
    """A running NUT; asks ``upsc``."""

    def __init__(self, port, ups="ups"):
        self._at = f"{ups}@127.0.0.1:{port}"

    async def variables(self):
        out = await said("upsc", self._at)
        return dict(line.split(": ", 1) for line in out.splitlines() if ": " in line)

    async def until(self, fits, seconds=40):
        """Ask until what it says fits; return it, or fail with the last."""
        deadline = time.monotonic() + seconds
        while True:
            found = await self.variables()
            if fits(found):
                return found
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.3)


@asynccontextmanager
async def nut(folder, driver, lines):
    """Run upsd with one driver."""
    port = free_port()
    folder.mkdir()
    settings_of = {
        "ups.conf": "maxretry = 1\npollinterval = 1\n[ups]\n"
        + "".join(f"  {line}\n" for line in [f"driver = {driver}", *lines]),
        "upsd.conf": f"LISTEN 127.0.0.1 {port}\nMAXAGE 60\n",
        "upsd.users": "",
        "nut.conf": "MODE=standalone\n",
    }
    for name, text in settings_of.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o640)
    environment = {
        **os.environ,
        "NUT_CONFPATH": str(folder),
        "NUT_STATEPATH": str(folder),
        "NUT_ALTPIDPATH": str(folder),
    }
    user = ["-u", "root"] if os.geteuid() == 0 else []
    started = []
    with (folder / "log").open("wb") as log:

        async def start(*command):
            started.append(await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log))

        await start(str(DRIVERS / driver), "-a", "ups", *user, "-D")
        deadline = time.monotonic() + 40
        while not list(folder.glob(f"{driver}-ups")):
            assert started[0].returncode is None, (folder / "log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, (folder / "log").read_text(errors="replace")[-2000:]
            await asyncio.sleep(0.1)
        await start(str(DRIVERS / "upsd"), *user, "-D")
        try:
            yield Nut(port)
        finally:
            for process in reversed(started):
                if process.returncode is None:
                    process.terminate()
                    await asyncio.wait_for(process.wait(), 10)


def has(*flags):
    return lambda found: set(flags) <= set(found.get("ups.status", "").split())


@needs_nut
async def test_snmp_ups_reads_the_standard_face(running, tmp_path):
    device = running["server-room"]
    lines = [f"port = {device.address}", "community = wolf", "snmp_version = v2c", "mibs = ietf", "pollfreq = 1"]
    async with nut(tmp_path / "nut", "snmp-ups", lines) as judge:
        found = await judge.until(has("OL"))
        assert float(found["battery.charge"]) == 100
        assert float(found["ups.load"]) == 33
        assert float(found["input.voltage"]) == 230
        assert float(found["output.voltage"]) == 230
        assert float(found["battery.voltage"]) == pytest.approx(81.7, abs=0.1)
        assert float(found["battery.runtime"]) == pytest.approx(device.ups.view().runtime, abs=60)
        device.ups.cut()
        device.ups.set_charge(10)
        found = await judge.until(has("OB", "LB"))
        assert float(found["battery.charge"]) in {9, 10}
        device.ups.restore()
        await judge.until(has("OL"))


@needs_nut
async def test_snmp_ups_reads_the_powernet_face(running, tmp_path):
    device = running["depot"]
    lines = [f"port = {device.address}", "community = wolf", "snmp_version = v2c", "mibs = apcc", "pollfreq = 1"]
    async with nut(tmp_path / "nut", "snmp-ups", lines) as judge:
        found = await judge.until(has("OL"))
        assert float(found["battery.charge"]) == 100
        assert float(found["ups.load"]) == pytest.approx(35.7, abs=0.1)
        assert float(found["input.voltage"]) == 230
        assert float(found["battery.runtime"]) == pytest.approx(device.ups.view().runtime, abs=5)
        device.ups.cut()
        device.ups.set_charge(10)
        await judge.until(has("OB", "LB"))


@needs_nut
@pytest.mark.parametrize(
    ("driver", "lines"), [("nutdrv_qx", ["protocol = megatec", "pollfreq = 1"]), ("blazer_ser", [])]
)
async def test_the_serial_drivers_read_megatec(running, tmp_path, driver, lines):
    device = running["order-room"]
    async with nut(tmp_path / "nut", driver, [f"port = {device.address}", *lines]) as judge:
        found = await judge.until(has("OL"))
        assert float(found["input.voltage"]) == 230
        assert float(found["output.voltage"]) == 230
        assert float(found["ups.load"]) == 30
        assert float(found["battery.voltage"]) == pytest.approx(40.9, abs=0.1)
        assert float(found["battery.voltage.nominal"]) == 36
        assert float(found["input.frequency"]) == 50
        assert float(found["ups.temperature"]) == 28
        device.ups.cut()
        device.ups.set_charge(10)
        await judge.until(has("OB", "LB"))
        await judge.until(lambda found: float(found["input.voltage"]) == 0)  # nutdrv_qx asks for it less often
        device.ups.restore()
        device.ups.set_charge(50)
        await judge.until(has("OL"))
