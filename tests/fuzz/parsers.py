"""What strangers send, spoiled: each parser returns what it may, or raises the one error that it may; nothing else, and soon.

``python tests/fuzz/parsers.py NAME [SECONDS]`` runs one under atheris, which follows the branches, where it is installed; else
at random. ``test_parsers.py`` runs each of them a little with the suite, and 100,000 times with ``pytest -m soak``.
"""

import contextlib
import random
import string
import struct
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.links import ber, dns, icmp, nut, sip, tcp, web
from agent.probing import Outcome, State, Target
from agent.scan.snmp import engine_of
from agent.signs import logins, syslog
from agent.traps import message
from agent.traps.keys import User
from agent.traps.names import told
from agent.traps.usm import Authority, Usm
from contract.errors import DeviceError, DeviceGarbled
from contract.quantities import find

SLOW = 0.5
"""Seconds of this process that no input may take."""
NAME = find("x.line.#.says")
ASKED = dns.question(0x1234, "www.example.test")
CALL = "c0ffee"
HTTP = Target(scheme="http", host="h", port=80, expect="ok")


def _rows(*values: bytes) -> bytes:
    return ber.tlv(0x30, *(ber.tlv(0x30, ber.oid("1.3.6.1.2.1.33.1.2.1.0"), value) for value in values))


def _trap(tag: int = 0xA7) -> bytes:
    name = ber.tlv(0x30, ber.oid(message.TRAP_OID), ber.oid("1.3.6.1.2.1.33.2.1"))
    ticks = ber.tlv(0x30, ber.oid(message.UPTIME), ber.integer(4711, ber.TICKS))
    rows = ber.tlv(0x30, ticks, name, ber.tlv(0x30, ber.oid("1.3.6.1.2.1.33.1.2.2.0"), ber.integer(60)))
    return ber.tlv(0x30, ber.integer(1), ber.octets(b"public"), ber.tlv(tag, *[ber.integer(7)] * 3, rows))


def _old_trap() -> bytes:
    head = ber.oid("1.3.6.1.4.1.318") + ber.tlv(ber.ADDRESS, bytes((192, 0, 2, 9))) + ber.integer(6) + ber.integer(5)
    pdu = ber.tlv(0xA4, head, ber.integer(4711, ber.TICKS), _rows(ber.octets(b"on battery"), ber.integer(3)))
    return ber.tlv(0x30, ber.integer(0), ber.octets(b"public"), pdu)


def _trap3(flags: int = 0) -> bytes:
    name = ber.tlv(0x30, ber.oid(message.TRAP_OID), ber.oid("1.3.6.1.2.1.33.2.1"))
    scoped = ber.tlv(
        0x30, ber.octets(b"\x80enginex"), ber.octets(b""), ber.tlv(0xA7, *[ber.integer(7)] * 3, ber.tlv(0x30, name))
    )
    head = ber.tlv(0x30, ber.integer(9), ber.integer(65507), ber.octets(bytes((flags,))), ber.integer(3))
    signed = ber.octets(bytes(12) if flags else b""), ber.octets(bytes(8) if flags else b"")
    usm = ber.tlv(0x30, ber.octets(b"\x80enginex"), ber.integer(1), ber.integer(60), ber.octets(b"plain"), *signed)
    return ber.tlv(0x30, ber.integer(3), head, ber.octets(usm), scoped)


def _answer(code: int = 0, records: bytes = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", count: int = 1) -> bytes:
    return struct.pack("!HHHHHH", 0x1234, 0x8180 | code, 1, count, 0, 0) + ASKED[12:] + records


def _certificate() -> bytes:
    times = ber.tlv(0x30, ber.tlv(0x17, b"250101000000Z"), ber.tlv(0x17, b"350101000000Z"))
    return ber.tlv(0x30, ber.tlv(0x30, ber.tlv(0xA0, ber.integer(2)), ber.integer(5), *[ber.tlv(0x30)] * 2, times))


def _expired(inner: bytes) -> bytes:
    """Return what a router says of an echo request that expired on its way: the header that it had, and its beginning."""
    return bytes((11, 0, 0, 0, 0, 0, 0, 0)) + bytes((0x45,)) + bytes(19) + inner


def _values(data: bytes) -> None:
    with contextlib.suppress(DeviceGarbled):
        reader = ber.Reader(data)
        while reader.more:
            value = reader.value()
            assert value is None or isinstance(value, int | bytes | str)


def _message(data: bytes) -> None:
    with contextlib.suppress(DeviceGarbled):
        notification, inside = message.decode(*message.version_of(data))
        assert len(notification.values) <= message.MOST_VALUES
        assert str(told(notification)).isprintable()
        if inside is not None:
            message.answer(notification.community, inside)


def _message3(data: bytes) -> None:
    users = [User(name="plain"), User(name="signed", auth="sha", auth_key="authpass12")]
    usm = Usm(users, Authority(b"\x80ourself", 1), lambda: 60.0, 1)
    with contextlib.suppress(DeviceError):
        version, rest = message.version_of(data)
        if version == 3:
            heard = usm.take(rest)
            assert heard.notification is None or heard.trouble == ""


def _dns(data: bytes) -> None:
    answer = dns.read_answer(data, ASKED)
    if answer is not None:
        assert data[:2] == ASKED[:2], "an answer to another question"
        state, says = dns.judge(answer, "192.0.2.1")
        assert state is not State.RIGHT or answer.truncated or "192.0.2.1" in answer.addresses
        _said(says)


def _icmp(data: bytes) -> None:
    for family, raw in ((icmp.socket.AF_INET, True), (icmp.socket.AF_INET, False), (icmp.socket.AF_INET6, True)):
        found = icmp.read_packet(data, family, raw=raw)
        assert found is None or len(found[2]) <= 8


def _sip(data: bytes) -> None:
    response = sip.read_response(data, CALL)
    if response is not None:
        outcome = sip.outcome(response, 1.0)
        assert 0 <= response.code <= 999
        assert CALL.encode() in data, "a response to another call"
        assert outcome.retry is None or outcome.retry >= 0
        _said(outcome.says)


def _http(data: bytes) -> None:
    page = web.read_response(data)
    web._whole(data)
    if page is not None:
        state, says = web.judge(page, HTTP)
        assert state is not State.RIGHT or b"ok" in data
        _said(says)


def _days(data: bytes) -> None:
    days = web.days_left(data, datetime(2030, 1, 1, tzinfo=UTC).timestamp())
    assert days is None or abs(days) < 4e6


def _banner(data: bytes) -> None:
    said = tcp._plain(data)
    assert said.isprintable()
    _said(said)


def _nut(data: bytes) -> None:
    found = nut.words(data.decode("utf-8", "replace"))
    assert found is None or all(isinstance(word, str) for word in found)


def _syslog(data: bytes) -> None:
    said = syslog.parse(data)
    assert 0 <= said.severity <= 7
    assert 0 <= said.facility <= 23
    assert len(said.text) <= syslog.LONGEST
    logins.failure_of(said.program, said.text)


def _frames(data: bytes) -> None:
    """The same stream is the same frames, however it is cut; and no more is kept of it than a message."""
    whole, parts = syslog.Frames(), syslog.Frames()
    frames, pieced = whole.feed(data), []
    for at in range(0, len(data), 7):
        pieced += parts.feed(data[at : at + 7])
    assert pieced == frames
    assert all(0 < len(frame) <= syslog.LONGEST for frame in frames)
    assert len(whole.rest()) <= syslog.LONGEST + 16


def _login(data: bytes) -> None:
    failed = logins.failure(data.decode("utf-8", "replace"))
    if failed is not None:
        assert failed.count >= 0
        logins.Attempts().count(failed)


def _engine(data: bytes) -> None:
    assert len(engine_of(data)) <= 32 or not engine_of(data)


def _said(text: str) -> None:
    """What a page shows of it is a text that the dictionary takes, once it is no longer than one may be."""
    Outcome(state=State.WRONG, says=text)
    assert len(text) <= 300, len(text)


SIP = f"SIP/2.0 503 Busy\r\nVia: SIP/2.0/UDP h\r\nCall-ID: {CALL}@wolfsmoke\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
LOG = "Nov 25 17:00:00 room sshd[7]: "
SYSLOG = [
    b'<34>1 2026-11-25T17:00:00.5Z host app 7 ID [a@1 b="c\\]d"][e@2 f="g"] \xef\xbb\xbfFailed password for root from ::1 port 9 ssh2',
    b"<13>Nov 25 17:00:00 host sshd[9]: Failed password for invalid user x from 192.0.2.1 port 22 ssh2",
    b"<191>Nov 25 17:00:00 2026 CST: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
]
PARSERS: dict[str, tuple[list[bytes], Callable[[bytes], None]]] = {
    "ber": ([_rows(ber.integer(-5), ber.octets(b"x"), ber.oid("1.3.6"), ber.integer(2**63, 0x46)), _trap()], _values),
    "trap": ([_trap(), _trap(0xA6), _old_trap()], _message),
    "trap-3": ([_trap3(), _trap3(1), _trap3(4), _trap3(7)], _message3),
    "engine": ([_trap3(), _trap()], _engine),
    "dns": ([_answer(), _answer(3, b"", 0), _answer(0, b"", 0), _answer() + _answer()], _dns),
    "icmp": ([bytes((0, 0, 1, 2, 0, 7, 0, 1)) + b"tokentok", _expired(bytes((8, 0, 1, 2, 0, 7, 0, 1)) + b"tokentok")], _icmp),
    "sip": ([SIP.encode(), SIP.replace("503 Busy", "200 OK").encode()], _sip),
    "http": (
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.0 404 Not Found\nServer: x\n\nnope",
        ],
        _http,
    ),
    "certificate": ([_certificate()], _days),
    "banner": ([b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"], _banner),
    "nut": ([b'VAR ups ups.status "OL CHRG"\n', b'VAR ups ups.mfr "A \\"B\\" \\\\ C"', b"ERR ACCESS-DENIED"], _nut),
    "syslog": (SYSLOG, _syslog),
    "frames": ([b"".join(b"%d %s" % (len(one), one) for one in SYSLOG), b"\n".join(SYSLOG), b"9999999 x"], _frames),
    "login": (
        [
            f"{LOG}Failed password for invalid user a from b from 192.0.2.1 port 22 ssh2".encode(),
            f"{LOG}message repeated 3 times: [ Failed password for root from ::1 port 9 ssh2]".encode(),
            f"{LOG}PAM 2 more authentication failures; logname= uid=0 rhost=192.0.2.1  user=root".encode(),
            b"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=h user=r",
        ],
        _login,
    ),
}  # fmt: skip

EVIL = [
    b"\0",
    b"\xff" * 4,
    b"-1",
    b"9" * 40,
    b"\r\n\r\n",
    b"\x30\x84\xff\xff\xff\xff",
    b"%s",
    b"\xe2\x80\xae",
    b"0x10",
    b"  " * 40,
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with something wrong: bits, lengths, ends, doubles, numbers of another size, another's part."""
    spoiled = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(spoiled) + 1)
        to = min(len(spoiled), at + rng.choice((1, 1, 2, 4, 20)))
        match rng.randrange(9):
            case 0 if at < len(spoiled):
                spoiled[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(spoiled):
                spoiled[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x30, rng.randrange(256)))
            case 2:
                del spoiled[at:to]
            case 3:
                spoiled[at:at] = spoiled[at:to] * rng.choice((1, 2, 50))
            case 4:
                spoiled[at:at] = rng.randbytes(rng.randint(1, 6))
            case 5:
                spoiled[at:to] = rng.choice(EVIL)
            case 6 if rng.random() < 0.3:
                del spoiled[at:]
            case 7:
                digits = [place for place, byte in enumerate(spoiled) if chr(byte) in string.digits]
                if digits:
                    place = rng.choice(digits)
                    spoiled[place : place + 1] = rng.choice((b"", b"99999999999999999999", b"-7", b"0", b"f"))
            case 8 if rng.random() < 0.1:
                spoiled[:] = rng.randbytes(rng.randint(0, 300))
    return bytes(spoiled)


def check(name: str, data: bytes) -> None:
    """Give one input to a parser; what it raises besides its own error, or takes too long for, is a finding."""
    before = time.process_time()
    PARSERS[name][1](data)
    took = time.process_time() - before
    assert took < SLOW, f"{took:.1f} s for {data!r}"


def storm(name: str, count: int, seed: int = 1) -> None:
    """Give a parser so many spoiled inputs."""
    rng = random.Random(f"{name} {seed}")
    seeds = PARSERS[name][0]
    for number in range(count):
        data = mutated(rng.choice(seeds), rng)
        try:
            check(name, data)
        except (AssertionError, DeviceError):
            raise
        except Exception as error:
            raise AssertionError(f"{name}: input {number} of seed {seed}, {data!r}: {error!r}") from error


def main() -> None:
    name, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    try:
        import atheris
    except ImportError:
        until, seed = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            storm(name, 1000, seed := seed + 1)
        sys.stdout.write(f"{name}: {seed * 1000} at random\n")
        return
    for module in (ber, dns, icmp, nut, sip, tcp, web, logins, syslog, message):
        for one, function in vars(module).items():
            if getattr(function, "__module__", "") == module.__name__ and type(function).__name__ == "function":
                setattr(module, one, atheris.instrument_func(function))
    corpus = Path(sys.argv[3] if len(sys.argv) > 3 else f"/tmp/corpus-{name}")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(PARSERS[name][0]):
        (corpus / f"seed-{number}").write_bytes(data)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds:.0f}", "-verbosity=0", "-print_final_stats=1", str(corpus)],
        lambda data: check(name, data),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
