"""What was sent against what was stored: pure. Every promise that does not hold is a finding.

What may be missing: what an agent that was killed had in memory for its first second, if it is named: its number by an
event ``lost``, or, where nobody can know the number any more, its epoch by a ``hello`` that calls its end unsure. And an
answer that was on its way from the device when the agent ended: no driver has had it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby, pairwise
from typing import NamedTuple

from faults.devices import Answer
from faults.schedule import HOUR

IN_MEMORY = 1.3
"""Seconds that a reading may be in memory only: a second without an acknowledgement, and the look at it every quarter."""
BUSY = 0.7
"""Seconds that a process may be held up on a busy machine."""
NEAR = 2.0
"""Seconds by which a stored time may be off: a clock within 2 s of the gateway's is trusted."""
ALARM_WITHIN = 2.0
"""Seconds from the answer that says it to the committed alarm."""
LIVE = 1.0
"""Seconds: an agent is live while readings of the last second are committed within a second."""
LATE = 3.0
"""Seconds after which what is committed counts as backlog."""

_MILLISECOND = 0.00101
"""What stamps are rounded to, and the store's times."""


class Kind(StrEnum):
    """What does not hold."""

    LOST = "lost"
    """A reading is missing though its agent lived, or had had it too long."""
    UNNAMED = "unnamed"
    """A reading of an agent's last second is missing, and its number is not named."""
    UNNAMED_END = "unnamed-end"
    """The same, of an end that nobody can number: the epoch is not called unsure."""
    FALSELY_NAMED = "falsely-named"
    """A number is named lost that is there."""
    DUPLICATE = "duplicate"
    INVENTED = "invented"
    """A value is stored that no device ever said."""
    WRONG_TIME = "wrong-time"
    STEPPED_TIME = "stepped-time"
    """The same, by the step of the agent's own clock."""
    GUESSED_TIME = "guessed-time"
    """The same, of a reading whose clock could not be trusted."""
    OVERWRITTEN = "overwritten"
    """A reading is journaled, and another one of the same device and millisecond is in its place in the store."""
    VANISHED = "vanished"
    """What the journal had committed is not in it any more."""
    ALARM_LOST = "alarm-lost"
    ALARM_TWICE = "alarm-twice"
    ALARM_LATE = "alarm-late"
    ALARM_ENDLESS = "alarm-endless"
    """The last word on an occurrence is that it stands, though it is over."""
    DIED = "died"
    """A process ended by itself, or not in time, or with a traceback."""


NOT_YET = frozenset({Kind.UNNAMED_END, Kind.STEPPED_TIME, Kind.GUESSED_TIME, Kind.OVERWRITTEN})
"""Promises that are not kept yet: told, and no failure. A kind goes from here with the change that keeps it."""


class Finding(NamedTuple):
    """One promise that does not hold."""

    kind: Kind
    text: str


class Life(NamedTuple):
    """One process of an agent. Times are boottimes."""

    agent: str
    epoch: str
    """Empty: it was gone before it opened one."""
    began: float
    ended: float | None
    killed: bool


class Point(NamedTuple):
    """One point of the store. Its time is wall time."""

    device: str
    number: int
    """-1: it fits no number."""
    wall: float


class Row(NamedTuple):
    """One numbered message of the journal."""

    agent: str
    epoch: str
    seq: int
    device: str = ""
    number: int = 0
    """Of readings; 0 where they carry none."""
    occurrence: str = ""
    """Of alarms."""
    active: bool = False
    since: float = 0.0
    """Boottime since when it stands."""
    at: float = 0.0
    """Boottime of its measurement, in milliseconds' steps."""
    trusted: bool = True
    """Whether the clock that it was measured by could be trusted."""
    seen: float = 0.0
    """Boottime at which it was seen committed; 0: only at the end."""


class Broken(NamedTuple):
    """A time in which alarms of an agent have no way. Boottimes."""

    agent: str
    began: float
    ended: float


class Evidence(NamedTuple):
    """All that is judged."""

    answers: Mapping[str, Sequence[Answer]]
    """Agent → what its devices said."""
    lives: Sequence[Life]
    points: Sequence[Point]
    rows: Sequence[Row]
    """The journal at the end, with when each was seen."""
    named: Mapping[str, Collection[int]]
    """Epoch → numbers named lost."""
    unsure: Collection[str]
    """Epochs whose end a hello has called unsure."""
    incidents: Sequence[str] = ()
    """The occurrence of each event that opens an incident or joins one."""
    broken: Sequence[Broken] = ()
    vanished: Sequence[str] = ()
    """What was seen committed, and is in the journal no more."""


class Verdict(NamedTuple):
    """What holds and what does not."""

    findings: Sequence[Finding]
    answers: int
    """Readings that drivers have had."""
    stored: int
    excused: int
    """Missing, of the last second of a killed agent, and named."""
    unread: int
    """Missing, on the way from the device when the agent ended."""
    kills: int
    latencies: Sequence[float]
    """Of each alarm that had its way, sorted; seconds."""
    behind: int
    """How many of them came while backlog was replayed."""

    def of(self, kind: Kind) -> list[str]:
        """Return what was found of a kind."""
        return [finding.text for finding in self.findings if finding.kind is kind]

    def but(self, kinds: Collection[Kind]) -> list[Finding]:
        """Return what was found of all other kinds."""
        return [finding for finding in self.findings if finding.kind not in kinds]

    @property
    def settled(self) -> bool:
        """Whether nothing is missing that may still come."""
        may_come = {Kind.LOST, Kind.UNNAMED, Kind.UNNAMED_END, Kind.ALARM_LOST, Kind.ALARM_ENDLESS}
        return all(finding.kind in NOT_YET or finding.kind not in may_come for finding in self.findings)


def judge(evidence: Evidence) -> Verdict:
    """Compare."""
    findings = [
        *_stored_wrong(evidence),
        *_journaled_twice(evidence.rows),
        *_falsely_named(evidence),
        *(Finding(Kind.VANISHED, text) for text in evidence.vanished),
    ]
    stored = {(point.device, point.number) for point in evidence.points}
    journaled = {(row.device, row.number): row for row in evidence.rows if row.number}
    excused = unread = 0
    for agent, answers in evidence.answers.items():
        lives = [life for life in evidence.lives if life.agent == agent]
        missing = [answer for answer in answers if (answer.device, answer.number) not in stored]
        for life, gone in _by_life(missing, lives):
            had = [answer for answer in gone if answer.read]
            unread += len(gone) - len(had)
            findings += _not_on_the_way([answer for answer in gone if not answer.read], life, agent)
            there = [one for one in answers if (one.device, one.number) in journaled and _within(one, life)]
            lost, gone_over = _overwritten(had, journaled)
            found, pardoned = _missing(lost, life, there, journaled, evidence)
            findings += [*gone_over, *found]
            excused += pardoned
    alarms, latencies, behind = _alarms(evidence)
    return Verdict(
        findings=[*findings, *alarms],
        answers=sum(answer.read for answers in evidence.answers.values() for answer in answers),
        stored=len(stored),
        excused=excused,
        unread=unread,
        kills=sum(life.killed for life in evidence.lives),
        latencies=sorted(latencies),
        behind=behind,
    )


def _within(answer: Answer, life: Life | None) -> bool:
    return life is not None and life.began <= answer.at and (life.ended is None or answer.at <= life.ended + BUSY)


def _by_life(answers: Iterable[Answer], lives: Sequence[Life]) -> Iterable[tuple[Life | None, list[Answer]]]:
    """Yield the answers of each process; of None where there was no process to hear them."""
    lives = sorted(lives, key=lambda life: life.began)
    began = [life.began for life in lives]

    def whose(answer: Answer) -> int:
        return bisect_left(began, answer.at) - 1

    for index, group in groupby(sorted(answers, key=lambda answer: answer.at), whose):
        yield (lives[index] if index >= 0 else None), list(group)


def _not_on_the_way(unread: Iterable[Answer], life: Life | None, agent: str) -> Iterable[Finding]:
    """Yield the answers that nobody asked to follow, though the agent lived on."""
    for answer in unread:
        if life is None or life.ended is None or life.ended - answer.at > IN_MEMORY + BUSY:
            yield Finding(Kind.LOST, f"{_text(answer)}: {agent} lived, and dropped the line to its device")


def _overwritten(had: Sequence[Answer], journaled: Mapping[tuple[str, int], Row]) -> tuple[list[Answer], list[Finding]]:
    """Return what is missing otherwise, and what the next or last reading of the same millisecond took the place of."""
    lost: list[Answer] = []
    findings: list[Finding] = []
    for answer in had:
        rows = [journaled.get((answer.device, answer.number + more)) for more in (0, -1, 1)]
        near = [other for other in rows[1:] if other and rows[0] and abs(other.at - rows[0].at) <= _MILLISECOND]
        if near:
            findings.append(Finding(Kind.OVERWRITTEN, f"{_text(answer)}: {near[0].number} has its millisecond"))
        else:
            lost.append(answer)
    return lost, findings


def _missing(
    had: Sequence[Answer],
    life: Life | None,
    there: Sequence[Answer],
    journaled: Mapping[tuple[str, int], Row],
    evidence: Evidence,
) -> tuple[list[Finding], int]:
    """Return what is wrong with what a process had and the store has not, and how many are excused."""
    findings: list[Finding] = []
    young: list[Answer] = []
    for answer in had:
        if (answer.device, answer.number) in journaled:
            findings.append(Finding(Kind.LOST, f"{_text(answer)}: in the journal, and not in the store"))
        elif life is None or life.ended is None or not life.killed:
            findings.append(Finding(Kind.LOST, f"{_text(answer)}: its agent was not killed"))
        elif life.ended - answer.at > IN_MEMORY + BUSY:
            ago = life.ended - answer.at
            findings.append(
                Finding(Kind.LOST, f"{_text(answer)}: {life.agent} had had it {ago:.2f} s when it was killed")
            )
        else:
            young.append(answer)
    if not young or life is None:
        return findings, 0
    last = max((answer.at for answer in there), default=life.began)
    middle = [answer for answer in young if answer.at < last]
    end = [answer for answer in young if answer.at >= last]
    names = len(evidence.named.get(life.epoch, ()))
    if len(middle) > names:
        unnamed = f"{len(middle) - names} of {len(middle)} readings of the last second of {life.agent} {life.epoch}"
        findings.append(Finding(Kind.UNNAMED, f"{unnamed} are missing, and not named: {_text(middle[0])} …"))
    spare = max(0, names - len(middle))
    left = 0 if life.epoch in evidence.unsure else max(0, len(end) - spare)
    if left:
        text = f"the last {left} readings of {life.agent} {life.epoch or '(no epoch)'} are missing, and its end is not"
        findings.append(Finding(Kind.UNNAMED_END, f"{text} called unsure: {_text(end[0])} …"))
    return findings, min(len(middle), names) + len(end) - left


def _stored_wrong(evidence: Evidence) -> Iterable[Finding]:
    """Yield what stands in the store twice, at a wrong time, or was never said."""
    said = {(one.device, one.number): one for answers in evidence.answers.values() for one in answers}
    rows = {(row.device, row.number): row for row in evidence.rows if row.number}
    seen: dict[tuple[str, int], float] = {}
    for point in evidence.points:
        key = (point.device, point.number)
        answer = said.get(key)
        if answer is None:
            yield Finding(Kind.INVENTED, f"{point.device} at {point.wall:.3f}: no answer has its values")
            continue
        # It was stamped before the device was asked again; on a busy machine that is some time.
        after = said.get((point.device, point.number + 1), answer)
        off = point.wall - answer.wall
        kind = None
        if not -NEAR <= off <= after.wall - answer.wall + NEAR:
            row = rows.get(key)
            kind = Kind.GUESSED_TIME if row is not None and not row.trusted else Kind.WRONG_TIME
            kind = Kind.STEPPED_TIME if abs(abs(off) - HOUR) <= 2 * NEAR else kind
            yield Finding(kind, f"{_text(answer)}: stored {off:+.3f} s off")
        if key in seen:
            stepped = abs(abs(seen[key] - point.wall) - HOUR) <= 2 * NEAR
            text = f"{_text(answer)}: stored at {seen[key]:.3f} and at {point.wall:.3f}"
            yield Finding(Kind.STEPPED_TIME if stepped else Kind.DUPLICATE, text)
        seen[key] = point.wall


def _journaled_twice(rows: Iterable[Row]) -> Iterable[Finding]:
    rows = list(rows)
    for (agent, epoch, seq), count in Counter((row.agent, row.epoch, row.seq) for row in rows).items():
        if count > 1:
            yield Finding(Kind.DUPLICATE, f"{agent} {epoch} {seq}: {count} times in the journal")
    for (device, number), count in Counter((row.device, row.number) for row in rows if row.number).items():
        if count > 1:
            yield Finding(Kind.DUPLICATE, f"{device} {number}: {count} messages of the journal have it")


def _falsely_named(evidence: Evidence) -> Iterable[Finding]:
    for row in evidence.rows:
        if row.seq in evidence.named.get(row.epoch, ()):
            yield Finding(Kind.FALSELY_NAMED, f"{row.agent} {row.epoch} {row.seq}: named lost, and there")


class _Episode(NamedTuple):
    """One time on battery, as the device said it."""

    agent: str
    device: str
    began: float
    last: float
    """The last answer that said so."""
    read: int
    """How many answers that said so a driver has had."""
    until: float
    """The answer after it: what was read in it was stamped before."""
    over: bool
    """Whether it said later that mains is back."""


def _episodes(answers: Mapping[str, Sequence[Answer]]) -> Iterable[_Episode]:
    for agent, said in answers.items():
        devices: dict[str, list[Answer]] = {}
        for answer in said:
            devices.setdefault(answer.device, []).append(answer)
        for device, its in devices.items():
            groups = [(battery, list(group)) for battery, group in groupby(its, lambda answer: answer.battery)]
            for (battery, group), after in pairwise([*groups, (False, [])]):
                if battery:
                    read = sum(answer.read for answer in group)
                    over = any(answer.read for answer in after[1])
                    until = after[1][0].at if after[1] else group[-1].at + BUSY
                    yield _Episode(agent, device, group[0].at, group[-1].at, read, until, over)


def _alarms(evidence: Evidence) -> tuple[list[Finding], list[float], int]:
    """Return what is wrong with the alarms, and how long those took that had their way."""
    findings: list[Finding] = []
    latencies: list[float] = []
    behind = 0
    reports = [row for row in evidence.rows if row.occurrence]
    for (occurrence, active), count in Counter((row.occurrence, row.active) for row in reports).items():
        if count > 1:
            word = "raised" if active else "cleared"
            findings.append(Finding(Kind.ALARM_TWICE, f"{occurrence}: {word} {count} times"))
    for occurrence, count in Counter(evidence.incidents).items():
        if count > 1:
            findings.append(Finding(Kind.ALARM_TWICE, f"{occurrence}: {count} times in the incidents"))
    said = {(one.device, one.number): one for answers in evidence.answers.values() for one in answers}
    commits = _commits(evidence.rows, said)
    for episode in _episodes(evidence.answers):
        mine = [row for row in reports if row.device == episode.device]
        of = [row for row in mine if episode.began - _MILLISECOND <= row.since < episode.until]
        names = {row.occurrence for row in of}
        where = f"{episode.device} on battery at {episode.began:.3f}"
        if not names and episode.read:
            findings.append(Finding(Kind.ALARM_LOST, f"{where}: no occurrence"))
        if len(names) > 1:
            findings.append(Finding(Kind.ALARM_TWICE, f"{where}: occurrences {', '.join(sorted(names))}"))
        ended = {row.occurrence for row in of if not row.active}
        if episode.over and names - ended:
            findings.append(Finding(Kind.ALARM_ENDLESS, f"{where}: {', '.join(sorted(names - ended))} never ended"))
        if not _has_its_way(episode, commits[episode.agent], evidence.broken):
            continue
        seen = min((row.seen for row in of if row.active and row.seen), default=None)
        took = None if seen is None else seen - episode.began
        if took is None or took > ALARM_WITHIN:
            after = "never" if took is None else f"{took:.2f} s later"
            findings.append(Finding(Kind.ALARM_LATE, f"{where}, while {episode.agent} was live: committed {after}"))
        else:
            latencies.append(took)
            behind += _replays(commits, episode.began, episode.began + took + 0.5)
    return findings, latencies, behind


Commits = Mapping[str, Sequence[tuple[float, float]]]
"""Agent → of each of its readings: when it was seen committed, and how old it was then."""


def _commits(rows: Iterable[Row], said: Mapping[tuple[str, int], Answer]) -> Commits:
    found: dict[str, list[tuple[float, float]]] = {row.agent: [] for row in rows}
    for row in rows:
        answer = said.get((row.device, row.number))
        if row.seen and answer is not None:
            found[row.agent].append((row.seen, row.seen - answer.at))
    return _Sorted({agent: sorted(commits) for agent, commits in found.items()})


class _Sorted(dict[str, list[tuple[float, float]]]):
    def __missing__(self, _agent: str) -> list[tuple[float, float]]:
        return []


def _has_its_way(episode: _Episode, commits: Sequence[tuple[float, float]], broken: Iterable[Broken]) -> bool:
    """Say whether the agent was live when it began, and nothing broke until the alarm had to be there."""
    first = bisect_left(commits, (episode.began - LIVE,))
    last = bisect_left(commits, (episode.began,))
    if not any(age <= LIVE for _, age in commits[first:last]) or episode.last - episode.began < LIVE:
        return False
    return not any(
        one.agent == episode.agent and one.began < episode.began + ALARM_WITHIN and one.ended > episode.began
        for one in broken
    )


def _replays(commits: Commits, began: float, ended: float) -> bool:
    for each in commits.values():
        if any(age > LATE for _, age in each[bisect_left(each, (began,)) : bisect_left(each, (ended,))]):
            return True
    return False


def _text(answer: Answer) -> str:
    return f"{answer.device} {answer.number} of {answer.at:.3f}"
