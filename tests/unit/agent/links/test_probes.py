"""The probes before servers that are not ours, on the loopback: dnsmasq, sshd, nginx, kamailio, the kernel; and what is garbled."""

import asyncio
import os
import shutil
import signal
import socket
import struct
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.links import dns, icmp, sip, web
from agent.links.prober import LinkProber
from agent.links.route import Unsent
from agent.probing import Route, State, Target
from agent.ways import target

HERE = Route()
SSHD = next((path for path in ("/usr/sbin/sshd", "/usr/bin/sshd") if Path(path).exists()), None)


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


def may_ping():
    try:
        icmp._Sock(HERE, socket.AF_INET).sock.close()
    except Unsent:
        return False
    return True


needs_ping = pytest.mark.skipif(not may_ping(), reason="no right to ping here")


async def ask(url):
    return await LinkProber(HERE).probe(target.parse(url))


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _ready(outcome):
    return outcome.code is not None or outcome.state is State.RIGHT


@asynccontextmanager
async def running(*command, url):
    """Run a server until it answers the URL, and to the end of the block."""
    words = map(str, command)
    process = await asyncio.create_subprocess_exec(*words, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        async with asyncio.timeout(20):
            while not _ready(await ask(url)):  # noqa: ASYNC110 - a process of its own starts when it does
                await asyncio.sleep(0.1)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 3)
        except TimeoutError:  # some take a minute for their leave
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@asynccontextmanager
async def answering(*answers):
    """A UDP server that answers each datagram with these, and TCP on the same port with the first one."""
    loop = asyncio.get_running_loop()

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            for answer in answers:
                self.transport.sendto(answer(data) if callable(answer) else answer, addr)

    async def serve(reader, writer):
        await reader.read(4096)
        for answer in answers[:1]:
            writer.write(answer(b"") if callable(answer) else answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(Server, ("127.0.0.1", port))
    try:
        yield port
    finally:
        transport.close()
        server.close()


# ping


@needs_ping
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_a_host_that_lives_answers_pings(host):
    outcome = await ask(f"ping://[{host}]" if ":" in host else f"ping://{host}")
    if outcome.state is State.SILENT and ":" in host:
        pytest.skip("no IPv6 on the loopback")
    assert outcome.state is State.RIGHT
    assert outcome.sent == len(outcome.delays) == 3
    assert all(0 < delay < 500 for delay in outcome.delays)


@needs_ping
async def test_two_who_ping_one_host_do_not_count_each_others_answers():
    outcomes = await asyncio.gather(*(ask("ping://127.0.0.1?count=5") for _ in range(20)))
    assert all(len(outcome.delays) == 5 for outcome in outcomes)


@needs_ping
async def test_the_way_to_ourselves_has_one_hop():
    assert list(await LinkProber(HERE).trace("127.0.0.1", 5)) == ["127.0.0.1"]


async def test_an_interface_that_is_not_there_and_a_name_without_an_address_are_unsent():
    for prober, url, why in (
        (LinkProber(Route(interface="nowhere0")), "ping://127.0.0.1", "no interface nowhere0"),
        (LinkProber(Route(interface="nowhere0")), "tcp://127.0.0.1:9", "no interface nowhere0"),
        (LinkProber(Route(source="192.0.2.1")), "dns://127.0.0.1/a.test", "192.0.2.1 is not ours"),
        (LinkProber(HERE), "tcp://no-such-host.invalid:9", "has no address"),
    ):
        outcome = await prober.probe(target.parse(url))
        assert (outcome.state, why in outcome.says, bool(outcome.hint)) == (State.UNSENT, True, True), outcome


@pytest.mark.parametrize("packet", [b"", b"\x45", b"\0" * 7, b"\x45" + b"\0" * 19, b"\x0b" + b"\0" * 20, b"\xff" * 64])
def test_what_is_no_reply_is_none(packet):
    for raw in (True, False):
        assert icmp.read_packet(packet, socket.AF_INET, raw=raw) is None
        assert icmp.read_packet(packet, socket.AF_INET6, raw=raw) is None


def test_a_reply_and_the_request_that_expired_are_told_by_number_and_token():
    token = b"12345678"
    request = icmp.request(socket.AF_INET, 7, 9, token)
    assert icmp.checksum(request) == 0
    reply = b"\0" + request[1:]
    header = bytes([0x46]) + b"\0" * 23  # with four bytes of options
    assert icmp.read_packet(header + reply, socket.AF_INET, raw=True) == (0, 9, token)
    assert icmp.read_packet(reply, socket.AF_INET, raw=False) == (0, 9, token)
    expired = struct.pack("!BBHI", 11, 0, 0, 0) + header + request
    assert icmp.read_packet(header + expired, socket.AF_INET, raw=True) == (11, 9, token)
    unreachable = struct.pack("!BBHI", 3, 1, 0, 0) + header + request
    assert icmp.read_packet(header + unreachable, socket.AF_INET, raw=True) is None


# TCP and SSH


@pytest.fixture
def host_key(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it
    return key


async def test_a_port_that_is_closed_is_an_answer():
    outcome = await ask(f"tcp://127.0.0.1:{free_port()}")
    assert (outcome.state, outcome.says, outcome.alive) == (State.WRONG, "refused", True)


@pytest.mark.skipif(SSHD is None, reason="openssh-server is not installed")
async def test_a_real_sshd_says_its_banner(tmp_path, host_key):
    port, key = free_port(), host_key
    config = tmp_path / "sshd_config"
    config.write_text(f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {key}\nPidFile none\n")
    async with running(SSHD, "-D", "-e", "-f", config, url=f"ssh://127.0.0.1:{port}"):
        outcome = await ask(f"ssh://127.0.0.1:{port}")
        assert outcome.state is State.RIGHT
        assert outcome.says.startswith("SSH-2.0-OpenSSH")


@pytest.mark.parametrize(
    ("said", "state", "says"),
    [
        (b"Welcome\r\nSSH-2.0-x\r\n", State.RIGHT, "SSH-2.0-x"),
        (b"SSH-1.5-old\n", State.WRONG, "SSH-1.5-old"),
        (b"220 mail\r\n", State.WRONG, "no SSH banner: '220 mail'"),
        (b"\x00\xff\x1b[31m", State.WRONG, "no SSH banner"),
        (b"", State.WRONG, "no SSH banner"),
        (b"x" * 9000, State.WRONG, "no SSH banner"),
    ],
)
async def test_what_is_no_banner_is_wrong(said, state, says):
    async def serve(_, writer):
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    outcome = await ask(f"ssh://127.0.0.1:{server.sockets[0].getsockname()[1]}?timeout=1")
    server.close()
    assert outcome.state is state
    assert says in outcome.says
    assert outcome.says.isprintable()


# DNS


@needs("dnsmasq")
async def test_a_real_name_server_is_asked_and_its_answers_are_judged():
    port = free_port(socket.SOCK_DGRAM)
    words = ("--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--user=root")
    at = ("--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}")
    names = (
        "--address=/www.test/192.0.2.80",
        "--cname=alias.test,www.test",
        "--host-record=six.test,2001:db8::1",
        "--local=/test/",
    )
    server = f"dns://127.0.0.1:{port}"
    async with running("dnsmasq", *words, *at, *names, url=f"{server}/www.test"):
        right = await ask(f"{server}/www.test")
        assert (right.state, right.says, right.code) == (State.RIGHT, "192.0.2.80", 0)
        assert (await ask(f"{server}/www.test?expect=192.0.2.80")).state is State.RIGHT
        assert (await ask(f"{server}/six.test?expect=2001:db8::1")).state is State.RIGHT
        hijacked = await ask(f"{server}/www.test?expect=192.0.2.81")
        assert (hijacked.state, hijacked.says) == (State.WRONG, "not 192.0.2.81: 192.0.2.80")
        assert (await ask(f"{server}/six.test")).says == "no such record"
        assert (await ask(f"{server}/none.test")).says == "NXDOMAIN"
        assert (await ask(f"{server}/elsewhere.example")).says == "REFUSED"


async def test_a_name_server_that_is_not_there_is_silent():
    outcome = await ask(f"dns://127.0.0.1:{free_port(socket.SOCK_DGRAM)}/a.test?timeout=0.5")
    assert (outcome.state, outcome.says) == (State.SILENT, "refused")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"\0" * 12,
        lambda data: data,  # an echo
        lambda data: bytes(255 - byte for byte in data[:2]) + b"\x81\x80" + data[4:],  # another's answer
        lambda data: data[:2] + b"\x81\x80" + data[4:6] + b"\0\1" + data[8:],  # one record, and it is not there
        lambda data: data[:2] + b"\x81\x80" + b"\0\1\0\0\0\0\0\0" + b"\1x\0\0\1\0\1",  # about another name
    ],
)
async def test_what_is_no_answer_to_our_question_is_wrong(spoil):
    async with answering(spoil) as port:
        outcome = await ask(f"dns://127.0.0.1:{port}/a.test?timeout=0.4")
    assert (outcome.state, outcome.says) == (State.WRONG, "what it answers is not DNS")


async def test_one_lost_datagram_is_no_dead_name_server():
    seen = []

    def second(data):
        seen.append(data)
        return b"" if len(seen) == 1 else data[:2] + b"\x81\x85" + data[4:]

    async with answering(second) as port:
        outcome = await ask(f"dns://127.0.0.1:{port}/a.test?timeout=1")
    assert (outcome.says, len(seen)) == ("REFUSED", 2)


@pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 64, ".".join(["abcdefgh"] * 40)])
def test_what_can_be_no_name_is_not_asked(name):
    with pytest.raises(ValueError, match=r"is no name|label"):
        dns.question(1, name)


# HTTP


def certificate(folder, days):
    """Make a certificate for localhost that ends in so many days; return the files of it and of its key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251 - certificates are by the wall clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@needs("nginx")
async def test_a_real_web_server_is_judged_by_status_text_and_certificate(tmp_path):
    cert, key = certificate(tmp_path, 30.5)
    plain, tls = free_port(), free_port()
    (tmp_path / "index.html").write_text("all is OK here")
    config = tmp_path / "nginx.conf"
    config.write_text(f"""
daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log; user root;
events {{}}
http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
  uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s; root {tmp_path};
  server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl; server_name localhost;
    ssl_certificate {cert}; ssl_certificate_key {key};
    location /gone {{ return 503; }} location /moved {{ return 301 /; }} }} }}
""")
    at, safe = f"http://127.0.0.1:{plain}", f"https://localhost:{tls}"
    async with running("nginx", "-c", config, "-p", tmp_path, url=at):
        right = await ask(f"{at}/#contains=is+OK".replace("+", "%20"))
        assert (right.state, right.code, right.says) == (State.RIGHT, 200, "200 OK")
        assert (await ask(f"{at}/moved")).code == 301
        assert (await ask(f"{at}/moved#status=200")).state is State.WRONG
        assert (await ask(f"{at}/gone#status=503")).state is State.RIGHT
        without = await ask(f"{at}/#contains=never")
        assert (without.state, without.says) == (State.WRONG, "200 OK, without 'never'")
        gone = await ask(f"{at}/gone")
        assert (gone.state, gone.says) == (State.WRONG, "503 Service Temporarily Unavailable")
        unsafe = await ask(f"{safe}/")
        assert unsafe.state is State.WRONG
        assert "certificate: self-signed" in unsafe.says
        assert unsafe.days == pytest.approx(30.5, abs=0.1)
        trusting = await ask(f"{safe}/#verify=no")
        assert trusting.state is State.RIGHT
        assert trusting.days == pytest.approx(30.5, abs=0.1)
        mixed = await ask(f"https://127.0.0.1:{plain}/")
        assert (mixed.state, mixed.says.startswith("TLS: ")) == (State.WRONG, True)


@pytest.mark.parametrize("said", [b"", b"\x00\xff", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200"])
async def test_what_is_not_http_is_wrong(said):
    async with answering(said) as port:
        outcome = await ask(f"http://127.0.0.1:{port}")
    assert outcome.state is State.WRONG


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
    ],
)
async def test_a_device_that_keeps_the_connection_open_has_answered_all_the_same(said):
    async def serve(reader, writer):
        writer.write(said)
        await reader.read()  # until the prober has had enough
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    outcome = await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/#contains=OK&timeout=2")
    server.close()
    assert (outcome.state, outcome.delays[0] < 1500) == (State.RIGHT, True)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_from_the_network_end_in_a_traceback(data, prefixed):
    asked = dns.question(258, "a.test")
    for start in (b"", b"\1\2\x81\x80\0\1\0\3\0\0\0\0" + asked[12:]) if prefixed else (b"",):
        dns.read_answer(start + data, asked)
    sip.read_response((b"SIP/2.0 200 OK\r\n" if prefixed else b"") + data + b"\r\n\r\n", "c")
    web.read_response((b"HTTP/1.1 200 OK\r\n" if prefixed else b"") + data + b"\r\n\r\n")
    web._whole((b"HTTP/1.1 200 OK\r\n" if prefixed else b"") + data)
    web.days_left(data, 0.0)
    for family in (socket.AF_INET, socket.AF_INET6):
        for raw in (True, False):
            icmp.read_packet(data, family, raw=raw)


def test_chunks_are_put_together_and_half_a_page_is_half_a_page():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert web.read_response(head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n").body == b"abc"
    assert web.read_response(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").body == b"half"


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x82", b"\x30\x05\x30\x03\x02\x01\x01", b"\xff" * 80])
def test_what_is_no_certificate_has_no_days(data):
    assert web.days_left(data, 0.0) is None


def test_days_are_counted_from_the_certificate_itself(tmp_path):
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    made = x509.load_pem_x509_certificate(certificate(tmp_path, -3)[0].read_bytes())
    der = made.public_bytes(serialization.Encoding.DER)
    assert web.days_left(der, made.not_valid_after_utc.timestamp() + 86400) == -1


# SIP


@needs("kamailio")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("reply", "state", "code", "retry"),
    [
        ('sl_send_reply("200", "OK")', State.RIGHT, 200, None),
        ('sl_send_reply("403", "Forbidden")', State.RIGHT, 403, None),
        ('sl_send_reply("500", "Broken")', State.WRONG, 500, None),
        ('append_to_reply("Retry-After: 120\\r\\n"); sl_send_reply("503", "Later")', State.WRONG, 503, 120),
    ],
)
async def test_a_real_sip_server_is_asked_by_options(tmp_path, transport, reply, state, code, retry):
    port = free_port()
    config = tmp_path / "kamailio.cfg"
    config.write_text(f"""
fork=no
children=1
tcp_children=1
log_stderror=yes
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "sl.so"
loadmodule "textops.so"
request_route {{ {reply}; }}
""")
    url = f"sip://127.0.0.1:{port}?transport={transport}"
    async with running(
        "kamailio", "-f", config, "-DD", "-E", "-m", "16", "-M", "4", "-Y", tmp_path, "-w", tmp_path, url=url
    ):
        outcome = await ask(url)
    assert (outcome.state, outcome.code, outcome.retry) == (state, code, retry)
    assert outcome.delays


@pytest.mark.parametrize(
    "said", [b"?", b"HTTP/1.1 200 OK\r\n\r\n", b"SIP/2.0 200 OK\r\nCall-ID: another\r\n\r\n", b"SIP/2.0"]
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_what_is_no_response_to_us_is_wrong_and_never_silence(said, transport):
    async with answering(said) as port:
        outcome = await ask(f"sip://127.0.0.1:{port}?transport={transport}&timeout=0.8")
    assert outcome.state is State.WRONG


async def test_a_provisional_response_is_waited_through():
    def answer(code):
        def said(data):
            lines = data.decode().split("\r\n")
            kept = [line for line in lines if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))]
            return "\r\n".join([f"SIP/2.0 {code} X", *kept, "", ""]).encode()

        return said

    async with answering(answer(100), answer(200)) as port:
        assert (await ask(f"sip://127.0.0.1:{port}")).code == 200
    async with answering(answer(100)) as port:
        assert (await ask(f"sip://127.0.0.1:{port}?timeout=0.9")).code == 100


def test_retry_after_is_read_with_what_may_stand_behind_it():
    for text, seconds in (("120", 120), ("18000;duration=3600", 18000), ("5 (busy)", 5), ("soon", None), ("", None)):
        data = f"SIP/2.0 503 X\r\nCall-ID: c@wolfsmoke\r\nRetry-After: {text}\r\n\r\n".encode()
        assert sip.read_response(data, "c").retry == seconds


def test_a_target_is_shown_as_it_was_written():
    shown = {
        "ping://h": "ping://h",
        "tcp://[::1]:80": "tcp://[::1]:80",
        "dns://h/a.b": "dns://h/a.b",
        "https://h:443/x?y": "https://h/x?y",
    }
    assert {url: target.parse(url).text for url in shown} == shown
    assert Target(scheme="sip", host="h", port=5061).text == "sip://h:5061"
