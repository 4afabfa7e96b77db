"""The port for syslog: with util-linux' logger, with rsyslog, and with strangers."""

import asyncio
import shutil
import socket
from ipaddress import ip_network
from pathlib import Path

import pytest

from agent.links.syslog import SyslogPort
from agent.signs.syslog import LONGEST, parse
from contract.errors import PortUnavailable

LIMIT = 10.0
LOOPBACK = [ip_network("127.0.0.0/8")]


class Taken(list):
    def __init__(self):
        super().__init__()
        self.more = asyncio.Event()

    def __call__(self, source, data):
        self.append((source, data))
        self.more.set()

    async def wait_for(self, count):
        async with asyncio.timeout(LIMIT):
            while len(self) < count:
                self.more.clear()
                await self.more.wait()
        return [parse(data) for _, data in self]


@pytest.fixture
async def taken():
    return Taken()


@pytest.fixture
async def port(taken):
    made = []

    async def make(host="127.0.0.1", **options):
        subject = SyslogPort(host, 0, taken, **{"allow": LOOPBACK, **options})
        await subject.open()
        made.append(subject)
        return subject

    yield make
    for subject in made:
        await subject.close()


async def logger(port, *options):
    if shutil.which("logger") is None:
        pytest.skip("logger (bsdutils) is not installed")
    process = await asyncio.create_subprocess_exec(
        "logger", "--server", "127.0.0.1", "--port", str(port.port), *options, stdin=asyncio.subprocess.DEVNULL
    )
    assert await asyncio.wait_for(process.wait(), LIMIT) == 0


@pytest.mark.parametrize("wire", ["--udp", "--tcp"])
@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424"])
@pytest.mark.parametrize("octets", [(), ("--octet-count",)])
async def test_logger_is_understood_in_all_its_forms(taken, port, wire, form, octets):
    subject = await port()
    await logger(subject, wire, form, *octets, "--priority", "authpriv.err", "--tag", "wolf", "狼烟 <13>: [x]")
    await logger(subject, wire, form, *octets, "--priority", "local7.debug", "--tag", "wolf", "second")
    first, second = await taken.wait_for(2)
    assert (first.facility, first.severity, first.program) == (10, 3, "wolf")
    assert first.text == "狼烟 <13>: [x]"
    assert first.host == socket.gethostname().partition(".")[0] or first.host == socket.gethostname()
    assert (second.facility, second.severity, second.text) == (23, 7, "second")
    assert taken[0][0] == "127.0.0.1"


async def test_rsyslog_forwards_to_it(taken, port, tmp_path):
    if shutil.which("rsyslogd") is None:
        pytest.skip("rsyslog is not installed")
    subject = await port()
    control = tmp_path / "in.sock"
    (tmp_path / "rsyslog.conf").write_text(
        f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{control}")\n'
        f'*.* action(type="omfwd" target="127.0.0.1" port="{subject.port}" protocol="tcp" TCP_Framing="octet-counted" '
        f'template="RSYSLOG_SyslogProtocol23Format")\n'
    )
    daemon = await asyncio.create_subprocess_exec(
        "rsyslogd", "-n", "-i", str(tmp_path / "pid"), "-f", str(tmp_path / "rsyslog.conf"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT):
            while not control.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        send = await asyncio.create_subprocess_exec(
            "logger", "-u", str(control), "-p", "daemon.crit", "-t", "db", "gone"
        )
        assert await asyncio.wait_for(send.wait(), LIMIT) == 0
        async with asyncio.timeout(LIMIT):
            while not any(b"gone" in data for _, data in taken):
                taken.more.clear()
                await taken.more.wait()
        message = next(parse(data) for _, data in taken if b"gone" in data)
        assert (message.severity, message.program, message.text) == (2, "db", "gone")
    finally:
        daemon.terminate()
        await daemon.wait()


async def test_who_is_not_on_the_list_is_refused_and_counted(taken, port):
    subject = await port(allow=[ip_network("192.0.2.0/24")])
    await logger(subject, "--udp", "x")
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    assert await asyncio.wait_for(reader.read(), LIMIT) == b""
    writer.close()
    assert subject.refused == 2
    assert not taken


async def test_an_address_of_either_family_is_one_address(taken, port):
    if not Path("/proc/net/if_inet6").exists():  # noqa: ASYNC240 - no disk
        pytest.skip("no IPv6 here")
    subject = await port("::")
    await logger(subject, "--udp", "x")
    await taken.wait_for(1)
    assert taken[0][0] == "127.0.0.1"


async def test_a_flood_takes_no_more_than_the_rate_and_is_told(taken, port):
    subject = await port(rate=200)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.0
    sent, flooded = 0, False
    while loop.time() < end:
        for _ in range(200):
            sock.sendto(b"<11>flood" + b"x" * 500, ("127.0.0.1", subject.port))
            sent += 1
        await asyncio.sleep(0.01)
        flooded = flooded or subject.flooded
    sock.close()
    assert sent > 2000
    assert len(taken) <= 260
    assert flooded
    assert subject.dropped > 0
    async with asyncio.timeout(LIMIT):
        while subject.flooded:  # noqa: ASYNC110 - the kernel's buffer runs empty
            await asyncio.sleep(0.05)


async def test_a_flood_over_tcp_is_slowed_and_nothing_of_it_is_lost(taken, port):
    subject = await port(rate=2000)
    _, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    writer.write(b"".join(b"<11>line %d\n" % number for number in range(1000)))
    await writer.drain()
    writer.close()
    messages = await taken.wait_for(1000)
    assert [message.text for message in messages] == [f"line {number}" for number in range(1000)]


async def test_what_is_too_long_is_cut_and_what_is_cut_off_is_taken(taken, port):
    subject = await port()
    _, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    writer.write(b"<11>" + b"x" * 65536 + b"\n<11>whole\n<11>cut o")
    await writer.drain()
    writer.close()
    messages = await taken.wait_for(3)
    assert [len(data) for _, data in taken][:1] == [LONGEST]
    assert [message.text for message in messages[1:]] == ["whole", "cut o"]


async def test_connections_are_counted(taken, port):
    subject = await port()
    writers = [(await asyncio.open_connection("127.0.0.1", subject.port))[1] for _ in range(30)]
    writers[0].write(b"<11>x\n")
    await taken.wait_for(1)
    assert subject.refused == 22
    for writer in writers:
        writer.close()


async def test_a_port_that_is_taken_is_told_with_a_way_out(taken):
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        subject = SyslogPort("127.0.0.1", number, taken, udp=False)
        with pytest.raises(PortUnavailable, match=f"syslog port {number}"):
            await subject.open()
        assert not subject.is_open
    await subject.open()
    await subject.close()


async def test_it_can_be_closed_while_somebody_is_connected_and_opened_again(taken, port):
    subject = await port()
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    writer.write(b"<11>x\n")
    await taken.wait_for(1)
    await subject.close()
    assert await asyncio.wait_for(reader.read(), LIMIT) == b""
    writer.close()
    await subject.open()
    await logger(subject, "--udp", "again")
    await taken.wait_for(2)
