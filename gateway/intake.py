"""Reports by people, their approvals, and the level that a person confirms: what may be done, and what it says. Pure.

Each rule returns the event that follows, or raises a sentence that says why not, in both languages.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from contract.condition import Severity
from contract.errors import IncidentError
from contract.settings import did_you_mean
from gateway import refusals
from gateway.answers import Answer
from gateway.contacts import Contacts
from gateway.incident import Incident, Source, Symptom
from gateway.plan.approving import due_of, entitled, number
from gateway.plan.model import RANK, Clause, Level, Plan
from gateway.plan.report_model import Approver, Report
from gateway.plan.terms import GRAVITY
from gateway.plan.waking import Hours, page_at
from gateway.reports import Reported, Said

MOST: Final = 500
"""Characters of an answer."""
SAME: Final = 600.0
"""Seconds: the same report by the same person within them is the same one, sent twice."""
_AT_LEAST: Final = {Level.PARTIAL: Severity.SEVERE, Level.MAJOR: Severity.EXTREME}


def find(plan: Plan, clause: str, name: str) -> tuple[Clause, Report]:
    """Return a report of the plan.

    Raises:
        IncidentError: the plan has no such clause, or the clause no such report.
    """
    found = plan.find(clause)
    if found is None:
        with_reports = [one.clause for one in plan.clauses if one.report]
        raise IncidentError(
            f"the plan has no clause {clause!r}",
            zh=f"预案没有 {clause!r} 条",
            hint=did_you_mean(clause, with_reports),
            hint_zh=f"可以报告的条款：{'、'.join(with_reports)}",
        )
    report = found.reported(name)
    if report is None:
        names = [one.name for one in found.report]
        raise IncidentError(
            f"clause {clause} has no report {name!r}",
            zh=f"预案 {clause} 没有报告 {name!r}",
            hint=did_you_mean(name, names) if names else "it comes into force by alarms only",
            hint_zh=f"可以报告：{'、'.join(names)}" if names else "该条只由报警启动",
        )
    return found, report


def taken(report: Report, person: str, fields: Mapping[str, str], place: str, contacts: Contacts) -> Reported:
    """Return a report that is complete.

    Raises:
        IncidentError: nobody of this id; with all that is missing, unknown or no amount, at once.
    """
    who = contacts.find(person)
    _complete(report, fields)
    said = {name: " ".join(value.split()) for name, value in fields.items()}
    return Reported(
        name=report.name,
        person=person,
        called=who.name,
        place=" ".join(place.split())[:MOST],
        answers=tuple(
            Said(name=one.name, label=one.label, value=said[one.name]) for one in report.field if said.get(one.name)
        ),
        approvals=tuple(one.text for one in report.approval),
    )


def _complete(report: Report, fields: Mapping[str, str]) -> None:
    wrong: list[tuple[str, str]] = []
    known = {one.name: one for one in report.field}
    wrong += [(f"{name}: not asked for", f"{name}：没有这一项") for name in fields if name not in known]
    for name, field in known.items():
        value = fields.get(name, "").strip()
        what = f"{name} ({field.label.en})", field.label.zh
        if not value:
            wrong += [(f"{what[0]}: missing", f"{what[1]}：没有填写")] if field.required else []
        elif len(value) > MOST:
            wrong.append((f"{what[0]}: longer than {MOST} characters", f"{what[1]}：超过 {MOST} 个字"))
        elif field.number and number(value) is None:
            wrong.append((f"{what[0]}: {value!r} is no amount", f"{what[1]}：{value!r} 不是数量"))
    if wrong:
        names = "、".join(f"{one.name}（{one.label.zh}）" for one in report.field)
        raise IncidentError(
            "the report is not complete: " + "; ".join(en for en, _ in wrong),
            zh="报告不完整：" + "；".join(zh for _, zh in wrong),
            hint=f"asked for: {', '.join(known) or 'nothing'}",
            hint_zh=f"需要填写：{names or '无'}",
        )


def source_of(report: Report, reported: Reported) -> Source:
    """Return what stands for the device: the place that was said, else what it is about."""
    return Source(title=reported.place or report.title.zh, kind="report")


def symptom_of(report: Report, code: str, hours: Hours, now: float) -> Symptom:
    """Return what stands for the alarm: it is there until a person closes the incident."""
    ready = now + report.page_after
    return Symptom(
        id=f"report:{code}",
        condition="report",
        severity=report.severity.value,
        rank=RANK[report.severity],
        level=report.level.value,
        title_zh=report.title.zh,
        title_en=report.title.en,
        since=now,
        page_at=page_at(ready, report.wake, hours),
        ready=ready,
        wake=report.wake.value,
    )


def again(incidents: Iterable[Incident], clause: str, reported: Reported, now: float) -> Incident | None:
    """Return the open incident that the same report has opened a moment ago."""
    for one in incidents:
        recent = one.closed is None and one.clause == clause and now - one.opened < SAME
        if recent and one.report is not None and one.report.same(reported):
            return one
    return None


def approve(incident: Incident, clause: Clause | None, contacts: Contacts, person: str, words: str) -> Answer:
    """批准: the approval that is due.

    Raises:
        IncidentError: nothing waits for an approval, or it is not theirs to give. So of all that follow.
    """
    return _decide(incident, clause, contacts, person, words, approved=True)


def refuse(incident: Incident, clause: Clause | None, contacts: Contacts, person: str, reason: str) -> Answer:
    """不批准: the approval that is due; a reason is needed."""
    return _decide(incident, clause, contacts, person, reason, approved=False)


def _decide(
    incident: Incident, clause: Clause | None, contacts: Contacts, person: str, text: str, *, approved: bool
) -> Answer:
    if incident.closed is not None:
        raise refusals.closed(incident.code)
    report = incident.report
    due = due_of(incident, clause) if clause else None
    if report is None or due is None:
        raise _nothing_due(incident)
    declared, approval = due
    mine = [one for one in approval.by if _holds(one, person, contacts)]
    words = approval.text
    if not mine:
        who = [(_role(one, contacts, "zh"), _role(one, contacts, "en")) for one in entitled(approval, declared, report)]
        raise IncidentError(
            f"{incident.code} waits for another: {words.en}",
            zh=f"{incident.code} 现在等待的审批不归您：{words.zh}",
            hint=f"by {' or '.join(en for _, en in who)}",
            hint_zh=f"由{'或'.join(zh for zh, _ in who)}审批",
        )
    may = entitled(approval, declared, report)
    if approved and not any(one in may for one in mine):
        most = max(one.up_to or 0.0 for one in mine)
        who = [(_role(one, contacts, "zh"), _role(one, contacts, "en")) for one in may]
        raise IncidentError(
            f"{report.value(declared.quantity)} is more than {most:g}, which is yours to approve",
            zh=f"数量 {report.value(declared.quantity)} 超过您的审批权限 {most:g}",
            hint=f"{' or '.join(en for _, en in who)} may",
            hint_zh=f"由{'或'.join(zh for zh, _ in who)}审批",
        )
    if not approved and not text.strip():
        raise IncidentError(
            "a refusal needs a reason", zh="不批准要写明理由", hint="write why", hint_zh="写一句理由，报告人会看到"
        )
    data: dict[str, object] = {"index": report.due, "zh": words.zh, "en": words.en}
    return Answer("approved" if approved else "refused", text.strip()[:MOST], data)


def confirm(incident: Incident, clause: Clause | None, contacts: Contacts, person: str, level: str) -> Answer | None:
    """确认级别: a person raises the level; None when it is so already."""
    if incident.closed is not None:
        raise refusals.closed(incident.code)
    allowed = [one.value for one in clause.confirm] if clause else []
    if clause is None or level not in allowed:
        raise IncidentError(
            f"clause {incident.clause} is not raised to {level!r} by a person",
            zh=f"预案 {incident.clause} 不由人员确认为 {level!r}",
            hint=f"it may be {' or '.join(allowed)}" if allowed else "its level is what the plan says",
            hint_zh=f"可以确认为：{'、'.join(allowed)}" if allowed else "级别由预案规定",
        )
    may = [contacts.departments[key] for key in clause.confirmers if key in contacts.departments]
    if all(person not in department.people for department in may):
        raise IncidentError(
            f"it is not yours to say that {incident.code} is {level}",
            zh=f"{incident.code} 的级别不由您确认",
            hint=f"people of {', '.join(one.title.en for one in may)} do",
            hint_zh=f"由{'、'.join(one.title.zh for one in may)}的人员确认",
        )
    if incident.gone is not None:
        raise IncidentError(
            f"nothing of {incident.code} stands any more: nobody would hear of it",
            zh=f"{incident.code} 已恢复，确认级别不会通知任何人",
            hint="what has happened meanwhile, report: wolfsmoke-gateway report",
            hint_zh="灾情已经发生的，请另行报告（report）",
        )
    now = Level(incident.worst.level) if incident.worst.level else Level.FINDING
    to = Level(level)
    if GRAVITY.index(to) <= GRAVITY.index(now):
        return None
    severity = _AT_LEAST[to]
    data: dict[str, object] = {"from": now.value, "level": level, "severity": severity.value, "rank": RANK[severity]}
    return Answer("confirmed", data=data)


def _nothing_due(incident: Incident) -> IncidentError:
    report = incident.report
    if report is not None and report.refused:
        why, why_zh = "it was refused", "已被否决"
    elif report is not None and report.decided:
        why, why_zh = "all of it is approved", "已全部批准"
    else:
        why, why_zh = "the plan wants none", "预案不要求审批"
    return IncidentError(
        f"{incident.code} waits for no approval: {why}",
        zh=f"{incident.code} 没有待办的审批：{why_zh}",
        hint="show says how it stands",
        hint_zh="用 show 查看经过",
    )


def _holds(one: Approver, person: str, contacts: Contacts) -> bool:
    department = contacts.departments.get(one.department)
    return department is not None and department.holder(one.role) == person


def _role(one: Approver, contacts: Contacts, language: str) -> str:
    """Name who may approve: department and person."""
    department = contacts.departments.get(one.department)
    if department is None:
        return one.department
    holder = department.holder(one.role)
    names = {person.id: person.name for person in contacts.person}
    return f"{department.title.of(language)} {names.get(holder, one.role)}".strip()
