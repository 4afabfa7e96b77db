"""One host from outside: each of its targets is asked once a poll. Silence of all of them is no contact."""

import asyncio
from collections.abc import Sequence

from agent.drivers.base import Identity, Lane
from agent.drivers.line import numbered, of_protocols, serves_badly
from agent.probing import Outcome, Prober, State, Target, Window
from contract.errors import DeviceTimeout, PortUnavailable
from contract.reading import Reading, judged, unavailable

_WORDS = {"ping": "NO-PING", "tcp": "NO-PORT"}
_SECONDS = 60.0


class ProbeDriver:
    """Reads one host."""

    def __init__(self, targets: Sequence[Target], prober: Prober) -> None:
        """Take what is asked, at least one target, and who asks."""
        self._targets = tuple(targets)
        self._prober = prober
        self._banner = ""
        self._seen = False

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(profile="probe", description=self._banner) if self._seen else Identity()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``.

        Raises:
            DeviceTimeout: nothing answered.
            PortUnavailable: nothing could be asked.
        """
        outcomes = await asyncio.gather(*(self._prober.probe(target) for target in self._targets))
        pairs = list(zip(self._targets, outcomes, strict=True))
        if all(outcome.state is State.UNSENT for outcome in outcomes):
            raise PortUnavailable(outcomes[0].says, where=self._targets[0].text, hint=outcomes[0].hint)
        if not any(outcome.alive for outcome in outcomes):
            raise DeviceTimeout(
                _why(pairs), where=self._targets[0].text, hint="is it switched on, and is its cable in?"
            )
        self._seen = True
        banners = [outcome.says for target, outcome in pairs if target.scheme == "ssh" and outcome.state is State.RIGHT]
        self._banner = banners[0] if banners else self._banner
        found = [judged("x.probe.status", _flags(pairs)), *_numbers(pairs)]
        found += of_protocols(self._targets, outcomes)
        if lane is Lane.ALL:
            for number, (target, outcome) in enumerate(pairs, 1):
                window = Window(_SECONDS)
                window.take(0.0, outcome)
                found += numbered(f"x.probe.{number}", target, outcome, window)
        return found

    async def close(self) -> None:
        """See ``Driver.close``: nothing stays open between two polls."""


def _why(pairs: Sequence[tuple[Target, Outcome]]) -> str:
    """Return what became of all of them, in one sentence."""
    said = dict.fromkeys(outcome.says or "no answer" for _, outcome in pairs)
    asked = ", ".join(target.text for target, _ in pairs[1:4])
    return f"{'; '.join(said)}{f' (nor from {asked})' if asked else ''}"


def _flags(pairs: Sequence[tuple[Target, Outcome]]) -> tuple[str, ...]:
    found = {"UP"}
    for target, outcome in pairs:
        match outcome.state:
            case State.UNSENT:
                found.add("UNPROBED")
            case State.RIGHT:
                pass
            case State.WRONG if target.scheme == "sip" and not serves_badly(target, outcome):
                pass
            case _:
                found.add(_WORDS.get(target.scheme, "NO-SERVICE"))
    return tuple(sorted(found))


def _numbers(pairs: Sequence[tuple[Target, Outcome]]) -> list[Reading]:
    delays = [delay for _, outcome in pairs for delay in outcome.delays]
    found = [judged("x.probe.delay", round(min(delays), 3) if delays else None)]
    pings = [outcome for target, outcome in pairs if target.scheme == "ping" and outcome.state is not State.UNSENT]
    if pings:
        sent = sum(outcome.sent for outcome in pings)
        back = sum(len(outcome.delays) for outcome in pings)
        found.append(judged("x.probe.loss", round(100.0 * (sent - back) / sent, 2)))
    elif any(target.scheme == "ping" for target, _ in pairs):
        found.append(unavailable("x.probe.loss"))
    fault = next((pair for pair in pairs if pair[1].state is not State.RIGHT), None)
    if fault is not None:
        found.append(judged("x.probe.fault", f"{fault[0].text}: {fault[1].says or 'no answer'}"[:256]))
    return found
