"""SNMP notifications of v1 (RFC 1157) and v2c (RFC 3416): from datagram to meaning, and the answer to an inform. Pure."""

from typing import Final, Literal

import msgspec

from agent.links import ber
from agent.links.ber import Reader, Value
from contract.errors import DeviceGarbled

RESPONSE: Final = 0xA2
V1_TRAP: Final = 0xA4
INFORM: Final = 0xA6
TRAP: Final = 0xA7
REPORT: Final = 0xA8

UPTIME: Final = "1.3.6.1.2.1.1.3.0"
TRAP_OID: Final = "1.3.6.1.6.3.1.1.4.1.0"
TRAP_ENTERPRISE: Final = "1.3.6.1.6.3.1.1.4.3.0"
"""Of a v1 trap that was made one of v2 (RFC 3584, 3.1): told by the OID already."""
TRAP_ADDRESS: Final = "1.3.6.1.6.3.18.1.3.0"
"""snmpTrapAddress (RFC 3584, 3.1): what a proxy says of the sender."""
_GENERIC: Final = "1.3.6.1.6.3.1.1.5"
_ENTERPRISE_SPECIFIC: Final = 6
_ABOUT: Final = (UPTIME, TRAP_OID, TRAP_ENTERPRISE, TRAP_ADDRESS)
MOST_VALUES: Final = 64
"""Values of one trap that are read; real ones have a dozen."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent."""

    version: Literal["1", "2c", "3"]
    oid: str
    """snmpTrapOID; of v1 what RFC 3584 (3.1) makes of it."""
    values: tuple[tuple[str, Value], ...] = ()
    """Without those about the trap itself: uptime, its own OID, its sender."""
    agent: str = ""
    """Address of the device, where the datagram names it: v1's agent-addr, a proxy's snmpTrapAddress."""
    community: bytes = b""
    inform: bool = False
    """The sender wants an answer."""


def version_of(datagram: bytes) -> tuple[int, Reader]:
    """Return the version number of an SNMP message (0, 1, 3), and a reader of what follows.

    Raises:
        DeviceGarbled: it is no SNMP.
    """
    message = Reader(datagram).inside()
    return message.integer(), message


def decode(version: int, message: Reader) -> tuple[Notification, bytes | None]:
    """Return what a v1 or v2c message says, and for an inform its PDU's content from the request id on.

    Args:
        version: 0 or 1.
        message: what follows the version.

    Raises:
        DeviceGarbled: it does not fit, or is no notification.
    """
    community = message.octets()
    tag, start, end = message.element()
    pdu = Reader(message.data, start, end)
    if version == 0:
        if tag != V1_TRAP:
            raise DeviceGarbled("an SNMP message that is no trap")
        return _v1(pdu, community), None
    if version != 1 or tag not in (TRAP, INFORM):
        raise DeviceGarbled("an SNMP message that is no trap")
    notification = _v2(pdu, "2c", community, inform=tag == INFORM)
    return notification, message.data[start:end] if tag == INFORM else None


def decode_pdu(pdu: bytes) -> tuple[Notification, bytes]:
    """Return what the PDU of a v3 message says, and its content.

    Raises:
        DeviceGarbled: it does not fit, or is no notification.
    """
    outer = Reader(pdu)
    tag, start, end = outer.element()
    if tag not in (TRAP, INFORM):
        raise DeviceGarbled("an SNMP message that is no trap")
    return _v2(Reader(pdu, start, end), "3", b"", inform=tag == INFORM), pdu[start:end]


def answer(community: bytes, pdu: bytes) -> bytes:
    """Return the response to a v2c inform: its own content, which has neither error status nor index (RFC 3416, 4.2.7)."""
    return ber.tlv(ber.SEQUENCE, ber.integer(1), ber.octets(community), ber.tlv(RESPONSE, pdu))


def _v1(pdu: Reader, community: bytes) -> Notification:
    enterprise = pdu.oid()
    agent = pdu.octets(ber.ADDRESS)
    generic, specific = pdu.integer(), pdu.integer()
    pdu.integer(ber.TICKS)
    if generic == _ENTERPRISE_SPECIFIC:
        oid = f"{enterprise}.0.{specific}"
    elif 0 <= generic < _ENTERPRISE_SPECIFIC:
        oid = f"{_GENERIC}.{generic + 1}"
    else:
        raise DeviceGarbled(f"no generic trap {generic}")
    named = ".".join(map(str, agent)) if len(agent) == 4 and any(agent) else ""
    return Notification(version="1", oid=oid, values=_values(pdu), agent=named, community=community)


def _v2(pdu: Reader, version: Literal["2c", "3"], community: bytes, *, inform: bool) -> Notification:
    pdu.integer()
    pdu.integer()
    pdu.integer()
    values = _values(pdu)
    said = dict(values)
    oid = said.get(TRAP_OID)
    if not isinstance(oid, str):
        raise DeviceGarbled("a trap without a name (snmpTrapOID)")
    agent = said.get(TRAP_ADDRESS)
    return Notification(
        version=version,
        oid=oid,
        values=tuple((name, value) for name, value in values if name not in _ABOUT),
        agent=agent if isinstance(agent, str) and agent != "0.0.0.0" else "",  # noqa: S104 - what "none" looks like
        community=community,
        inform=inform,
    )


def _values(pdu: Reader) -> tuple[tuple[str, Value], ...]:
    rows = pdu.inside()
    values: list[tuple[str, Value]] = []
    while rows.more and len(values) < MOST_VALUES:
        row = rows.inside()
        values.append((row.oid(), row.value()))
    return tuple(values)
