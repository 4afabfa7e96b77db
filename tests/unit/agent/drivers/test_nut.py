"""The NUT client: what the variables mean, what the errors of a server do, and a server that breaks off."""

import asyncio
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import kinds
from agent.drivers.base import Lane
from agent.drivers.nut import NutDriver, parse, parse_status
from agent.links.nut import LONGEST, NutConnection, NutTarget, words, written
from agent.watch import Watch
from contract.clock import Stamp
from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable
from contract.reading import Quality
from firmware_sims.faults import Fault
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups


def values(found):
    return {reading.quantity: reading.value for reading in found if reading.good}


def qualities(found):
    return {reading.quantity: reading.quality for reading in found}


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ('VAR u ups.mfr "APC"\n', ["VAR", "u", "ups.mfr", "APC"]),
        (r'VAR u x "say \"hi\" \\ there"', ["VAR", "u", "x", 'say "hi" \\ there']),
        ('VAR u x ""', ["VAR", "u", "x", ""]),
        ("OK", ["OK"]),
        ("", []),
        ('VAR u x "open', None),
        ('VAR u x"y"', None),
        ('VAR u "x"y', None),
    ],
)  # fmt: skip
def test_words(line, meant):
    assert words(line) == meant


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), min_size=1), min_size=1)
)
def test_what_is_written_is_read_back(command):
    assert words(written(command).decode()) == command


@given(st.text(max_size=100))
def test_no_line_raises(line):
    words(line)


def test_a_word_has_no_line_in_it():
    with pytest.raises(ValueError, match="one line"):
        written(["GET", "x\nLIST UPS"])


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("OL CHRG", ("CHRG", "OL")),
        ("OL HE", ("ECO", "OL")),
        ("OB LB DISCHRG", ("DISCHRG", "LB", "OB")),
        ("OL SOMETHING-NEW", ("OL",)),
        ("WAIT", None),
        ("", None),
        ("SOMETHING-NEW", None),
    ],
)
def test_the_status(text, flags):
    assert parse_status(text) == flags


@pytest.mark.parametrize(
    ("name", "text", "value", "quality"),
    [
        ("battery.charge", "089.0", 89.0, Quality.GOOD),
        ("battery.voltage", "10000000.", 1e7, Quality.IMPLAUSIBLE),
        ("battery.temperature", "-213", -213.0, Quality.IMPLAUSIBLE),
        ("ups.efficiency", "LoadTooLow", None, Quality.UNAVAILABLE),
        ("battery.charge", "nan", None, Quality.UNAVAILABLE),
        ("battery.charge", "1e2", None, Quality.UNAVAILABLE),
        ("ups.serial", "  ", None, Quality.UNAVAILABLE),
        ("ups.model", " Sim 3000 ", "Sim 3000", Quality.GOOD),
        ("outlet.1.status", "on", "on", Quality.GOOD),
    ],
)
def test_a_variable(name, text, value, quality):
    reading = parse(name, text)
    assert (reading.value, reading.quality) == (value, quality)


def test_an_unknown_variable_is_passed_over():
    assert parse("driver.parameter.pollfreq", "30") is None


PLATE = Plate("room", 'Wolf "grey"', "Sim 3000", "S1")


@pytest.fixture
async def server():
    clock = [0.0]
    units = {
        "room": Unit(Ups(Rating(), lambda: clock[0], load=1350.0), PLATE),
        "depot": Unit(Ups(Rating(), lambda: clock[0]), Plate("depot", "Wolf", "Sim", "S2")),
    }
    made = NutServer(units, user="watch", password="se cret")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def driver(server):
    host, _, port = server.address.rpartition(":")
    made = NutDriver(
        NutConnection(NutTarget(host=host, port=int(port), user="watch", password="se cret", timeout=0.5)), "room"
    )
    yield made
    await made.close()


async def test_it_reads_a_ups(server, driver):
    found = values(await driver.read())
    assert found["ups.load"] == 50.0
    assert found["device.mfr"] == 'Wolf "grey"'
    assert driver.identity.profile == "nut-simulated-ups"
    assert driver.passed_over == {"driver.name", "driver.version"}
    server.ups.cut()
    assert set(values(await driver.read(Lane.FAST))["ups.status"]) == {"OB", "DISCHRG"}


async def test_stale_data_is_never_ok(server, driver):
    before = set(values(await driver.read()))
    await server.set_fault(Fault.SENTINELS)
    for lane in (Lane.FAST, Lane.ALL):
        found = await driver.read(lane)
        assert values(found) == {"ups.status": ("COMM",)}
    assert {reading.quantity for reading in found} == before
    await server.set_fault(Fault.NONE)
    assert "OL" in values(await driver.read())["ups.status"]


async def test_a_server_that_loses_its_ups_ends_no_outage_and_is_an_alarm_itself(server, driver):
    watch = Watch("ups-1", list(kinds.defaults("ups").values()), iter(map(str, range(99))).__next__)

    async def poll(seconds):
        at = Stamp(1000.0 + seconds, seconds, "boot", trusted=True)
        readings = await driver.read()
        watch.readings([*readings, *watch.unheard(readings)], at)
        watch.tick(at)
        return {occurrence.condition for occurrence in watch.standing()}

    assert await poll(0.0) == set()
    server.ups.cut()
    assert await poll(1.0) == {"on-battery"}
    await server.set_fault(Fault.SENTINELS)
    assert await poll(2.0) == {"on-battery"}
    assert await poll(90.0) == {"on-battery", "card-blind"}
    server.ups.restore()
    await server.set_fault(Fault.NONE)
    await poll(91.0)
    assert await poll(120.0) == set()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENCE, DeviceTimeout),
        (Fault.DELAY, DeviceTimeout),
        (Fault.HALF, DeviceTimeout),
        (Fault.GARBAGE, DeviceGarbled),
        (Fault.ADDRESS, DeviceGarbled),
        (Fault.UNPLUG, PortUnavailable),
    ],
)
@pytest.mark.parametrize("lane", Lane)
async def test_a_bad_server_is_an_error_and_then_good_again(server, driver, fault, error, lane):
    await driver.read()
    await server.set_fault(fault)
    for _ in range(2):
        with pytest.raises(error):
            await driver.read(lane)
    await server.set_fault(Fault.NONE)
    assert values(await driver.read())["ups.load"] == 50.0


async def test_a_server_that_was_started_anew_between_two_polls_costs_none(server, driver):
    await driver.read()
    await server.set_fault(Fault.UNPLUG)
    await server.set_fault(Fault.NONE)
    await asyncio.sleep(0.05)
    assert values(await driver.read(Lane.FAST))["battery.charge"] == 100.0


async def test_who_is_not_let_in_is_refused_with_a_way_out(server):
    host, _, port = server.address.rpartition(":")
    target = NutTarget(host=host, port=int(port), user="watch", password="wrong")
    with pytest.raises(DeviceRefused, match="ACCESS-DENIED") as caught:
        await NutDriver(NutConnection(target), "room").read()
    assert "upsd.users" in caught.value.hint
    assert "wrong" not in str(caught.value)


async def test_a_line_break_in_a_password_is_refused(server):
    host, _, port = server.address.rpartition(":")
    with pytest.raises(DeviceRefused, match="line break"):
        await NutConnection(NutTarget(host=host, port=int(port), user="watch", password="a\nb")).ask("VER")


async def serving(answer):
    """A server that answers each line with the same bytes."""

    async def serve(reader, writer):
        while await reader.readline():
            writer.write(answer)
            await writer.drain()
        writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    return made, NutTarget(host="127.0.0.1", port=made.sockets[0].getsockname()[1], timeout=0.5)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (b"x" * (LONGEST + 10) + b"\n", DeviceGarbled, "more than"),
        (b"220 mail.example.net ESMTP\n", DeviceGarbled, "no answer of a NUT server"),
        (b"\xff\xfe\x00\n", DeviceGarbled, "no answer of a NUT server"),
        (b"BEGIN LIST VAR other\n", DeviceGarbled, "no answer of a NUT server"),
        (b"BEGIN LIST VAR room\n" + b'VAR room battery.charge "1"\n' * 6000, DeviceGarbled, "more than"),
        (b"BEGIN LIST VAR room\n", DeviceTimeout, "no answer"),
        (b"ERR FEATURE-NOT-CONFIGURED\n", DeviceRefused, "FEATURE-NOT-CONFIGURED"),
    ],
)
async def test_a_server_that_is_none(answer, error, said):
    made, target = await serving(answer)
    driver = NutDriver(NutConnection(target), "room")
    with pytest.raises(error, match=said):
        await driver.read()
    await driver.close()
    made.close()


async def test_a_server_that_hangs_up():
    async def serve(reader, writer):
        await reader.readline()
        writer.write(b'BEGIN LIST VAR room\nVAR room ups.status "OL"\n')
        writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = NutTarget(host="127.0.0.1", port=made.sockets[0].getsockname()[1])
    with pytest.raises(PortUnavailable, match="hung up"):
        await NutDriver(NutConnection(target), "room").read()
    made.close()


async def test_a_name_that_is_no_host():
    with pytest.raises(PortUnavailable, match="cannot be reached"):
        await NutConnection(NutTarget(host="no.such.host.invalid")).ask("VER")


@pytest.fixture
def certificate(tmp_path):
    """A certificate of its own for localhost."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
async def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heard = []

    async def serve(reader, writer):
        try:
            heard.append(await reader.readline())
            writer.write(b"OK STARTTLS\n")
            await writer.start_tls(context)
            while line := await reader.readline():
                heard.append(line)
                writer.write(b"OK\n" if line.startswith((b"USERNAME", b"PASSWORD")) else b"Network UPS Tools\n")
                await writer.drain()
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield made.sockets[0].getsockname()[1], heard
    made.close()


async def test_tls_comes_before_the_password(secure, certificate):
    port, heard = secure
    target = NutTarget(host="localhost", port=port, user="watch", password="secret", tls=True, ca=str(certificate))
    link = NutConnection(target)
    assert (await link.ask("VER"))[0] == "Network"
    assert heard == [b"STARTTLS\n", b"USERNAME watch\n", b"PASSWORD secret\n", b"VER\n"]
    await link.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password(secure):
    port, heard = secure
    target = NutTarget(host="localhost", port=port, user="watch", password="secret", tls=True)
    with pytest.raises(DeviceRefused, match="no TLS") as caught:
        await NutConnection(target).ask("VER")
    assert "ca" in caught.value.hint
    assert heard == [b"STARTTLS\n"]


async def test_a_certificate_that_cannot_be_read(secure, tmp_path):
    port, _ = secure
    target = NutTarget(host="localhost", port=port, tls=True, ca=str(tmp_path / "none.pem"))
    with pytest.raises(DeviceError, match="cannot be read"):
        await NutConnection(target).ask("VER")
