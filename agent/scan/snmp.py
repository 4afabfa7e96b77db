"""Finds SNMP agents: v2c, v1, and v3 by the report that tells an engine's id (RFC 3414, 4)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from agent.links import ber
from agent.links.ber import Reader, Value
from agent.profiles import Profile, choose, load_profiles
from agent.scan.found import Credential, Found, Setting, clean
from agent.scan.net import Net
from agent.ways.snmp import Snmp
from contract.errors import DeviceError

_DESCR, _OBJECT_ID, _NAME = (f"1.3.6.1.2.1.1.{number}.0" for number in (1, 2, 5))
_SYSTEM: Final = (_DESCR, _OBJECT_ID, _NAME)
_GET, _RESPONSE, _REPORT = 0xA0, 0xA2, 0xA8
_VERSIONS: Final = {"2c": 1, "1": 0}
_CREDENTIAL: Final = "snmp-community"
_SERVICES, _INTERFACES, _PROCESSES = "1.3.6.1.2.1.1.7.0", "1.3.6.1.2.1.2.1.0", "1.3.6.1.2.1.25.1.6.0"
"""sysServices, ifNumber, hrSystemProcesses."""
_SWITCHES: Final = 0x02 | 0x04
"""Of sysServices: serves the data link, or the internet layer."""
_ORDER: Final = Snmp.KINDS
_SIGNS: Final = 3
"""Objects of a profile that an agent of v1 is asked for, one by one."""


class SnmpFinder:
    """Asks for sysDescr, sysObjectID and sysName, community by community."""

    name = "snmp"

    def __init__(self, communities: Sequence[str]) -> None:
        """Take the communities to try, the likeliest first."""
        self._communities = communities
        self._number = 0

    @property
    def most(self) -> int:
        """Probes for a host that is silent."""
        return 2 * len(self._communities) + 1

    async def find(self, net: Net, host: str, port: int) -> list[Found]:
        """Return what answers at a host."""
        for version in _VERSIONS:
            for index, community in enumerate(self._communities):
                said = await self._ask(net, host, port, (version, community), _SYSTEM)
                if said is None:
                    return []
                if said:
                    profiles = await self._profiles(net, host, port, (version, community), said)
                    kind = profiles[0].kind if profiles else await self._kind(net, host, port, (version, community))
                    first = _found(host, port, version, index, said, kind, profiles[0].name if profiles else "")
                    return [first, *(_also(first, profile) for profile in profiles[1:])]
        return await self._engine(net, host, port)

    async def _ask(
        self, net: Net, host: str, port: int, how: tuple[str, str], oids: Iterable[str]
    ) -> Mapping[str, Value] | None:
        """Return the values of a response, none for silence; None when nobody is at the port."""
        self._number += 1
        request = self._number
        rows = ber.tlv(ber.SEQUENCE, *(ber.tlv(ber.SEQUENCE, ber.oid(oid), ber.tlv(ber.NULL)) for oid in oids))
        pdu = ber.tlv(_GET, ber.integer(request), ber.integer(0), ber.integer(0), rows)
        version, community = how
        question = ber.tlv(ber.SEQUENCE, ber.integer(_VERSIONS[version]), ber.octets(community.encode()), pdu)
        answer = await net.udp(host, port, question, lambda datagram: _values(datagram, request) is not None)
        if answer.closed:
            return None
        return (_values(answer.datagram, request) or {}) if answer.datagram is not None else {}

    async def _profiles(
        self, net: Net, host: str, port: int, how: tuple[str, str], said: Mapping[str, Value]
    ) -> list[Profile]:
        """Return the profiles for this sysObjectID that the device has something of, the first of each kind, UPSes first.

        A name alone proves little: many cards give that of the operating system below them. And a UPS's card may have
        a probe for the room.
        """
        kinds: dict[str, Profile] = {}
        for profile in choose(load_profiles(), _object_id(said)):
            if profile.kind in kinds:
                continue
            if profile.answers(await self._all(net, host, port, how, profile.confirm)):
                kinds[profile.kind] = profile
        return sorted(kinds.values(), key=lambda profile: _place(profile.kind))

    async def _kind(self, net: Net, host: str, port: int, how: tuple[str, str]) -> str:
        """Return what a device without a profile is, by the layers that it says it serves (RFC 3418, sysServices)."""
        said = await self._all(net, host, port, how, (_SERVICES, _INTERFACES, _PROCESSES))
        services, interfaces, processes = (said.get(oid) for oid in (_SERVICES, _INTERFACES, _PROCESSES))
        if isinstance(services, int) and services & _SWITCHES and isinstance(interfaces, int) and interfaces > 1:
            return "network"
        return "host" if isinstance(processes, int) else ""

    async def _all(self, net: Net, host: str, port: int, how: tuple[str, str], oids: Sequence[str]) -> dict[str, Value]:
        """Return the values of some objects; v1, which refuses a question for one that is missing, is asked one by one."""
        found: dict[str, Value] = {}
        for part in [oids] if how[0] != "1" else [(oid,) for oid in oids[:_SIGNS]]:
            found |= await self._ask(net, host, port, how, part) or {}
        return found

    async def _engine(self, net: Net, host: str, port: int) -> list[Found]:
        self._number += 1
        answer = await net.udp(host, port, discovery(self._number), lambda datagram: bool(engine_of(datagram)))
        engine = engine_of(answer.datagram) if answer.datagram is not None else b""
        if not engine:
            return []
        settings: tuple[tuple[str, Setting], ...] = (
            ("host", host),
            *_port(port),
            ("version", "3"),
            ("user", "…"),
            ("auth", "sha256"),
            ("auth_key", Credential("snmp-auth")),
            ("priv", "aes"),
            ("priv_key", Credential("snmp-priv")),
        )
        return [
            Found(
                where=host,
                protocol="SNMP 3",
                says=f"engine {engine.hex()}",
                way="snmp",
                settings=settings,
                missing="SNMP 3 says no more to strangers: write the user, its algorithms and keys",
            )
        ]


def _found(host: str, port: int, version: str, index: int, said: Mapping[str, Value], kind: str, profile: str) -> Found:
    oid, descr, name = _object_id(said), said.get(_DESCR), said.get(_NAME)
    credential = _CREDENTIAL if index == 0 else f"{_CREDENTIAL}-{index + 1}"
    older: tuple[tuple[str, Setting], ...] = (("version", version),) if version == "1" else ()
    words = (descr if isinstance(descr, bytes) else b"") or b"no description"
    return Found(
        where=host,
        protocol=f"SNMP {version}",
        says=f"{clean(words)} (sysObjectID {oid or '-'})",
        kind=kind,
        profile=profile,
        title=clean(name, 40) if isinstance(name, bytes) else "",
        way="snmp",
        settings=(("host", host), *_port(port), *older, ("community", Credential(credential))),
        missing="" if kind else f"nothing of it is in a profile (sysObjectID {oid or '-'}): name one, or leave it out",
    )


def _place(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _also(first: Found, profile: Profile) -> Found:
    """Return the same card, asked as another kind of device."""
    missing = f"the same card as a device of another kind: take it too, if there is such a thing ({profile.title})"
    return msgspec.structs.replace(first, kind=profile.kind, profile=profile.name, missing=missing)


def _object_id(said: Mapping[str, Value]) -> str:
    oid = said.get(_OBJECT_ID)
    return oid if isinstance(oid, str) else ""


def _port(port: int) -> tuple[tuple[str, Setting], ...]:
    return (("port", port),) if port != 161 else ()


def _values(datagram: bytes, request: int) -> Mapping[str, Value] | None:
    """Return the values of the response to a request; None for anything else."""
    try:
        message = Reader(datagram).inside()
        message.integer()
        message.octets()
        pdu = message.inside(_RESPONSE)
        if pdu.integer() != request:
            return None
        pdu.integer()
        pdu.integer()
        rows = pdu.inside()
        values: dict[str, Value] = {}
        while rows.more:
            row = rows.inside()
            name = row.oid()
            values[name] = row.value()
    except DeviceError:
        return None
    return values


def discovery(number: int) -> bytes:
    """Return the question for an engine's id: a request of nobody, to be answered by a report."""
    pdu = ber.tlv(_GET, ber.integer(number), ber.integer(0), ber.integer(0), ber.tlv(ber.SEQUENCE))
    about = (ber.integer(number), ber.integer(65507), ber.octets(b"\x04"), ber.integer(3))
    nobody = (ber.octets(b""), ber.integer(0), ber.integer(0), ber.octets(b""), ber.octets(b""), ber.octets(b""))
    security = ber.octets(ber.tlv(ber.SEQUENCE, *nobody))
    scoped = ber.tlv(ber.SEQUENCE, ber.octets(b""), ber.octets(b""), pdu)
    return ber.tlv(ber.SEQUENCE, ber.integer(3), ber.tlv(ber.SEQUENCE, *about), security, scoped)


def engine_of(datagram: bytes) -> bytes:
    """Return the engine's id of an SNMPv3 message; empty for anything else."""
    try:
        message = Reader(datagram).inside()
        if message.integer() != 3:
            return b""
        message.inside()
        return message.inside(ber.OCTETS).inside().octets()
    except DeviceError:
        return b""
