"""What a person may decide on the page of an incident: an approval, a level. Pure.

Whether they may is asked when they press: the page shows the approval to those who were asked for it.
"""

from collections.abc import Callable

from gateway import reports
from gateway.board.words import Words
from gateway.incident import Incident, Purpose
from gateway.plan.model import Clause, Level
from gateway.plan.terms import GRAVITY


def asked(incident: Incident, person: str) -> bool:
    """Say whether a person was asked for the approval that is due."""
    report = incident.report
    if report is None or report.due is None:
        return False
    return any(mail.purpose is Purpose.APPROVAL and mail.person == person for mail in incident.mails)


def levels(incident: Incident, clause: Clause | None) -> tuple[str, ...]:
    """Return the levels to which a person may still raise it."""
    now = Level(incident.worst.level) if incident.worst.level else Level.FINDING
    above = GRAVITY[GRAVITY.index(now) + 1 :]
    return tuple(level.value for level in (clause.confirm if clause else ()) if level in above)


def rows(incident: Incident, words: Words, name: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return what was reported, and how its approvals stand, as label and text; of an alarm nothing."""
    return reports.rows(incident.report, words.language, name) if incident.report else []
