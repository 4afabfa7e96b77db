"""Our NUT client before judges that are not ours: a real ``upsd`` that serves the dumps of real UPSes, read by ``upsc`` too.

``pytest -s`` prints the table. The dumps are replayed by NUT's ``dummy-ups``; what ``upsc`` says of them is what we must say.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.drivers.base import Lane
from agent.drivers.nut import NutDriver
from agent.links.nut import NutConnection, NutTarget
from contract.errors import DeviceRefused, PortUnavailable
from contract.quantities import UPS_STATUS, Kind, find
from contract.reading import Quality

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
PLACES = (
    Path(os.environ.get("WOLFSMOKE_CASES", ROOT.parent / "shared" / "cases")),
    ROOT.parent.parent / "shared" / "cases",  # from a worktree
)
CASES = next((place for place in PLACES if place.is_dir()), PLACES[0])
DRIVERS = next((path for path in map(Path, ("/lib/nut", "/usr/lib/nut", "/usr/libexec/nut")) if path.is_dir()), None)
NUT = DRIVERS is not None and (DRIVERS / "dummy-ups").exists() and shutil.which("upsc") is not None
needs_nut = pytest.mark.skipif(not NUT, reason="NUT (nut-server, nut-client) is not installed")

STEADY = """battery.charge: 87
input.voltage: 231.0
ups.mfr: Wolf "the grey" \\\\ Smoke
ups.model: Sim 3000
ups.status: OL CHRG
ups.load: 33
not.in.our.dictionary: 1
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running upsd; ``drivers`` are the processes of its UPSes, by name."""

    def __init__(self, port, folder, environment):
        self.port = port
        self.folder = folder
        self.drivers = {}
        self._environment = environment

    async def upsc(self, ups):
        process = await asyncio.create_subprocess_exec(
            "upsc", f"{ups}@127.0.0.1:{self.port}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        return dict(line.split(": ", 1) for line in out.decode().splitlines() if ": " in line)

    async def start_driver(self, ups):
        root = ["-u", "root"] if os.geteuid() == 0 else []
        with (self.folder / "log").open("ab") as log:
            self.drivers[ups] = await asyncio.create_subprocess_exec(
                str(DRIVERS / "dummy-ups"), "-a", ups, *root, "-F", env=self._environment, stdout=log, stderr=log
            )

    def driver(self, ups, **about):
        return NutDriver(NutConnection(NutTarget(host="127.0.0.1", port=self.port, **about)), ups)


@asynccontextmanager
async def server(folder, dumps, *, mode="dummy-once", upsd="MAXAGE 3\n", users=""):
    """Run upsd, and a driver for each dump (name → text)."""
    folder.mkdir()
    port = free_port()
    sections = []
    for ups, text in dumps.items():
        (folder / f"{ups}.dev").write_text(text)
        sections.append(f"[{ups}]\n driver = dummy-ups\n port = {ups}.dev\n mode = {mode}\n")
    settings_of = {
        "ups.conf": "maxretry = 1\npollinterval = 1\n" + "".join(sections),
        "upsd.conf": f"LISTEN 127.0.0.1 {port}\n{upsd}",
        "upsd.users": users,
        "nut.conf": "MODE=netserver\n",
    }
    for name, text in settings_of.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o640)
    environment = {**os.environ, **dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(folder))}
    made = Server(port, folder, environment)
    root = ["-u", "root"] if os.geteuid() == 0 else []
    started = []
    try:
        for ups in dumps:
            await made.start_driver(ups)
        deadline = time.monotonic() + 60
        while len(list(folder.glob("dummy-ups-*"))) < len(dumps):
            assert time.monotonic() < deadline, (folder / "log").read_text(errors="replace")[-2000:]
            await asyncio.sleep(0.1)
        with (folder / "log").open("ab") as log:
            started.append(
                await asyncio.create_subprocess_exec(
                    str(DRIVERS / "upsd"), *root, "-F", env=environment, stdout=log, stderr=log
                )
            )
        for ups in dumps:
            while (await made.upsc(ups)).get("ups.status", "WAIT") == "WAIT":
                assert time.monotonic() < deadline, (ups, (folder / "log").read_text(errors="replace")[-2000:])
                await asyncio.sleep(0.1)
        yield made
    finally:
        for process in (*started, *made.drivers.values()):
            if process.returncode is None:
                process.terminate()
                await asyncio.wait_for(process.wait(), 10)


def meant(name, text):
    """Return what a variable must be read as, by the rules of the dictionary; None: passed over."""
    known = find(name)
    if known is None:
        return None
    if known.kind is Kind.FLAGS:
        words = {"ECO" if word == "HE" else word for word in text.split()}
        return tuple(sorted(words & set(UPS_STATUS)))
    if known.kind is Kind.TEXT:
        return text.strip()
    return float(text) if re.fullmatch(r"[+-]?\d+\.?\d*", text) else "no number"


@needs_nut
async def test_every_variable_of_real_dumps_is_read_as_upsc_reads_it(tmp_path):
    if not (CASES / "nut" / "expected.json").exists():
        pytest.skip(f"the recordings are not part of this project, and not under {CASES}")
    cases = json.loads((CASES / "nut" / "expected.json").read_text())
    dumps = {
        f"u{i}": (CASES / "nut" / "dev" / case["file"]).read_text("utf-8", "replace") for i, case in enumerate(cases)
    }
    totals, everything, bad_read, remarks, lines = Counter(), Counter(), Counter(), [], []
    async with server(tmp_path / "nut", dumps, upsd="MAXAGE 60\n") as made:
        for ups, case in zip(dumps, cases, strict=True):
            driver = made.driver(ups)
            found = {reading.quantity: reading for reading in await driver.read()}
            fast = {reading.quantity: reading for reading in await driver.read(Lane.FAST)}
            await driver.close()
            counts = Counter()
            bad = set(case.get("flagged_bad", ()))
            for name, text in case["values"].items():
                counts["expected"] += 1
                reading = found.get(name)
                if name in bad:
                    counts["flagged"] += 1
                    bad_read[f"flagged {'good' if reading.good else reading.quality.value}"] += 1
                elif reading is None or not reading.good:
                    counts["missing"] += 1
                    remarks.append(f"{case['file']}: {name} = {text!r}: {reading}")
                elif reading.value == meant(name, text):
                    counts["right"] += 1
                else:
                    counts["wrong"] += 1
                    remarks.append(f"{case['file']}: {name} = {text!r}: {reading}")
            said = await made.upsc(ups)
            for name, text in said.items():
                wanted = meant(name, text)
                if wanted is None:
                    everything["passed over"] += 1
                    assert name not in found
                    assert name in driver.passed_over
                elif found[name].good:
                    everything["right" if found[name].value == wanted else "wrong"] += 1
                else:
                    everything[found[name].quality.value] += 1
                    lines.append(f"  {case['file'][:44]:46}{name} = {text!r}: {found[name].quality.value}")
            everything["variables"] += len(said)
            assert fast["ups.status"] == found["ups.status"]
            assert fast.get("battery.charge") == found.get("battery.charge")
            lines.append(f"{case['file'][:52]:54}{dict(counts)}")
            totals += counts
    heads = (f"\nexpected.json: {dict(totals)} {dict(bad_read)}", f"all that upsc says: {dict(everything)}")
    sys.stdout.write("\n".join([*heads, *lines, *remarks]) + "\n")
    assert remarks == []
    assert totals["right"] + totals["flagged"] == totals["expected"] > 100
    assert everything["wrong"] == 0


@needs_nut
async def test_words_in_quotes_and_names(tmp_path):
    async with server(tmp_path / "nut", {"room": STEADY, "other": STEADY}) as made:
        driver = made.driver("room")
        found = {reading.quantity: reading.value for reading in await driver.read()}
        assert found["ups.mfr"] == (await made.upsc("room"))["ups.mfr"]
        assert driver.identity.model == "Sim 3000"
        assert driver.passed_over >= {"not.in.our.dictionary"}
        with pytest.raises(DeviceRefused, match="no UPS 'rom'") as caught:
            await made.driver("rom").read()
        assert "there are" in caught.value.hint
        assert "room" in caught.value.hint
        with pytest.raises(DeviceRefused, match="2 UPSes") as caught:
            await made.driver("").read()
        assert "other" in caught.value.hint


@needs_nut
async def test_a_driver_that_dies_is_blindness_and_comes_back(tmp_path):
    async with server(tmp_path / "nut", {"room": STEADY}, mode="dummy-loop") as made:
        driver = made.driver("")
        found = {reading.quantity: reading for reading in await driver.read()}
        assert found["ups.status"].value == ("CHRG", "OL")
        made.drivers["room"].kill()
        await made.drivers["room"].wait()

        async def status(lane):
            readings = {reading.quantity: reading for reading in await driver.read(lane)}
            others = [reading for name, reading in readings.items() if name != "ups.status"]
            return readings["ups.status"].value, others

        deadline = time.monotonic() + 30
        while (await status(Lane.FAST))[0] != ("COMM",):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        said, others = await status(Lane.ALL)
        assert said == ("COMM",)
        assert others
        assert {reading.quality for reading in others} == {Quality.UNAVAILABLE}
        await made.start_driver("room")
        while (await status(Lane.ALL))[0] != ("CHRG", "OL"):
            assert time.monotonic() < deadline + 30
            await asyncio.sleep(0.2)


@needs_nut
async def test_users_and_servers_that_are_not_there(tmp_path):
    users = "[wolf]\n  password = smoke\n  upsmon secondary\n"
    async with server(tmp_path / "nut", {"room": STEADY}, users=users) as made:
        driver = made.driver("room", user="wolf", password="smoke")
        assert {reading.quantity: reading.value for reading in await driver.read()}["ups.load"] == 33.0
        with pytest.raises(DeviceRefused) as caught:  # this upsd has no certificate
            await made.driver("room", tls=True).read()
        assert "certificate" in caught.value.hint
        port = made.port
    with pytest.raises(PortUnavailable, match=r"cannot be reached|hung up"):
        await driver.read()
    with pytest.raises(PortUnavailable, match="cannot be reached"):
        await NutDriver(NutConnection(NutTarget(host="127.0.0.1", port=port)), "room").read()


async def tool(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, command
    return out


@needs_nut
@pytest.mark.skipif(shutil.which("certutil") is None, reason="certutil (libnss3-tools) is not installed")
async def test_starttls_with_a_certificate_of_its_own(tmp_path):
    """Debian's upsd has its certificate in a database of NSS."""
    database = tmp_path / "db"
    database.mkdir()
    (tmp_path / "pw").write_text("pass1234")
    (tmp_path / "noise").write_bytes(os.urandom(200))
    base = ("-d", str(database), "-f", str(tmp_path / "pw"))
    await tool("certutil", "-N", *base)
    about = ("-n", "upsd", "-s", "CN=localhost", "-8", "localhost", "-x", "-t", "CTu,CTu,CTu", "-v", "120", "-m", "7")
    await tool("certutil", "-S", *base, "-z", str(tmp_path / "noise"), *about)
    ca = tmp_path / "server.pem"
    ca.write_bytes(await tool("certutil", "-L", "-d", str(database), "-n", "upsd", "-a"))
    upsd = f'MAXAGE 60\nCERTPATH {database}\nCERTIDENT "upsd" "pass1234"\n'
    users = "[wolf]\n  password = smoke\n  upsmon secondary\n"
    async with server(tmp_path / "nut", {"room": STEADY}, upsd=upsd, users=users) as made:
        target = NutTarget(host="localhost", port=made.port, user="wolf", password="smoke", tls=True, ca=str(ca))
        driver = NutDriver(NutConnection(target), "room")
        assert {reading.quantity: reading.value for reading in await driver.read()}["ups.load"] == 33.0
        assert {reading.quantity: reading.value for reading in await driver.read(Lane.FAST)}["battery.charge"] == 87.0
        await driver.close()
        with pytest.raises(DeviceRefused, match="certificate verify failed"):
            await made.driver("room", tls=True).read()
