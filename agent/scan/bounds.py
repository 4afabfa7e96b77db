"""What a scan may do: how many addresses, how fast, which ports. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Final

from contract.errors import UsageError
from contract.settings import did_you_mean

MOST: Final = 1024
"""Addresses of one scan: a /22."""
FASTEST: Final = 200.0
"""Probes a second: small cards, and the tables of switches, bear no more."""
PORTS: Final[Mapping[str, int]] = {"snmp": 161, "modbus": 502, "nut": 3493}
"""Finder → its port."""


def addresses(ranges: Iterable[str], limit: int = MOST) -> list[str]:
    """Return the addresses of hosts in CIDR ranges, each once, in order.

    Args:
        ranges: such as ``192.0.2.0/24``; an address alone is itself.
        limit: how many there may be.

    Raises:
        UsageError: one is no range, is none of hosts, or there are too many.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"a limit of {limit}", where="--limit", hint=f"1 to {MOST}: larger networks in several runs")
    found: dict[ipaddress.IPv4Address | ipaddress.IPv6Address, None] = {}
    for text in ranges:
        network = _network(text)
        if len(found) + network.num_addresses > limit + 2:  # a network's own address and its broadcast are no hosts
            most = limit if limit < MOST else f"{MOST}, a /22"
            raise UsageError(f"{network.num_addresses} addresses", where=text, hint=f"at most {most}; name less")
        found.update(dict.fromkeys(network.hosts()))
    if len(found) > limit:
        raise UsageError(f"{len(found)} addresses", hint=f"the limit is {limit}; name less")
    return [str(address) for address in sorted(found, key=lambda address: (address.version, int(address)))]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        hint = "write a network such as 192.0.2.0/24, or one address"
        raise UsageError("not a range of addresses", where=text, hint=hint) from None
    if "/" in text and str(network) != str(ipaddress.ip_interface(text)):
        raise UsageError("an address within a network", where=text, hint=f"did you mean {network}?")
    if network.is_multicast or network.is_unspecified or str(network.network_address) == "255.255.255.255":
        raise UsageError("no addresses of hosts", where=text, hint="write a network such as 192.0.2.0/24")
    return network


def rate(text: str) -> float:
    """Return how many probes a second, of ``20/s`` or ``20``.

    Raises:
        UsageError: it is no such thing.
    """
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,3})?)(?:/s)?", text.strip())
    number = float(match[1]) if match else 0.0
    if not 0.0 < number <= FASTEST:
        raise UsageError("no rate that can be used", where="--rate", hint=f"20/s; at most {FASTEST:g}/s")
    return number


def ports(text: str) -> dict[str, int]:
    """Return which finders are asked at which ports, of ``snmp,nut,modbus:1502``.

    Raises:
        UsageError: there is no such finder, or the port is none.
    """
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition(":")
        if name not in PORTS:
            raise UsageError(f"nothing finds {name!r}", where="--ports", hint=did_you_mean(name, PORTS))
        if number and not (number.isascii() and number.isdigit() and 0 < int(number[:6]) < 65536):
            raise UsageError(f"{number!r} is no port", where="--ports", hint=f"write {name}:{PORTS[name]}")
        found[name] = int(number) if number else PORTS[name]
    if not found:
        raise UsageError("nothing to look for", where="--ports", hint=f"write {','.join(PORTS)}")
    return found
