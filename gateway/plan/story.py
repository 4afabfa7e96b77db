"""The words of ``plan simulate``: an event, a time, what people do. Pure: texts in, a story out."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from contract.errors import UsageError
from contract.settings import did_you_mean, seconds
from gateway.contacts import Contacts
from gateway.incident import Source
from gateway.plan.lint.fleet import Fleet, Watched
from gateway.plan.model import Plan
from gateway.plan.simulate import Act, Said

YEARS: Final = range(2000, 2100)
"""Those in which something can be played."""
LONGEST: Final = 14 * 86400.0
"""Seconds that can be played at the most."""


def source_of(event: str, fleet: Fleet) -> tuple[Source, str]:
    """Return the device and the condition of ``ups-1:on-battery``, ``hq/order-room/ups-1:on-battery`` or ``ups:on-battery``.

    Raises:
        UsageError: there is none of it.
    """
    of, _, condition = event.rpartition(":")
    if not of or not condition:
        hint = "a device, or a kind of device, and a condition: ups-1:on-battery, ups:on-battery"
        raise UsageError(f"{event!r} is no event", hint=hint)
    device = _device(of, fleet)
    raised(device.kind, device.conditions, condition, fleet)
    source = Source(
        site=device.site,
        agent=device.agent,
        device=device.device,
        title=device.title,
        room=device.room,
        kind=device.kind,
    )
    return source, condition


def raised(kind: str, conditions: Sequence[str], condition: str, fleet: Fleet) -> None:
    """Check that something raises a condition: the kind's tables, or the device's own ``conditions``.

    Raises:
        UsageError: nothing does.
    """
    known = sorted({*conditions, *(watch.name for watch in fleet.kinds.get(kind, ()))})
    if fleet.kinds and not fleet.raises(kind, condition) and condition not in known:
        what = f"nothing raises {condition!r} on {f'a {kind}' if kind else 'what people report'}"
        raise UsageError(what, hint=did_you_mean(condition, known))


def said_of(words: Sequence[str], plan: Plan, who: str, contacts: Contacts) -> Said:
    """Return the report of ``CLAUSE NAME``; what is asked for is filled in: 1 for an amount, a dash for a text.

    Raises:
        UsageError: there is no such clause or report.
    """
    number, name = words
    clause = plan.find(number)
    if clause is None:
        known = [one.clause for one in plan.clauses if one.report]
        raise UsageError(f"no clause {number!r}", hint=did_you_mean(number, known))
    report = clause.reported(name)
    if report is None:
        hint = (
            did_you_mean(name, [one.name for one in clause.report]) if clause.report else "people report nothing of it"
        )
        raise UsageError(f"clause {number} has no report {name!r}", hint=hint)
    fields = {field.name: "1" if field.number else "-" for field in report.field}
    return Said(clause=number, name=name, who=contacts.find(who or contacts.person[0].id).id, fields=fields)


def _device(of: str, fleet: Fleet) -> Watched:
    found = [one for one in fleet.devices or () if f"/{one.key}".endswith(f"/{of}")]
    if len(found) > 1:
        raise UsageError(f"{len(found)} devices are called {of!r}", hint=", ".join(one.key for one in found))
    if found:
        return found[0]
    if of in fleet.every_kind():
        return Watched(device=of, kind=of)
    hint = did_you_mean(of, {*fleet.every_kind(), *(one.device for one in fleet.devices or ())})
    if fleet.devices is None:
        hint += "; the devices are not known: no gateway answers, and no --agents"
    raise UsageError(f"no device and no kind of device is called {of!r}", hint=hint)


def wall_of(text: str, utc_offset: float) -> float:
    """Return the wall time of ``2027-02-17 03:00`` at the site.

    Raises:
        UsageError: it is no time.
    """
    zone = timezone(timedelta(seconds=utc_offset))
    try:
        moment = datetime.fromisoformat(text.strip())
        wall = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no time", hint='write "2027-02-17 03:00"') from None
    if moment.year not in YEARS:
        raise UsageError(f"{text!r} is too far away", hint=f"write a year from {YEARS[0]} to {YEARS[-1]}")
    return wall


def length_of(text: str) -> float:
    """Return the seconds of a duration.

    Raises:
        UsageError: it is none.
    """
    try:
        length = seconds(text)
    except ValueError as error:
        raise UsageError(str(error), hint='write "20m", "4h", "2d"') from None
    if length > LONGEST:
        raise UsageError(f"{text} is too long to be played", hint=f'"{LONGEST / 86400.0:g}d" at the most')
    return length


def act_of(verb: str, text: str) -> Act:
    """Return what somebody does: ``li@5m``.

    Raises:
        UsageError: it says not who, or not when.
    """
    of, _, after = text.rpartition("@")
    if not of:
        raise UsageError(f"{text!r} says not who and when", hint="write li@5m: li, five minutes after the alarm")
    return Act(length_of(after), verb, of)


def known_people(acts: tuple[Act, ...], contacts: Contacts) -> None:
    """Check the people of a story.

    Raises:
        IncidentError: there is no such person.
    """
    for act in acts:
        if act.verb in ("seen", "mine"):
            contacts.find(act.of)
