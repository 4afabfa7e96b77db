"""SNMPv3 notifications under the user-based security model (RFC 3414), as their receiver sees them.

Of a trap the sender's engine is the authority: its id tells which key, its clock what is new. Of an inform it is ours:
who asks is told our id and clock by reports. What pysnmp's receiver leaves out is done here: a message must have the
level of its user's keys, an old one is no new one, and boots outlive a restart.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from agent.links import ber
from agent.links.ber import Reader
from agent.traps import keys
from agent.traps.keys import User
from agent.traps.message import REPORT, RESPONSE, Notification, decode_pdu
from contract.errors import DeviceGarbled, DeviceRefused

_USM: Final = 3
"""The number of this security model."""
_REPORTABLE: Final = 4
WINDOW: Final = 150
"""Seconds (RFC 3414, 2.2.3)."""
_LAST_BOOTS: Final = 2**31 - 1
MOST_ENGINES: Final = 256
"""Senders whose clocks are known at once. Only those who know a key get in."""
_STATISTICS: Final = "1.3.6.1.6.3.15.1.1"
_LEVEL, _WINDOW_MISSED, _USER, _ENGINE, _DIGEST, _CIPHER = range(1, 7)
"""usmStatsUnsupportedSecLevels and its neighbours."""
_MAX_SIZE: Final = 65507


class Authority(msgspec.Struct, frozen=True):
    """Our engine."""

    id: bytes
    boots: int
    """How often it started."""


class Heard(msgspec.Struct, frozen=True):
    """What came of a datagram."""

    notification: Notification | None = None
    answer: bytes | None = None
    """To be sent back."""
    trouble: str = ""
    """Why there is no notification."""


class _Clock(msgspec.Struct):
    """What is known of a sender's clock."""

    boots: int
    time: int
    at: float
    """When that was, on ours."""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """A message but for its PDU."""

    number: int
    flags: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    signature: bytes
    salt: bytes
    unsigned: bytes
    """The whole message, with zeros for its signature."""
    body: bytes
    """The scoped PDU, encrypted or not."""


class _Refusal(Exception):
    """Stops one message: why, and which counter a report names."""

    def __init__(self, what: str, counter: int, *, signed: User | None = None) -> None:
        super().__init__(what)
        self.counter = counter
        self.signed = signed
        """Who may believe the report; None: nobody can."""


class Usm:
    """Opens v3 messages."""

    def __init__(self, users: Iterable[User], own: Authority, clock: Callable[[], float], salt: int) -> None:
        """Take who may speak, who we are, our clock (seconds since this start of our engine), and where salts begin."""
        self._users = {user.name.encode(): user for user in users}
        self._own = own
        self._clock = clock
        self._salt = salt
        self._clocks: OrderedDict[bytes, _Clock] = OrderedDict()
        self._counters = dict.fromkeys(range(1, 7), 0)

    def take(self, message: Reader) -> Heard:
        """Return what a message says.

        Args:
            message: what follows the version.

        Raises:
            DeviceGarbled: it is no SNMPv3.
        """
        header = _header(message)
        try:
            return self._opened(header)
        except _Refusal as refusal:
            self._counters[refusal.counter] += 1
            report = self._report(header, refusal) if header.flags & _REPORTABLE else None
            return Heard(answer=report, trouble="" if report and refusal.counter == _ENGINE else str(refusal))

    def _opened(self, header: _Header) -> Heard:
        ours = header.engine == self._own.id
        if not 5 <= len(header.engine) <= 32:
            raise _Refusal("it names no engine", _ENGINE)
        user = self._users.get(header.user)
        if user is None:
            raise _Refusal(f"no user {header.user[:32].decode('utf-8', 'replace')!r} is in the settings", _USER)
        if user.engine and not ours and user.engine != header.engine:
            raise _Refusal(f"the engine {header.engine.hex()} may not speak as {user.name!r}", _ENGINE)
        level = header.flags & 3
        if level & 1 and user.auth:
            self._check_signature(header, user)
            self._check_time(header, user, ours=ours)  # before the level: clocks are compared without encryption too
        if level != user.level:
            raise _Refusal(f"the user {user.name!r} speaks at another security level", _LEVEL)
        notification, pdu, scope = self._content(header, user)
        if not notification.inform:
            return Heard(notification)
        if not ours:
            raise _Refusal("an inform to another engine", _ENGINE)
        return Heard(notification, self._message(header, user, ber.tlv(ber.SEQUENCE, scope, ber.tlv(RESPONSE, pdu))))

    def _check_signature(self, header: _Header, user: User) -> None:
        key = keys.localised(user.auth, user.auth_key, header.engine)
        if not keys.same(header.signature, keys.signature(user.auth, key, header.unsigned)):
            raise _Refusal(f"the user {user.name!r} has another key, or another algorithm", _DIGEST)

    def _check_time(self, header: _Header, user: User, *, ours: bool) -> None:
        """See that a signed message is new (RFC 3414, 3.2, 7)."""
        now = self._clock()
        if ours:
            late = abs(header.time - int(now)) > WINDOW
            if header.boots != self._own.boots or header.boots == _LAST_BOOTS or late:
                raise _Refusal("an inform by another clock", _WINDOW_MISSED, signed=user)
            return
        known = self._clocks.get(header.engine)
        if known is None or (header.boots, header.time) > (known.boots, known.time):
            self._clocks[header.engine] = _Clock(header.boots, header.time, now)
            if len(self._clocks) > MOST_ENGINES:
                self._clocks.popitem(last=False)
        elif header.boots < known.boots or header.time < known.time + (now - known.at) - WINDOW:
            what = f"engine {header.engine.hex()}: sent long ago and repeated, or its clock and boots went back"
            raise _Refusal(what, _WINDOW_MISSED)
        self._clocks.move_to_end(header.engine)

    def _content(self, header: _Header, user: User) -> tuple[Notification, bytes, bytes]:
        """Return the notification, its PDU's content, and the scope that an answer must have."""
        if not user.priv:
            return _scoped(header.body)
        trouble = DeviceGarbled("nothing")
        for plain in self._decrypted(header, user):
            try:
                return _scoped(plain)
            except DeviceGarbled as error:
                trouble = error
        raise _Refusal(f"the user {user.name!r} encrypts with another key, or another cipher: {trouble}", _CIPHER)

    def _decrypted(self, header: _Header, user: User) -> Iterable[bytes]:
        from agent.links import ciphers  # noqa: PLC0415 - only where somebody encrypts

        octets = ciphers.KEY_OCTETS[user.priv]
        for key in keys.cipher_keys(user.auth, user.priv_key, header.engine, octets):
            yield ciphers.decrypt(user.priv, key, header.salt, header.boots, header.time, header.body)

    def _report(self, header: _Header, refusal: _Refusal) -> bytes:
        """Return a report: which counter went up, with our engine's id and clock for who asked for them."""
        counted = ber.integer(self._counters[refusal.counter], ber.COUNTER)
        row = ber.tlv(ber.SEQUENCE, ber.oid(f"{_STATISTICS}.{refusal.counter}.0"), counted)
        pdu = ber.tlv(
            REPORT, ber.integer(0), ber.integer(0), ber.integer(0), ber.tlv(ber.SEQUENCE, row)
        )  # a request id that could not be read is 0 (RFC 3412, 7.1)
        scoped = ber.tlv(ber.SEQUENCE, ber.octets(self._own.id), ber.octets(b""), pdu)
        return self._message(header, refusal.signed, scoped, encrypted=False)

    def _message(self, header: _Header, user: User | None, scoped: bytes, *, encrypted: bool = True) -> bytes:
        """Return an answer: the number of the question, our engine, and the user's level."""
        boots, time = self._own.boots, int(self._clock())
        level, salt, body = 0, b"", scoped
        if user is not None:
            level = user.level if encrypted else user.level & 1
        if user is not None and level & 2:
            salt, body = self._encrypted(user, boots, time, scoped)
        place = b"\0" * keys.signature_octets(user.auth) if user is not None and level & 1 else b""
        parameters = [ber.octets(self._own.id), ber.integer(boots), ber.integer(time), ber.octets(header.user)]

        def whole(signature: bytes) -> bytes:
            security = ber.tlv(ber.SEQUENCE, *parameters, ber.octets(signature), ber.octets(salt))
            about = (ber.integer(header.number), ber.integer(_MAX_SIZE), ber.octets(bytes((level,))), ber.integer(_USM))
            return ber.tlv(ber.SEQUENCE, ber.integer(3), ber.tlv(ber.SEQUENCE, *about), ber.octets(security), body)

        if user is None or not place:
            return whole(b"")
        key = keys.localised(user.auth, user.auth_key, self._own.id)
        return whole(keys.signature(user.auth, key, whole(place)))

    def _encrypted(self, user: User, boots: int, time: int, scoped: bytes) -> tuple[bytes, bytes]:
        from agent.links import ciphers  # noqa: PLC0415 - only where somebody encrypts

        self._salt = (self._salt + 1) % 2**64
        salt = self._salt.to_bytes(8, "big")
        if user.priv == "des":  # RFC 3414, 8.1.1.1: boots first
            salt = boots.to_bytes(4, "big") + salt[4:]
        key = keys.cipher_keys(user.auth, user.priv_key, self._own.id, ciphers.KEY_OCTETS[user.priv])[0]
        return salt, ber.octets(ciphers.encrypt(user.priv, key, salt, boots, time, scoped))


def _header(message: Reader) -> _Header:
    about = message.inside()
    number = about.integer()
    about.integer()
    flags = about.octets()
    if len(flags) != 1 or flags[0] & 3 == 2:
        raise DeviceGarbled("flags that cannot be")
    model = about.integer()
    if model != _USM:
        raise DeviceRefused(f"it uses the security model {model}; the user-based one, 3, is known here")
    security = message.inside(ber.OCTETS).inside()
    engine, boots, time = security.octets(), security.integer(), security.integer()
    user = security.octets()
    _, start, end = security.element()
    salt = security.octets()
    if not (0 <= boots <= _LAST_BOOTS and 0 <= time <= _LAST_BOOTS and 0 <= number <= _LAST_BOOTS):
        raise DeviceGarbled("a number that cannot be")
    data = message.data
    tag, begin, stop = message.element()
    encrypted = bool(flags[0] & 2)
    if tag != (ber.OCTETS if encrypted else ber.SEQUENCE):
        raise DeviceGarbled("a content that its flags do not fit")
    return _Header(
        number=number,
        flags=flags[0],
        engine=engine,
        boots=boots,
        time=time,
        user=user,
        signature=data[start:end],
        salt=salt,
        unsigned=data[:start] + bytes(end - start) + data[end:],
        body=data[begin:stop] if encrypted else ber.tlv(ber.SEQUENCE, data[begin:stop]),
    )


def _scoped(plain: bytes) -> tuple[Notification, bytes, bytes]:
    """Return what a scoped PDU says, its PDU's content, and its scope."""
    reader = Reader(plain).inside()
    engine, context = reader.octets(), reader.octets()
    tag, start, end = reader.element()
    notification, pdu = decode_pdu(ber.tlv(tag, plain[start:end]))
    return notification, pdu, ber.octets(engine) + ber.octets(context)
