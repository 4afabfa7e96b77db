"""What those who command say, as events: who is temporary commander, that the level is lower, a time limit. Pure.

Each function returns what is kept, or None where it is on record already. What cannot be done is an ``IncidentError`` in
both languages.
"""

from typing import Any, Final

from contract.errors import IncidentError
from gateway import refusals
from gateway.answers import MOST, Answer
from gateway.contacts import Contacts
from gateway.incident import Incident, deadlines
from gateway.incident.headquarters import AUTHORISED
from gateway.plan import limits
from gateway.plan.headquarters import COMMAND, candidates
from gateway.plan.model import GRAVITY, Clause, Level
from gateway.worktime.hours import WorkTime
from gateway.worktime.limit import Limit

LOWER: Final = (Level.PARTIAL, Level.PREPARE)
"""The levels to which a person may lower one: below these, it is a matter of closing it."""


def authorise(
    incident: Incident, clause: Clause | None, contacts: Contacts, person: str, whom: str, reason: str = ""
) -> Answer | None:
    """授权: head or deputy makes a department's head temporary commander.

    Args:
        incident: an open one, whose headquarters is called.
        clause: its clause; None when the plan no longer has it.
        contacts: who heads which department.
        person: who says so.
        whom: who is to command.
        reason: a sentence for the timeline.

    Raises:
        IncidentError: there is no headquarters, it is not theirs to say, or that person heads none of the departments.
    """
    if incident.closed is not None:
        raise refusals.closed(incident.code)
    hq = incident.headquarters
    if not hq.called:
        raise IncidentError(
            f"{incident.code} has no headquarters: it is not major",
            zh=f"{incident.code} 没有成立应急指挥部：不是重大事件",
            hint="where the plan leaves the level to people, confirm it as major first",
            hint_zh="预案由人员判定级别的，请先确认为重大",
        )
    if person not in hq.givers:
        raise _not_theirs(incident, contacts, hq.givers)
    contacts.find(whom)
    may = candidates(clause, contacts, hq.givers) if clause else ()
    if whom not in may:
        names = _names(may, contacts)
        raise IncidentError(
            f"{_name(whom, contacts)} cannot be temporary commander of {incident.code}",
            zh=f"{_name(whom, contacts)} 不能担任 {incident.code} 的临时指挥",
            hint=f"only heads of the clause's departments can: {names}" if may else "its departments have no head",
            hint_zh=f"只能授权本条预案责任部门的负责人：{names}" if may else "本条预案的责任部门没有登记负责人",
        )
    text = reason.strip()[:MOST]
    given = hq.authority
    if given is not None and not given.advance and (given.person, given.by, given.reason) == (whom, person, text):
        return None
    return Answer(AUTHORISED, text, {"by": person, "person": whom, "advance": False})


def lower(incident: Incident, contacts: Contacts, person: str, level: str, reason: str) -> Answer | None:
    """降低级别: head, deputy or temporary commander says that it is less than it was; the headquarters is stood down.

    Raises:
        IncidentError: it is not theirs to say, there is no such lower level, or no reason.
    """
    if incident.closed is not None:
        raise refusals.closed(incident.code)
    hq = incident.headquarters
    group = contacts.departments.get(COMMAND)
    standing = (*((group.head or "", *group.deputies) if group else ()), *hq.members)
    if person not in standing:
        raise _not_theirs(incident, contacts, tuple(dict.fromkeys(one for one in standing if one)))
    now = gravest(incident)
    allowed = lower_levels(incident)
    if level not in allowed:
        raise IncidentError(
            f"{incident.code} is {now.value}, and cannot be lowered to {level!r}",
            zh=f"{incident.code} 现为 {now.value}，不能降为 {level!r}",
            hint=f"it may be {' or '.join(allowed)}" if allowed else "close it with a reason",
            hint_zh=f"可以降为：{'、'.join(allowed)}" if allowed else "请写明理由后关闭",
        )
    text = reason.strip()[:MOST]
    if not text:
        raise IncidentError(
            "to lower the level needs a reason", zh="降低级别要写明理由", hint="write why", hint_zh="写一句理由"
        )
    worst = incident.worst
    data: dict[str, Any] = {"from": now.value, "level": level, "lowered": True}
    return Answer("confirmed", text, data | {"severity": worst.severity, "rank": worst.rank})


def limit(
    incident: Incident,
    clause: Clause | None,
    contacts: Contacts,
    person: str,
    words: str,
    step: int,
    begins: float,
    time: WorkTime,
) -> Answer | None:
    """定时限: head, deputy or temporary commander sets a time limit: of the whole incident, or of one of its steps.

    Args:
        incident: an open one.
        clause: its clause; None when the plan no longer has it.
        contacts: who heads the command group.
        person: who says so.
        words: the limit, as the plan writes it: ``2h``, ``1 working day``, ``17:30``.
        step: the number of the step, from 1; 0 for the whole incident.
        begins: when it begins (wall seconds): now.
        time: when people of the site work.

    Raises:
        IncidentError: it is not theirs to say, there is no such step, or those words are no limit.
    """
    if incident.closed is not None:
        raise refusals.closed(incident.code)
    group = contacts.departments.get(COMMAND)
    standing = (*((group.head or "", *group.deputies) if group else ()), *incident.headquarters.members)
    if person not in standing:
        raise _not_theirs(incident, contacts, tuple(dict.fromkeys(one for one in standing if one)))
    count = len(clause.step) if clause else 0
    if not 0 <= step <= count:
        raise refusals.no_step(incident.clause, step - 1, count)
    try:
        said = Limit.from_text(words)
    except ValueError as error:
        what, _, hint = str(error).partition(" | ")
        zh = "时限写法不对" if hint else what
        raise IncidentError(what, zh=zh, hint=hint, hint_zh="例如 30m、5h、1 working day、17:30") from None
    key = deadlines.step_key(step - 1) if step else deadlines.CLAUSE
    return Answer("deadline-set", said.words, {"limits": [limits.of_words(key, said, begins, time)]})


def gravest(incident: Incident) -> Level:
    """Return the gravest level of what stands."""
    levels = [Level(one.level) for one in incident.active or (incident.worst,) if one.level in set(Level)]
    return max(levels, key=GRAVITY.index, default=Level.FINDING)


def lower_levels(incident: Incident) -> tuple[str, ...]:
    """Return the levels to which it can be lowered now; with a headquarters, that which its alarms have by themselves too."""
    now = gravest(incident)
    called = bool(incident.headquarters.called)
    return tuple(one.value for one in LOWER if GRAVITY.index(one) < GRAVITY.index(now) or (called and one is now))


def _not_theirs(incident: Incident, contacts: Contacts, may: tuple[str, ...]) -> IncidentError:
    names = _names(may, contacts)
    return IncidentError(
        f"it is not yours to order that for {incident.code}",
        zh=f"{incident.code} 的这项命令不由您下达",
        hint=f"{names} may" if may else "the contacts name no head of the command group",
        hint_zh=f"由{names}下达" if may else "通讯录没有登记应急指挥领导小组组长",
    )


def _names(people: tuple[str, ...], contacts: Contacts) -> str:
    return "、".join(_name(one, contacts) for one in people)


def _name(person: str, contacts: Contacts) -> str:
    return next((one.name for one in contacts.person if one.id == person), person)
