"""Our simulated serial UPSes, and our NUT server, before judges that are not ours: NUT's drivers, and ``upsc``."""

import time
from pathlib import Path

import pytest
from test_sims_judged import Nut, has, needs_nut, nut

from firmware_sims.apcsmart_ups import ApcSmartUps
from firmware_sims.faults import Fault
from firmware_sims.megatec_q6_ups import MegatecQ6Ups
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups
from firmware_sims.voltronic_ups import VoltronicUps

pytestmark = pytest.mark.system

PLATE = Plate("order-room", "Wolfsmoke", "Sim 1000", "S12345678901")
LINE = Rating(power=800.0, apparent=1000.0, battery=200.0, string=36.0, online=False)
ONLINE = Rating(power=800.0, apparent=1000.0, battery=200.0, string=36.0, online=True)


@pytest.fixture
async def made(request, tmp_path):
    kind, rating = request.param
    device = kind(Ups(rating, time.monotonic, load=240.0), PLATE, link=Path(tmp_path / "ttyUPS"))
    await device.start()
    yield device
    await device.stop()


async def outage(device, judge):
    """Cut the mains, empty the battery, bring both back: the judge must see each."""
    device.ups.cut()
    device.ups.set_charge(10)
    await judge.until(has("OB", "LB"))
    await judge.until(lambda found: float(found["input.voltage"]) == 0)
    device.ups.restore()
    device.ups.set_charge(50)
    await judge.until(has("OL"))


@needs_nut
@pytest.mark.parametrize("made", [(VoltronicUps, ONLINE), (VoltronicUps, LINE)], indirect=True)
async def test_nutdrv_qx_reads_voltronic(made, tmp_path):
    lines = [f"port = {made.address}", "protocol = voltronic", "pollfreq = 1"]
    async with nut(tmp_path / "nut", "nutdrv_qx", lines) as judge:
        found = await judge.until(has("OL"))
        view = made.ups.view()
        assert found["ups.type"] == ("online" if made.ups.rating.online else "line-interactive")
        assert float(found["input.voltage"]) == 230
        assert float(found["output.voltage"]) == 230
        assert float(found["ups.load"]) == 30
        assert float(found["battery.charge"]) == 100
        assert float(found["battery.runtime"]) == pytest.approx(view.runtime, abs=60)
        assert float(found["battery.voltage"]) == pytest.approx(40.9, abs=0.1)
        assert float(found["battery.voltage.nominal"]) == 36
        assert float(found["output.current"]) == pytest.approx(view.output_amperes, abs=0.1)
        assert found["device.model"].startswith("Sim1000")
        assert "ALARM" not in found["ups.status"]
        await outage(made, judge)
        made.ups.set_load(900.0)
        await judge.until(has("OVER"))


@needs_nut
@pytest.mark.parametrize("made", [(MegatecQ6Ups, ONLINE)], indirect=True)
@pytest.mark.parametrize(
    ("driver", "lines"), [("nutdrv_qx", ["protocol = q1", "pollfreq = 1"]), ("blazer_ser", ["norating"])]
)
async def test_nut_reads_the_q1_of_a_castle(made, tmp_path, driver, lines):
    async with nut(tmp_path / "nut", driver, [f"port = {made.address}", *lines]) as judge:
        found = await judge.until(has("OL"))
        assert float(found["input.voltage"]) == 230
        assert float(found["battery.voltage"]) == pytest.approx(2.27, abs=0.01)  # a cell's: Q6 has the whole
        await outage(made, judge)


@needs_nut
@pytest.mark.parametrize("made", [(ApcSmartUps, LINE)], indirect=True)
@pytest.mark.parametrize("driver", ["apcsmart", "apcsmart-old"])
async def test_apcsmart_reads_the_smart_face(made, tmp_path, driver):
    async with nut(tmp_path / "nut", driver, [f"port = {made.address}"]) as judge:
        found = await judge.until(has("OL"))
        view = made.ups.view()
        assert found["ups.serial"] == PLATE.serial
        assert found["ups.model"] == PLATE.model
        await judge.until(lambda found: "battery.runtime" in found)
        found = await judge.variables()
        assert float(found["input.voltage"]) == 230
        assert float(found["output.voltage"]) == 230
        assert float(found["ups.load"]) == 30
        assert float(found["battery.charge"]) == 100
        assert float(found["battery.voltage"]) == pytest.approx(40.86, abs=0.05)
        assert float(found["battery.runtime"]) == pytest.approx(view.runtime, abs=60)
        assert float(found["ups.temperature"]) == 28
        await outage(made, judge)


@needs_nut
async def test_upsc_reads_our_server():
    units = {
        "room": Unit(Ups(LINE, time.monotonic, load=240.0), PLATE),
        "depot": Unit(Ups(ONLINE, time.monotonic, load=400.0), Plate("depot", 'Wolf "grey"', "Sim", "S2")),
    }
    server = NutServer(units)
    await server.start()
    try:
        room, depot = (Nut(int(server.address.rpartition(":")[2]), name) for name in units)
        found = await room.variables()
        assert has("OL")(found)
        assert float(found["ups.load"]) == 30
        assert found["device.mfr"] == "Wolfsmoke"
        assert (await depot.variables())["device.mfr"] == 'Wolf "grey"'
        units["room"].ups.cut()
        units["room"].ups.set_charge(10)
        assert has("OB", "LB", "DISCHRG")(await room.variables())
        assert has("OL")(await depot.variables())
        await server.set_fault(Fault.SENTINELS)
        assert await room.variables() == {"Error": "Data stale"}
    finally:
        await server.stop()
