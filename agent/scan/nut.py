"""Finds NUT servers (RFC 9271): upsd says which UPSes it has to anybody whom it lets connect."""

import re
from typing import Final

from agent.scan.found import Found, Setting, clean
from agent.scan.net import Net

_UPS: Final = re.compile(r'^UPS (\S{1,64}) "((?:[^"\\]|\\.){0,200})"$')
_MOST: Final = 32
"""UPSes of one server that are told."""


class NutFinder:
    """Asks for the list of UPSes."""

    name = "nut"
    most = 1

    async def find(self, net: Net, host: str, port: int) -> list[Found]:
        """Return the UPSes of a server."""
        async with net.tcp(host, port) as stream:
            if stream is None:
                return []
            answer = await stream.ask(b"LIST UPS\n", lambda said: b"END LIST UPS" in said or said.startswith(b"ERR "))
        lines = [line.strip() for line in answer.decode("utf-8", "replace").splitlines()]
        if lines and lines[0].startswith("ERR "):
            return [Found(where=host, protocol="NUT", says=clean(lines[0]), missing="let this host in: LISTEN, ACLs")]
        if not lines or lines[0] != "BEGIN LIST UPS":
            return []
        named = [match for line in lines if (match := _UPS.match(line))][:_MOST]
        return [_found(host, port, match[1], match[2]) for match in named]


def _found(host: str, port: int, ups: str, description: str) -> Found:
    known: tuple[tuple[str, Setting], ...] = (("port", port),) if port != 3493 else ()
    return Found(
        where=host,
        protocol="NUT",
        says=f"{clean(ups)}: {clean(description)}",
        kind="ups",
        title=clean(description, 40) if description != "Description unavailable" else "",
        way="nut",
        settings=(("host", host), *known, ("ups", clean(ups))),
    )
