"""Senders of traps, built by hand from the RFCs, and a service that listens without a socket."""

from agent.links import ber, ciphers
from agent.traps import keys
from agent.traps.keys import User
from agent.traps.service import TrapService
from agent.traps.settings import Traps, TrapUser
from agent.traps.usm import Authority
from contract.settings import Secret

OWN = Authority(bytes.fromhex("80007ed905aaaaaaaaaaaaaaaa"), 7)
THEIRS = bytes.fromhex("800000000102030405")
ON_BATTERY = "1.3.6.1.2.1.33.2.1"


def pdu(oid=ON_BATTERY, *, tag=0xA7, request=77, values=()):
    rows = [("1.3.6.1.2.1.1.3.0", ber.integer(99, ber.TICKS)), ("1.3.6.1.6.3.1.1.4.1.0", ber.oid(oid)), *values]
    table = ber.tlv(0x30, *(ber.tlv(0x30, ber.oid(name), value) for name, value in rows))
    return ber.tlv(tag, ber.integer(request), ber.integer(0), ber.integer(0), table)


def v2c(oid=ON_BATTERY, *, community=b"public", **how):
    return ber.tlv(0x30, ber.integer(1), ber.octets(community), pdu(oid, **how))


def v1(enterprise, specific, *, generic=6, agent=bytes(4), community=b"public"):
    trap = ber.tlv(
        0xA4,
        ber.oid(enterprise),
        ber.tlv(ber.ADDRESS, agent),
        ber.integer(generic),
        ber.integer(specific),
        ber.integer(99, ber.TICKS),
        ber.tlv(0x30),
    )
    return ber.tlv(0x30, ber.integer(0), ber.octets(community), trap)


def v3(user, *, engine=THEIRS, boots=3, time=1000, level=None, reportable=False, inner=None, name=None, salt=bytes(8)):
    """A message as RFC 3412 and RFC 3414 lay it out."""
    level = user.level if level is None else level
    body = ber.tlv(0x30, ber.octets(engine), ber.octets(b""), inner or pdu())
    if level & 2:
        key = keys.cipher_keys(user.auth, user.priv_key, engine, ciphers.KEY_OCTETS[user.priv])[0]
        body = ber.octets(ciphers.encrypt(user.priv, key, salt, boots, time, body))

    def whole(signature):
        about = (ber.integer(5), ber.integer(65507), ber.octets(bytes((level | 4 * reportable,))), ber.integer(3))
        security = (ber.octets(engine), ber.integer(boots), ber.integer(time), ber.octets((name or user.name).encode()))
        secured = ber.tlv(0x30, *security, ber.octets(signature), ber.octets(salt if level & 2 else b""))
        return ber.tlv(0x30, ber.integer(3), ber.tlv(0x30, *about), ber.octets(secured), body)

    if not level & 1:
        return whole(b"")
    key = keys.localised(user.auth, user.auth_key, engine)
    return whole(keys.signature(user.auth, key, whole(bytes(keys.signature_octets(user.auth)))))


def report(answer):
    """The number of the counter that a report names, and the engine, boots and time it tells."""
    message = ber.Reader(answer).inside()
    message.integer()
    message.inside()
    security = message.inside(ber.OCTETS).inside()
    engine, boots, time = security.octets(), security.integer(), security.integer()
    scoped = message.inside()
    scoped.octets(), scoped.octets()
    tag, start, end = scoped.element()
    assert tag == 0xA8
    content = ber.Reader(answer, start, end)
    for _ in range(3):
        content.integer()
    return int(content.inside().inside().oid().split(".")[-2]), engine, boots, time


SEALED = User(name="sealed", auth="sha256", auth_key="authpass1", priv="aes", priv_key="privpass1")
SIGNED = User(name="signed", auth="sha", auth_key="authpass2")
PLAIN = User(name="plain")


class HandClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Bench:
    """A service, a clock that is turned by hand, and what was asked because of traps."""

    def __init__(self, hosts, **how):
        self.clock, self.poked = HandClock(), []
        users = tuple(
            TrapUser(
                name=user.name,
                auth=user.auth,
                auth_key=Secret(user.auth_key) if user.auth_key else None,
                priv=user.priv,
                priv_key=Secret(user.priv_key) if user.priv_key else None,
                engine=user.engine.hex(),
            )
            for user in (SEALED, SIGNED, PLAIN, *how.pop("more", ()))
        )
        settings = Traps(
            listen=how.pop("listen", "127.0.0.1:0"), communities=(Secret("public"), Secret("other")), user=users
        )
        self.service = TrapService(settings, hosts, self.poked.append, self.clock, own=OWN, salt=1, **how)

    def take(self, datagram, address="192.0.2.10"):
        return self.service.take(datagram, address)

    def said(self, device="ups-1"):
        return {reading.quantity: reading.value for reading in self.service.readings(device)}
