"""Asks any target by the link that knows its protocol, all on one route."""

from collections.abc import Sequence
from typing import Final

from agent.links import dns, icmp, sip, tcp, web
from agent.links.route import Resolver, Unsent
from agent.probing import Outcome, Route, State, Target

_TRACE_WAIT: Final = 1.0


class LinkProber:
    """See ``agent.probing.Prober``."""

    def __init__(self, route: Route) -> None:
        """Take which way probes leave."""
        self._route = route
        self._resolver = Resolver()

    async def probe(self, target: Target) -> Outcome:
        """See ``Prober.probe``."""
        try:
            return await self._asked(target)
        except Unsent as unsent:
            return Outcome(state=State.UNSENT, sent=0, says=unsent.why, hint=unsent.hint)

    async def trace(self, host: str, most: int) -> Sequence[str]:
        """See ``Prober.trace``."""
        try:
            address = await self._resolver.address(host, self._route)
            return await icmp.trace(self._route, address, most=most, wait=_TRACE_WAIT)
        except Unsent:
            return ()

    async def _asked(self, target: Target) -> Outcome:
        address = await self._resolver.address(target.host, self._route)
        wait = target.timeout
        match target.scheme:
            case "ping":
                return await icmp.echo(self._route, address, count=target.count, wait=wait)
            case "tcp":
                return await tcp.port(self._route, address, target.port, wait=wait)
            case "ssh":
                return await tcp.ssh(self._route, address, target.port, wait=wait)
            case "dns":
                return await dns.ask(self._route, address, target.port, target.path, expect=target.expect, wait=wait)
            case "http" | "https":
                return await web.get(self._route, address, target)
            case "sip":
                return await sip.ask(self._route, address, target.host, target.port, target.transport, wait=wait)
