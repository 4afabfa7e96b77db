"""What is asked from outside, and what came of it. Pure: how it is asked stands in ``agent/links``."""

import statistics
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Literal, Protocol

import msgspec

Scheme = Literal["ping", "tcp", "ssh", "dns", "http", "https", "sip"]


class Route(msgspec.Struct, frozen=True):
    """Which way probes leave: by an interface, from an address; both empty for the way that the kernel takes."""

    interface: str = ""
    source: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to ask. ``agent.ways.target`` makes it of a URL."""

    scheme: Scheme
    host: str
    """A name or an address."""
    port: int = 0
    """0 for ping."""
    path: str = ""
    """HTTP: path and query; DNS: the name to ask for."""
    timeout: float = 1.0
    """Seconds without an answer, after the last request."""
    count: int = 1
    """Echo requests in one go."""
    transport: Literal["udp", "tcp"] = "udp"
    """Of SIP."""
    expect: str = ""
    """DNS: an address that must be among the answers. HTTP: what the body must contain."""
    codes: tuple[int, ...] = ()
    """HTTP: statuses that are right; empty: 200 to 399."""
    verify: bool = True
    """HTTPS: whether the certificate must be one that can be trusted."""

    @property
    def text(self) -> str:
        """How people know it."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port and self.port != DEFAULT_PORTS.get(self.scheme) else ""
        path = f"/{self.path}" if self.scheme == "dns" else self.path
        return f"{self.scheme}://{name}{port}{path}"[:256]


DEFAULT_PORTS = {"ssh": 22, "dns": 53, "http": 80, "https": 443, "sip": 5060}


class State(StrEnum):
    """What came of a probe."""

    RIGHT = "right"
    WRONG = "wrong"
    """It answered, and not as it should: refused, an error, another text. The way to it is well."""
    SILENT = "silent"
    """No answer, or the network said that there is no way."""
    UNSENT = "unsent"
    """It could not be asked: nothing is known of it."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking a target once. Delays are in milliseconds, in the order of the requests."""

    state: State
    sent: int = 1
    delays: tuple[float, ...] = ()
    code: int | None = None
    says: str = ""
    """A banner, a status line, or why there is no right answer."""
    hint: str = ""
    """What to do about it, where we know."""
    days: float | None = None
    """Until the certificate ends."""
    retry: float | None = None
    """SIP: Retry-After, in seconds."""

    @property
    def alive(self) -> bool:
        """Whether something answered."""
        return self.state in (State.RIGHT, State.WRONG)


class Prober(Protocol):
    """Asks targets, each of them within its timeout; never raises for what the network does."""

    async def probe(self, target: Target) -> Outcome:
        """Ask once."""
        ...

    async def trace(self, host: str, most: int) -> Sequence[str]:
        """Return which router answers at each number of hops on the way, "" for none; ends with the host itself if it answers.

        Empty where that cannot be asked.
        """
        ...


class Window:
    """What came of the probes of one target in the last so many seconds, and of the last few in any case.

    ``now`` is a steady clock.
    """

    def __init__(self, seconds: float, least: int = 0) -> None:
        """Start with nothing; ``least`` probes are kept however old: a line that is asked seldom is judged all the same."""
        self._seconds = seconds
        self._least = least
        self._kept: deque[tuple[float, int, tuple[float, ...]]] = deque()

    def take(self, now: float, outcome: Outcome) -> None:
        """Take one outcome. One that could not be sent ends what was known: from then on nothing is."""
        if outcome.state is State.UNSENT:
            self._kept.clear()
            return
        self._kept.append((now, outcome.sent, outcome.delays))
        self.forget(now)

    def forget(self, now: float) -> None:
        """Let go of what is older than the window."""
        sent = self.sent
        while self._kept and self._kept[0][0] < now - self._seconds and sent - self._kept[0][1] >= self._least:
            sent -= self._kept.popleft()[1]

    @property
    def sent(self) -> int:
        """How many were sent."""
        return sum(sent for _, sent, _ in self._kept)

    @property
    def lost(self) -> int:
        """How many had no answer."""
        return sum(max(0, sent - len(delays)) for _, sent, delays in self._kept)

    @property
    def loss(self) -> float | None:
        """Lost, in %; None where nothing was sent."""
        return round(100.0 * self.lost / self.sent, 2) if self.sent else None

    @property
    def delay(self) -> float | None:
        """Median in milliseconds; None where nothing came back."""
        delays = self._delays()
        return round(statistics.median(delays), 3) if delays else None

    @property
    def jitter(self) -> float | None:
        """Mean difference of one round trip to the next, in milliseconds.

        RFC 3550's D of 6.4.1 over round trips, averaged over the window instead of smoothed by 1/16: a window forgets.
        """
        delays = self._delays()
        if len(delays) < 2:
            return None
        return round(statistics.fmean(abs(b - a) for a, b in pairwise(delays)), 3)

    def _delays(self) -> list[float]:
        return [delay for _, _, delays in self._kept for delay in delays]
