"""One line to the world outside: its far targets are asked, and what it loses and delays is kept over a window.

What is wrong with it is looked into from the near end to the far end (``agent.drivers.line_check``). A line is down when every far target is silent, twice in one poll. A probe that cannot be sent says nothing of a line.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from agent.drivers.base import Identity, Lane
from agent.drivers.line_check import BURST, Asked, Checker
from agent.drivers.line_setup import Seen, Setup, Weakness
from agent.loss import Counts
from agent.probing import Outcome, Prober, State, Target, Window
from agent.selfcheck import FLAGS, Finding, Mark, Verdict, decide, told
from contract.clock import Clock
from contract.command import Verb
from contract.errors import CommandRefused
from contract.reading import Reading, judged, unavailable

_AGAIN = 20.0
"""Seconds from the first self-check to the second: by then the neighbours have been asked again, and ARP has given up."""
_WHILE = 180.0
"""Seconds between the ones after that, while the failure lasts."""
_APART = 5.0
"""Seconds between any two, and..."""
_OFTEN = 6
"""...so many of them that near, while what is known is too little for a verdict: it grows with each."""
_LONG = 20
"""Pings of each step and of the far end where a line loses or delays: three would say nothing of a loss of a third."""
_HOUR = 3600.0
_LEARN = 600.0
"""Seconds between two looks at which way a good line goes."""
_TWICE = 2
"""Polls in a row that one of several targets must be silent in."""
_ENOUGH = 10
"""Probes in the window before its loss says anything."""
_TROUBLE = frozenset({"DOWN", "DEGRADED", "NO-TARGET", "NO-SERVICE", "NO-DNS", "UNPROBED"})
_MEASURED = ("ping", "tcp")
"""What is quick to ask, and measures a line."""


class Checked(msgspec.Struct, frozen=True):
    """A self-check that was made: when, by boottime and by the wall, and what came of it."""

    at: float
    wall: float
    trouble: frozenset[str]
    findings: tuple[Finding, ...]
    verdict: Verdict
    vague: bool = False
    """Too little is known for a verdict yet: chance may explain what a step lost, or what the far end did."""


class LineDriver:
    """Reads one line."""

    def __init__(self, setup: Setup, prober: Prober, checker: Checker, clock: Clock) -> None:
        """Take what the line is, who asks, who looks into it, and the clock."""
        self._setup = setup
        self._prober = prober
        self._checker = checker
        self._clock = clock
        self._last: dict[Target, Outcome] = {}
        self._windows = {target: Window(setup.window, _ENOUGH) for target in (*setup.far, *setup.dns)}
        self._silent = dict.fromkeys(setup.far, 0)
        self._checked: Checked | None = None
        self._checks = 0
        """Of this failure."""
        self._learned: float | None = None
        self._was_up = False
        self._drops: deque[float] = deque()
        """When the line went down, by boottime, in the last hour."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(profile="line", manufacturer=self._setup.carrier) if self._last else Identity()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``. A line that is down is a reading, never an error."""
        setup = self._setup
        due = self._due(lane)
        await asyncio.gather(self._ask(due), self._checker.path())
        if not any(self._last[target].alive for target in due if target in setup.far):
            await self._ask(setup.far)
        for target in setup.far:
            silent = self._last[target].state is State.SILENT
            self._silent[target] = self._silent[target] + 1 if silent else 0
        state = self._state()
        trouble = state & _TROUBLE
        self._count_drops(state)
        new = False
        if not trouble:
            self._checks = 0
            if lane is Lane.ALL:
                await self._learn()
        elif self._check_is_due(trouble):
            await self._check(trouble)
            new = True
        return self._readings(lane, state, checked=new)

    async def close(self) -> None:
        """See ``Driver.close``: nothing stays open between two polls but what is being written."""
        await self._checker.close()

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return frozenset({Verb.SELF_CHECK})

    async def act(self, verb: Verb, output: str, seconds: float) -> str:  # noqa: ARG002 - see Actor
        """See ``Actor.act``: ask everything anew, look into it from here outwards, and say whose fault it is."""
        if verb not in self.verbs:
            raise CommandRefused(f"a line knows no {verb.value}")
        await asyncio.gather(self._ask([*self._setup.far, *self._setup.dns]), self._checker.path())
        state = self._state()
        checked = await self._check(state & _TROUBLE)
        verdict = checked.verdict
        if verdict is Verdict.UNCLEAR and not checked.trouble:
            verdict = Verdict.NONE
        return f"{verdict}: {' '.join(sorted(state))}; {told(checked.findings)}"

    def _due(self, lane: Lane) -> list[Target]:
        """Return what this poll asks: in the fast lane what is quick, and whatever was not well at the last time."""
        every = [*self._setup.far, *self._setup.dns]
        quick = [target for target in self._setup.far if target.scheme in _MEASURED]
        if lane is Lane.ALL or not quick:
            return every
        return [target for target in every if target in quick or not self._well(target)]

    def _well(self, target: Target) -> bool:
        last = self._last.get(target)
        return last is not None and last.state is State.RIGHT

    async def _ask(self, targets: Iterable[Target]) -> None:
        asked = list(targets)
        outcomes = await asyncio.gather(*(self._prober.probe(target) for target in asked))
        now = self._clock.boottime()
        for target, outcome in zip(asked, outcomes, strict=True):
            self._last[target] = outcome
            self._windows[target].take(now, outcome)

    def _alive(self) -> bool:
        return any(self._last[target].alive for target in self._setup.far)

    def _state(self) -> frozenset[str]:
        """Return the flags that the last outcomes stand for."""
        setup = self._setup
        far = [self._last[target] for target in setup.far]
        states = {outcome.state for outcome in far}
        asked = [self._last[target] for target in setup.dns if target in self._last]
        found: set[str] = set()
        if State.UNSENT in states | {outcome.state for outcome in asked}:
            found.add("UNPROBED")
        if self._alive():
            found.add("UP")
            if any(count >= _TWICE for count in self._silent.values()):
                found.add("NO-TARGET")
            if any(serves_badly(target, self._last[target]) for target in setup.far):
                found.add("NO-SERVICE")
            if self._weakness() is not None:
                found.add("DEGRADED")
            known = [outcome for outcome in asked if outcome.state is not State.UNSENT]
            if known and not any(outcome.state is State.RIGHT for outcome in known):
                found.add("NO-DNS")
        elif State.SILENT in states:
            found.add("DOWN")
            if self._checker.gateway_silent:
                found.add("NO-GATEWAY")
        return frozenset(found)

    def _count_drops(self, state: frozenset[str]) -> None:
        now = self._clock.boottime()
        if "DOWN" in state and self._was_up:
            self._drops.append(now)
        if state & {"UP", "DOWN"}:
            self._was_up = "UP" in state
        while self._drops and self._drops[0] < now - _HOUR:
            self._drops.popleft()

    def _best(self) -> Window | None:
        """Return the window of the far target that loses least: a line loses no more than that."""
        windows = [self._windows[target] for target in self._setup.far if target.scheme in _MEASURED]
        known = [window for window in windows if window.sent]
        return min(known, key=lambda window: (window.loss or 0.0, window.delay or 0.0), default=None)

    def _weakness(self) -> Weakness | None:
        """Return what of the line is beyond its limits; None where nothing is."""
        window, limits = self._best(), self._setup.limits
        if window is None or window.sent < _ENOUGH:
            return None
        loss = window.loss if window.lost > 1 and (window.loss or 0.0) > limits.loss else None
        delay = window.delay if (window.delay or 0.0) > limits.delay else None
        jitter = window.jitter if (window.jitter or 0.0) > limits.jitter else None
        if loss is delay is jitter is None:
            return None
        return Weakness(loss=loss, delay=delay, jitter=jitter, counts=Counts(window.sent, window.lost))

    def _check_is_due(self, trouble: frozenset[str]) -> bool:
        last = self._checked
        if last is None:
            return True
        ago = self._clock.boottime() - last.at
        if ago < _APART:
            return False
        if self._checks == 0 or trouble != last.trouble:
            return True
        if self._checks < _OFTEN and last.vague:
            return True
        return ago >= (_AGAIN if self._checks == 1 else _WHILE)

    async def _check(self, trouble: frozenset[str]) -> Checked:
        """Look into it, from here outwards; return what came of it."""
        asked = await self._at_length() if "DEGRADED" in trouble else await self._checker.ask()
        seen = Seen(
            far=tuple(self._last[target] for target in self._setup.far),
            dns=tuple(self._last[target] for target in self._setup.dns if target in self._last),
            weakness=self._weakness() if "DEGRADED" in trouble else None,
        )
        findings = tuple(self._checker.found(asked, seen))
        stamp = self._clock.stamp()
        verdict = decide(findings, self._checker.setting)
        if verdict is Verdict.NONE:  # the trouble was over, or is none that a step knows
            verdict = Verdict.UNCLEAR
        self._checks += 1
        vague = any(each.mark is Mark.DOUBTFUL for each in findings) or (
            "DEGRADED" in trouble and seen.weakness is None
        )
        checked = self._checked = Checked(stamp.boottime, stamp.wall, trouble, findings, verdict, vague)
        return checked

    async def _at_length(self) -> Asked:
        """Ask the near steps and the far end often, in the same moments: loss that comes in bursts is compared with its like.

        Where the far end answers no pings, neither is asked more than usual.
        """
        far = [target for target in self._setup.far if target.scheme == "ping"]
        often = (self._prober.probe(msgspec.structs.replace(target, count=_LONG)) for target in far)
        asked, outcomes = await asyncio.gather(self._checker.ask(_LONG if far else BURST), asyncio.gather(*often))
        now = self._clock.boottime()
        for target, outcome in zip(far, outcomes, strict=True):
            self._windows[target].take(now, outcome)
        return asked

    async def _learn(self) -> None:
        now = self._clock.boottime()
        if self._learned is None or now - self._learned >= _LEARN:
            self._learned = now
            await self._checker.learn()

    def _readings(self, lane: Lane, state: frozenset[str], *, checked: bool) -> list[Reading]:
        last = self._checked if state & _TROUBLE else None
        flags = tuple(sorted(state | ({FLAGS[last.verdict]} if last else set())))
        found = [judged("x.line.status", flags), *_measured("x.line", self._best())]
        found.append(judged("x.line.drops.recent", float(len(self._drops))))
        if lane is Lane.ALL or checked:
            found.append(judged("x.selfcheck.verdict", str(last.verdict if last else Verdict.NONE)))
            if self._checked is not None:
                found.append(judged("x.selfcheck.findings", told(self._checked.findings)))
                found.append(judged("x.selfcheck.at", _local(self._checked.wall)))
        if lane is Lane.ALL:
            found += self._all()
        return found

    def _all(self) -> list[Reading]:
        setup, checker = self._setup, self._checker
        found = [
            judged(name, value)
            for name, value in (
                ("x.line.carrier", setup.carrier),
                ("x.line.gateway.address", checker.gateway),
                ("x.line.hop.address", checker.hop),
            )
            if value
        ]
        if checker.gateway:
            found += _measured("x.line.gateway", checker.gateway_window)[:2]
        outcomes = [self._last[target] for target in (*setup.far, *setup.dns)]
        for number, (target, outcome) in enumerate(zip((*setup.far, *setup.dns), outcomes, strict=True), 1):
            found += numbered(f"x.line.{number}", target, outcome, self._windows[target])
        return [*found, *of_protocols((*setup.far, *setup.dns), outcomes)]


def _local(wall: float) -> str:
    """Return a wall time as people on site write it, with its offset."""
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(timespec="seconds")


def _measured(group: str, window: Window | None) -> list[Reading]:
    """Return loss, delay and jitter of a window."""
    if window is None:
        return [unavailable(f"{group}.{name}") for name in ("loss", "delay", "jitter")]
    return [
        judged(f"{group}.loss", window.loss),
        judged(f"{group}.delay", window.delay),
        judged(f"{group}.jitter", window.jitter),
    ]


def numbered(group: str, target: Target, outcome: Outcome, window: Window) -> list[Reading]:
    """Return what is said of one target of several."""
    answers = None if outcome.state is State.UNSENT else float(outcome.state is State.RIGHT)
    found = [
        judged(f"{group}.target", target.text),
        judged(f"{group}.answers", answers),
        judged(f"{group}.loss", window.loss),
        judged(f"{group}.delay", window.delay),
    ]
    if target.scheme in _MEASURED:
        found.append(judged(f"{group}.jitter", window.jitter))
    if target.scheme in ("http", "https", "sip", "dns"):
        found.append(judged(f"{group}.code", None if outcome.code is None else float(outcome.code)))
    says = f"{outcome.says} ({outcome.hint})" if outcome.hint else outcome.says
    if says:
        found.append(judged(f"{group}.says", says[:256]))
    return found


def serves_badly(target: Target, outcome: Outcome) -> bool:
    """Say whether a target answers, and not as it should; what SIP says for itself has quantities of its own."""
    return outcome.state is State.WRONG and not (target.scheme == "sip" and outcome.code is not None)


def of_protocols(targets: Sequence[Target], outcomes: Sequence[Outcome]) -> list[Reading]:
    """Return what TLS and SIP say besides: the certificate that ends first, the SIP target that is worst off."""
    found = []
    pairs = list(zip(targets, outcomes, strict=True))
    days = [outcome.days for target, outcome in pairs if target.scheme == "https" and outcome.days is not None]
    if days:
        found.append(judged("x.tls.days", min(days)))
    elif any(target.scheme == "https" for target in targets):
        found.append(unavailable("x.tls.days"))
    trunks = [outcome for target, outcome in pairs if target.scheme == "sip"]
    if trunks:
        sip = max(trunks, key=lambda outcome: outcome.code or 0)  # the one that is worst off
        found.append(judged("x.sip.status", _sip_flags(sip)))
        found.append(judged("x.sip.code", None if sip.code is None else float(sip.code)))
        found.append(judged("x.sip.delay", sip.delays[0] if sip.delays else None))
        if sip.retry is not None:
            found.append(judged("x.sip.retry", sip.retry))
    return found


def _sip_flags(outcome: Outcome) -> tuple[str, ...] | None:
    """Return ``x.sip.status``; None where it did not answer in SIP: whether it lives is said elsewhere."""
    match outcome.code:
        case None:
            return None
        case 503 if outcome.retry is not None:
            return ("ANSWERS", "BUSY")
        case code if code >= 500:
            return ("ANSWERS", "ERROR")
        case code if code >= 300:
            return ("ANSWERS", "REFUSES")
        case _:
            return ("ANSWERS",)
