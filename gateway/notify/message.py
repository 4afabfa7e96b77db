"""The words of a message: what, where, since when, how bad, what to do, and the code to answer with. Pure."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from contract.reading import Quality, Reading
from gateway import reports, watches
from gateway.board import kinds, outlook, staff, trees, views
from gateway.board.words import Words
from gateway.incident import Incident, Purpose, Symptom, deadlines
from gateway.notify import handing, limits_said
from gateway.outside import Outside
from gateway.plan.model import Clause

_DAY = 86400
EXERCISE: Final = "【演练】"
"""Begins every message of a drill."""


class Text(msgspec.Struct, frozen=True):
    """A message for people."""

    subject: str
    body: str


def compose(
    incident: Incident,
    clause: Clause,
    purpose: Purpose,
    language: str,
    *,
    link: str,
    utc_offset: float,
    name: Callable[[str], str] = str,
    card: views.Card | None = None,
    about: tuple[str, ...] = (),
    outside: Sequence[Outside] = (),
) -> Text:
    """Return the message.

    Args:
        incident: what it is about.
        clause: its clause of the plan.
        purpose: why they are told; of what is affected, ``clause`` is that of the affected.
        language: ``zh`` or ``en``.
        link: to the incident's page; an empty text leaves it out.
        utc_offset: of the site, in seconds.
        name: a person's id → their name.
        card: what is known of the device now, in the same language.
        about: the time limits that it is about, and how much of each is gone (``clause:80``).
        outside: whom to telephone outside.
    """
    english = language == "en"
    words = Words(language)
    head = incident.head
    title = words.either(head.title_zh, head.title_en) or clause.title.of(language)
    if purpose is Purpose.AFFECTED:
        title = clause.title.of(language)
    if purpose is Purpose.RECOVERY:
        title = _recovered(incident, english=english)
    mark = "" if purpose is Purpose.PAGE else words(f"mark.{_said(incident, purpose)}")
    if clause.lead and purpose is not Purpose.RECOVERY:
        mark = f"{clause.lead.of(language)}{'. ' if english else '。'}{mark}"
    place = incident.source.place
    tag = "" if not incident.exercise else f"{EXERCISE}EXERCISE " if english else EXERCISE
    subject = f"{tag}[{incident.code}] {mark}{title} — {place} ({clause.clause})"
    lines = [f"{tag}{mark}{title}", "", *handing.said(incident, purpose, words, name)]
    lines += staff.sentence(incident, purpose, words, name)
    limits = [
        *limits_said.lines(incident, clause, about, english=english, moment=lambda at: clock_time(at, utc_offset))
    ]
    lines += [*limits, ""] if limits else []
    if purpose is Purpose.AFFECTED:
        lines.append(trees.because(incident, words))
    owner = name(incident.owner) if incident.owner else ""
    lines += _facts(incident, clause, place, utc_offset, words=words, owner=owner, card=card)
    lines += trees.lines(incident, words, clause.clause if purpose is Purpose.AFFECTED else "")
    between = words("colon")
    lines += [f"{label}{between}{said}" for label, said in staff.rows(incident, words, name)]
    if incident.report:
        lines += [f"{label}{between}{said}" for label, said in reports.rows(incident.report, language, name)]
    if purpose not in (Purpose.RECOVERY, Purpose.HANDED_OVER, Purpose.STOOD_DOWN):
        call = words("telephone")
        lines += [f"{call}{between}{one.name} {one.phone} {one.note}".rstrip() for one in outside]
        lines += ["", "What to do:" if english else "处置步骤："]
        lines += [f"{number}. {step.text.of(language)}" for number, step in enumerate(clause.step, 1)]
    other = handing.answer(incident.code, purpose, link, words)
    lines += ["", other or _answer(incident.code, purpose, link, english=english)]
    return Text(_one_line(subject), "\n".join(lines) + "\n")


def facts(incident: Incident, clause: Clause, purpose: Purpose, *, link: str) -> dict[str, Any]:
    """Return the same for machines; JSON types only."""
    worst = incident.head
    reported = clause.reported(incident.report.name) if incident.report else None
    trigger = (
        reported
        or clause.triggered_by(worst.condition, incident.source.kind, incident.source.device)
        or clause.triggered_by(worst.condition)
    )
    return {
        "code": incident.code,
        "status": "Exercise" if incident.exercise else "Actual",  # CAP 1.2
        "clause": clause.clause,
        "purpose": purpose.value,
        "again": False,
        "state": incident.state.value,
        "condition": worst.condition,
        "level": worst.level,
        "severity": worst.severity,
        "urgency": trigger.urgency.value if trigger else "",
        "certainty": trigger.certainty.value if trigger else "",
        "title": {"zh": worst.title_zh, "en": worst.title_en},
        "source": msgspec.to_builtins(incident.source),
        "quantity": worst.quantity,
        "value": worst.value,
        "since": worst.since,
        "opened": incident.opened,
        "deadline": incident.deadline,
        "provisional": any(one.provisional for one in incident.deadlines if one.key == deadlines.CLAUSE),
        "owner": incident.owner,
        "headquarters": staff.facts(incident),
        "countdowns": msgspec.to_builtins(incident.countdowns),
        "report": msgspec.to_builtins(incident.report),
        "recurs": incident.recurs,
        "count": incident.count,
        "link": link,
        "affected": [msgspec.to_builtins(one) for one in incident.affected()],
    }


def clock_time(wall: float, utc_offset: float) -> str:
    """Write a wall time as people of the site read it: month-day hour:minute:second."""
    seconds = int(wall + utc_offset)
    month, day = _month_day(seconds // _DAY)
    rest = seconds % _DAY
    return f"{month:02d}-{day:02d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def _month_day(days: int) -> tuple[int, int]:
    """Return month and day of a day since 1970 (Howard Hinnant, chrono-compatible low-level date algorithms)."""
    shifted = days + 719468
    era_day = shifted % 146097
    year = (era_day - era_day // 1460 + era_day // 36524 - era_day // 146096) // 365
    year_day = era_day - (365 * year + year // 4 - year // 100)
    month = (5 * year_day + 2) // 153
    return (month + 3 if month < 10 else month - 9), year_day - (153 * month + 2) // 5 + 1


def _said(incident: Incident, purpose: Purpose) -> str:
    """Return what marks a message: its purpose; to a reporter, what has been decided."""
    if purpose is not Purpose.DECIDED:
        return purpose.value
    return "refused" if incident.report is not None and incident.report.refused else "approved"


def _recovered(incident: Incident, *, english: bool) -> str:
    """Say what is over; that of the mains in its own words."""
    conditions = {symptom.condition for symptom in _gone(incident)}
    if "on-battery" in conditions:
        return "mains is back" if english else "市电已恢复"
    symptom: Symptom = incident.head
    return f"{symptom.title_en}: over" if english else f"{symptom.title_zh}：已解除"


def _gone(incident: Incident) -> list[Symptom]:
    """Return what was wrong in the round that is over."""
    return [one for one in incident.symptoms if one.ended >= incident.round and not one.follows]


def _facts(
    incident: Incident,
    clause: Clause,
    place: str,
    utc_offset: float,
    *,
    words: Words,
    owner: str,
    card: views.Card | None,
) -> list[str]:
    worst = incident.head
    over = incident.gone is not None
    limited = incident.deadline and not over
    clause_limit = deadlines.find(incident.deadlines, deadlines.CLAUSE)
    due = limits_said.said(
        clock_time(incident.deadline, utc_offset),
        provisional=clause_limit is not None and clause_limit.provisional,
        english=words.language == "en",
    )
    since = min((symptom.since for symptom in _gone(incident)), default=worst.since) if over else worst.since
    rows = [
        ("预案条款", "Clause", f"{clause.clause} {clause.title.of(words.language)}"),
        ("设备", "Device", "" if incident.report else place),
        ("开始时间", "Since", clock_time(since, utc_offset)),
        ("读数", "Value", "" if over else _value(worst, words)),
        ("恢复时间", "Over at", clock_time(incident.gone, utc_offset) if incident.gone is not None else ""),
        (words("device-now"), words("device-now"), _now(card, words)),
        ("处理人", "Owner", owner),
        (words("recurs"), words("recurs"), handing.again(incident, words)),
        ("处理时限", "Deadline", due if limited else ""),
        ("事件编号", "Code", incident.code),
    ]
    rows += [(one, one, text) for one, text in _outlook(incident, words, utc_offset)]
    between = words("colon")
    return [f"{words.either(zh, en)}{between}{text}" for zh, en, text in rows if text]


def _outlook(incident: Incident, words: Words, utc_offset: float) -> list[tuple[str, str]]:
    return outlook.rows(incident.countdowns, words, lambda wall: outlook.hour(wall, utc_offset), 0.0)


def _value(worst: Symptom, words: Words) -> str:
    """Return the reading that raised the alarm; of contact and hearing, the title has said it.

    Flags say more than the title does: those of a line, whose fault it is.
    """
    value = tuple(worst.value) if isinstance(worst.value, list) else worst.value
    if worst.quantity == watches.SAID and isinstance(value, str):
        return _one_line(value)
    if worst.quantity == watches.OFFSET and isinstance(value, int | float):
        return f"{words('clock')} {'+' if value > 0 else '−'}{words.span(abs(value))}"
    if value is None or (worst.quantity.startswith("x.") and not isinstance(value, tuple)):
        return ""
    return f"{views.label(worst.quantity, words)} {views.text(Reading(worst.quantity, value), words)}"


def _now(card: views.Card | None, words: Words) -> str:
    """Return how the device is at this moment; what is not fresh is not said."""
    if card is None:
        return ""
    if card.blind:
        return words.name("state", card.state)
    rows = [row for row in card.main if row.quantity in kinds.now(card.kind) and row.quality is Quality.GOOD]
    if not rows:  # the alarm stands, and it may be that of silence
        return words.name("state", "stale")
    said = [flag.label for flag in card.flags]
    return words("comma").join([*said, *(f"{row.label} {row.text}{row.unit and f' {row.unit}'}" for row in rows)])


def _answer(code: str, purpose: Purpose, link: str, *, english: bool) -> str:
    if link and purpose is Purpose.RECOVERY:
        return f"Close it here once the cause is checked: {link}" if english else f"核实原因后，请在此关闭：{link}"
    if link:
        return f"Answer here: {link}" if english else f"请在此答复（收到 / 我处理）：{link}"
    if purpose is Purpose.RECOVERY:
        return f"Close {code} once the cause is checked." if english else f"核实原因后请关闭事件 {code}。"
    if english:
        return f"Answer with the code {code}: seen, or mine (you take it on)."
    return f"请按编号 {code} 答复：收到，或我处理。"


def _one_line(text: str) -> str:
    """Keep a subject to one line: a device's title comes from outside."""
    return " ".join(text.split())
