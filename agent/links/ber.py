"""BER as far as SNMP uses it (X.690; RFC 3417, 8): one-octet tags, definite lengths. Pure, and bounded by its input.

For datagrams that come unasked, and for single questions to strangers: there an engine with its tables costs more than
the datagram is worth. What is broken is a ``DeviceGarbled``.
"""

from typing import Final

from contract.errors import DeviceGarbled

INTEGER: Final = 0x02
OCTETS: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
SEQUENCE: Final = 0x30
ADDRESS: Final = 0x40
COUNTER: Final = 0x41
GAUGE: Final = 0x42
TICKS: Final = 0x43
OPAQUE: Final = 0x44
COUNTER64: Final = 0x46
_NUMBERS: Final = (INTEGER, COUNTER, GAUGE, TICKS, COUNTER64)
_LONGEST_NUMBER: Final = 9
"""Octets: 64 bits and a leading zero."""
_MOST_ARCS: Final = 128
"""RFC 2578, 3.5."""

Value = int | bytes | str | None
"""Numbers, octet strings as bytes, OIDs and addresses as dotted text; None for NULL and for what is not there."""


class Reader:
    """Reads one element after the other from a part of a datagram."""

    __slots__ = ("_at", "_end", "data")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        """Take the datagram, and the part of it that is meant."""
        self.data = data
        self._at = at
        self._end = len(data) if end is None else end

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < self._end

    def element(self) -> tuple[int, int, int]:
        """Return the tag of the next element, and where its content begins and ends in the datagram.

        Raises:
            DeviceGarbled: it does not fit.
        """
        data, at, end = self.data, self._at, self._end
        if at + 2 > end:
            raise DeviceGarbled("it breaks off")
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            octets = length & 0x7F
            if not 0 < octets <= 4 or at + octets > end:
                raise DeviceGarbled("a length that cannot be")
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if length > end - at:
            raise DeviceGarbled("an element is longer than what came")
        self._at = at + length
        return tag, at, at + length

    def inside(self, tag: int = SEQUENCE) -> "Reader":
        """Return a reader of the next element's content.

        Raises:
            DeviceGarbled: it is another one.
        """
        return Reader(self.data, *self._expected(tag))

    def octets(self, tag: int = OCTETS) -> bytes:
        """Return the next element's content.

        Raises:
            DeviceGarbled: it is another one.
        """
        start, end = self._expected(tag)
        return self.data[start:end]

    def integer(self, tag: int = INTEGER) -> int:
        """Return the next element, a number.

        Raises:
            DeviceGarbled: it is none.
        """
        return _number(self.octets(tag), signed=tag == INTEGER)

    def value(self) -> Value:
        """Return the next element as a value; what SNMP does not know is returned as its octets.

        Raises:
            DeviceGarbled: it does not fit.
        """
        tag, start, end = self.element()
        content = self.data[start:end]
        if tag in _NUMBERS:
            return _number(content, signed=tag == INTEGER)
        if tag == OID:
            return _oid(content)
        if tag == ADDRESS and len(content) == 4:
            return ".".join(map(str, content))
        return None if tag in (NULL, 0x80, 0x81, 0x82) else content

    def oid(self) -> str:
        """Return the next element, an OID, as dotted text.

        Raises:
            DeviceGarbled: it is none.
        """
        return _oid(self.octets(OID))

    def _expected(self, tag: int) -> tuple[int, int]:
        found, start, end = self.element()
        if found != tag:
            raise DeviceGarbled(f"an element of the type {found:#04x} where {tag:#04x} should be")
        return start, end


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return an element."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    """Return a number."""
    return tlv(tag, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def octets(content: bytes) -> bytes:
    """Return an octet string."""
    return tlv(OCTETS, content)


def oid(text: str) -> bytes:
    """Return an OID that is written as dotted text."""
    first, second, *rest = map(int, text.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        part = [arc & 0x7F]
        while arc := arc >> 7:
            part.append(0x80 | arc & 0x7F)
        content += bytes(reversed(part))
    return tlv(OID, bytes(content))


def _number(content: bytes, *, signed: bool) -> int:
    if not 0 < len(content) <= _LONGEST_NUMBER:
        raise DeviceGarbled(f"a number of {len(content)} octets")
    return int.from_bytes(content, "big", signed=signed)


def _oid(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > 5 * _MOST_ARCS:
        raise DeviceGarbled("an OID that cannot be")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if arc > 0xFFFFFFFF + 80:
            raise DeviceGarbled("an OID that cannot be")
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if len(arcs) >= _MOST_ARCS:
        raise DeviceGarbled("an OID that is too long")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
