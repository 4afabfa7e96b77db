"""What the devices said of their mains against what was alarmed of it: pure.

Each time on battery is one occurrence, raised once and cleared once. The alarm is committed in time wherever it had its
way: its agent was heard when the device said it, or was heard again, and nothing broke until the alarm had to be there.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from faults.devices import Answer
from faults.evidence import BUSY, MILLISECOND, Broken, Evidence, Finding, Kind, Row

ALARM_WITHIN = 2.0
"""Seconds to the committed alarm: from the answer that says it, or from when its agent is heard again."""
LIVE = 1.0
"""Seconds: an agent has its way while readings of it that were no older were committed within the last one.

Old ones say nothing of the way: they may be what TCP had taken before a link was mended, with the rest of it, and the
alarm behind it, held until TCP tries again. While backlog is replayed new readings come as well, and before it.
"""
_HEARD_WITHIN = 25.0
"""Seconds from a way that is whole again to such a commit: the longest pause between two tries to connect, and a try."""
_KEPT_WITHIN = 3.0
"""The same where only the gateway's disk was full."""
LATE = 3.0
"""Seconds after which what is committed counts as backlog."""


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


def judge_alarms(evidence: Evidence) -> tuple[list[Finding], list[float], int]:
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
    live = _Sorted({agent: [one for one in its if one[1] <= LIVE] for agent, its in commits.items()})
    for episode in _episodes(evidence.answers):
        mine = [row for row in reports if row.device == episode.device]
        of = [row for row in mine if episode.began - MILLISECOND <= row.since < episode.until]
        names = {row.occurrence for row in of}
        where = f"{episode.device} on battery at {episode.began:.3f}"
        if not names and episode.read and not _stands(mine, episode.began):
            findings.append(Finding(Kind.ALARM_LOST, f"{where}: no occurrence"))
        if len(names) > 1:
            findings.append(Finding(Kind.ALARM_TWICE, f"{where}: occurrences {', '.join(sorted(names))}"))
        ended = {row.occurrence for row in of if not row.active}
        if episode.over and names - ended:
            findings.append(Finding(Kind.ALARM_ENDLESS, f"{where}: {', '.join(sorted(names - ended))} never ended"))
        way = _way(episode, live[episode.agent], evidence.broken)
        seen = min((row.seen for row in of if row.active and row.seen), default=None)
        if way is None or seen is None:
            continue
        took = max(0.0, seen - way)
        if took > ALARM_WITHIN:
            text = f"{where}, and {episode.agent} was heard from {way:.3f} on: committed {took:.2f} s later"
            full = (one for one in evidence.broken if one.full and one.agent == episode.agent)
            unkept = any(one.began < way and one.ended > episode.began for one in full)
            findings.append(Finding(Kind.ALARM_UNKEPT if unkept else Kind.ALARM_LATE, text))
        latencies.append(took)
        behind += _replays(commits, way, way + took + 0.5)
    for agent, its in evidence.answers.items():
        ended = max((answer.at for answer in its), default=0.0)
        findings += _silences(agent, live[agent], [one for one in evidence.broken if one.agent == agent], ended)
    return findings, latencies, behind


def _silences(
    agent: str, commits: Sequence[tuple[float, float]], broken: Sequence[Broken], ended: float
) -> Iterable[Finding]:
    """Yield where an agent was not heard soon after its way was whole again; ``ended`` is when its devices fell silent."""
    waits: list[tuple[float, float, bool]] = []
    for one in sorted(broken, key=lambda one: one.began):
        if waits and one.began <= waits[-1][1]:
            began, until, full = waits.pop()
            waits.append((began, max(until, one.ended), full and one.full))
        else:
            waits.append((one.began, one.ended, one.full))
    for (_, whole, full), (again, _, _) in pairwise([*waits, (ended, ended, False)]):
        most = _KEPT_WITHIN if full else _HEARD_WITHIN
        heard = bisect_left(commits, (whole,))
        if again - whole > most and not (heard < len(commits) and commits[heard][0] <= whole + most):
            after = "never" if heard == len(commits) else f"{commits[heard][0] - whole:.1f} s later"
            kind = Kind.UNKEPT if any(one.full and one.ended > whole - _HEARD_WITHIN for one in broken) else Kind.SILENT
            yield Finding(kind, f"{agent}: its way was whole at {whole:.3f}; new readings of it were committed {after}")


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


def _stands(reports: Sequence[Row], at: float) -> bool:
    """Say whether an occurrence that began before stood at a time: what ended it was lost with its agent, and named."""
    over = {row.occurrence for row in reports if not row.active and row.at <= at}
    return any(row.active and row.since < at and row.occurrence not in over for row in reports)


def _way(episode: _Episode, commits: Sequence[tuple[float, float]], broken: Iterable[Broken]) -> float | None:
    """Return from when on its alarm had its way: the agent was heard, and nothing broke for as long as it may take."""
    mine = [one for one in broken if one.agent == episode.agent]
    for seen, _ in commits[bisect_left(commits, (episode.began - LIVE,)) :]:
        way = max(seen, episode.began)
        if not any(one.began < way + ALARM_WITHIN and one.ended > way for one in mine):
            return way
    return None


def _replays(commits: Commits, began: float, ended: float) -> bool:
    for each in commits.values():
        if any(age > LATE for _, age in each[bisect_left(each, (began,)) : bisect_left(each, (ended,))]):
            return True
    return False
