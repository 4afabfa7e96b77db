"""What was sent against what was stored: pure. Every promise that does not hold is a finding.

What may be missing: what an agent that was killed had in memory for its first second, if it is named: its number by an
event ``lost``, or, where nobody can know the number any more, its epoch by a ``hello`` that calls its end unsure. And an
answer that was on its way from the device when the agent ended, or its driver lost patience: none has had it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from faults.alarms import judge_alarms
from faults.devices import PATIENCE, Answer
from faults.evidence import BUSY, MILLISECOND, NOT_YET, Evidence, Finding, Kind, Life, Row
from faults.schedule import HOUR

IN_MEMORY = 1.3
"""Seconds that a reading may be in memory only: a second without an acknowledgement, and the look at it every quarter."""
NEAR = 2.0
"""Seconds by which a stored time may be off: a clock within 2 s of the gateway's is trusted."""


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
        asked = {(answer.device, answer.number): answer.at for answer in answers}
        missing = [answer for answer in answers if (answer.device, answer.number) not in stored]
        for life, gone in _by_life(missing, lives):
            had = [answer for answer in gone if answer.read]
            unread += len(gone) - len(had)
            findings += _not_on_the_way([answer for answer in gone if not answer.read], life, asked)
            there = [one for one in answers if (one.device, one.number) in journaled and _within(one, life)]
            lost, gone_over = _overwritten(had, journaled)
            found, pardoned = _missing(lost, life, there, journaled, evidence)
            findings += [*gone_over, *found]
            excused += pardoned
    alarms, latencies, behind = judge_alarms(evidence)
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


def _not_on_the_way(
    unread: Iterable[Answer], life: Life | None, after: Mapping[tuple[str, int], float]
) -> Iterable[Finding]:
    """Yield what no driver has had, though its agent lived and had not lost patience with the device.

    ``after``: device and number → when the device was asked again.
    """
    for answer in unread:
        ended = None if life is None else life.ended
        over = after.get((answer.device, answer.number + 1), answer.at + PATIENCE) - answer.at >= PATIENCE
        if not over and (ended is None or ended - answer.at > IN_MEMORY + BUSY):
            yield Finding(Kind.LOST, f"{_text(answer)}: its agent lived, and dropped the line to its device")


def _overwritten(had: Sequence[Answer], journaled: Mapping[tuple[str, int], Row]) -> tuple[list[Answer], list[Finding]]:
    """Return what is missing otherwise, and what the next or last reading of the same millisecond took the place of."""
    lost: list[Answer] = []
    findings: list[Finding] = []
    for answer in had:
        rows = [journaled.get((answer.device, answer.number + more)) for more in (0, -1, 1)]
        near = [other for other in rows[1:] if other and rows[0] and abs(other.at - rows[0].at) <= MILLISECOND]
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
        elif life.ended - answer.at > IN_MEMORY + max(
            BUSY, _stood_still(evidence.answers[life.agent], answer, life.ended)
        ):
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


def _stood_still(answers: Sequence[Answer], since: Answer, until: float) -> float:
    """Return the longest time, up to the end of an agent, in which it asked none of its devices: it had no turn."""
    asked = [since.at, *(answer.at for answer in answers if since.at < answer.at <= until)]
    return max((later - sooner for sooner, later in pairwise(sorted(asked))), default=0.0)


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


def _text(answer: Answer) -> str:
    return f"{answer.device} {answer.number} of {answer.at:.3f}"
