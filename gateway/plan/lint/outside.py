"""Rules about people outside, and about what waits for approval."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from contract.settings import did_you_mean
from gateway.plan.lint.site import Found, Grade, Site
from gateway.plan.model import Report

STALE: Final = timedelta(days=180)
"""A telephone number that nobody has verified for so long is doubted (the plan, 3.1.13)."""


def not_verified(site: Site) -> Iterator[Found]:
    """People outside whose number nobody has verified for long."""
    for index, one in enumerate(site.contacts.contact if site.contacts else ()):
        path = ("contact", index, "verified")
        if site.today - one.day > STALE:
            what = f"nobody has verified the number of {one.name} for {(site.today - one.day).days} days"
            yield Found(site.contacts_file, path, what, "call it, and write the day")
        elif one.day > site.today:
            what = f"the number of {one.name} was verified on a day that has not come"
            yield Found(site.contacts_file, path, what, "write the day on which it was called")


def of_no_clause(site: Site) -> Iterator[Found]:
    """People outside who stand by clauses that there are not: nobody is told to telephone them."""
    known = {placed.clause.clause for placed in site.clauses}
    for index, one in enumerate(site.contacts.contact if site.contacts and site.whole and known else ()):
        for at, number in enumerate(one.clauses):
            if number not in known:
                path = ("contact", index, "clauses", at)
                what = f"{one.name} stands by clause {number}, and the plan has none"
                yield Found(site.contacts_file, path, what, did_you_mean(number, known), Grade.ERROR)


def approved_too_late(site: Site) -> Iterator[Found]:
    """Approvals that may take longer than the whole clause."""
    for placed in site.clauses:
        for index, report in enumerate(placed.clause.report):
            for at, approval in enumerate(report.approval if isinstance(report, Report) else ()):
                if approval.within > placed.clause.deadline.span:
                    path = ("report", index, "approval", at, "within")
                    what = f"the approval of {report.name!r} may take longer than the clause's time limit"
                    yield placed.found(path, what, "shorten it, or lengthen deadline")
