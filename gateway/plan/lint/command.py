"""Rules about the headquarters of a major incident: who commands, and who is authorised in advance."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from contract.settings import did_you_mean
from gateway.plan.headquarters import candidates
from gateway.plan.lint.site import COMMAND, Found, Grade, Site

_AUTHORISATION: Final = "authorisation"


def no_command(site: Site) -> Iterator[Found]:
    """A command group without a head, or without deputies who stand in."""
    index = next(
        (at for at, one in enumerate(site.contacts.department if site.contacts else ()) if one.key == COMMAND), None
    )
    if site.contacts is None or index is None:
        return
    group = site.contacts.department[index]
    if not group.head:
        what = f"{COMMAND} has no head: a headquarters has no commander"
        yield Found(site.contacts_file, ("department", index), what, 'write head = "…"', Grade.ERROR)
    if not group.deputies:
        what = f"{COMMAND} has no deputies: nobody may act, or authorise, while the head is away"
        yield Found(site.contacts_file, ("department", index), what, 'write deputies = ["…"]')


def useless_authorisation(site: Site) -> Iterator[Found]:
    """Advance authorisations that take no effect: over, by somebody who may not, for somebody who heads nothing there."""
    if site.contacts is None or not site.contacts.authorisation:
        return
    group = site.departments.get(COMMAND)
    givers = tuple(one for one in ((group.head or "", *group.deputies) if group else ()) if one)
    clauses = {placed.clause.clause: placed.clause for placed in site.clauses}
    for index, one in enumerate(site.contacts.authorisation):
        at = (_AUTHORISATION, index)
        if one.until < site.today:
            what = f"the authorisation of {one.person} by {one.by} was over on {one.until}"
            yield Found(site.contacts_file, (*at, "until"), what, "take it out, or write new days")
        elif one.begins - site.today > timedelta(days=366):
            what = f"the authorisation of {one.person} by {one.by} begins in more than a year"
            yield Found(site.contacts_file, (*at, "from"), what, "is the year right?", Grade.NOTE)
        if one.by not in givers:
            what = f"{one.by} may authorise nobody: it is ignored"
            hint = f"head or deputy of {COMMAND} may: {', '.join(givers)}"
            yield Found(site.contacts_file, (*at, "by"), what, hint, Grade.ERROR)
        for place, number in enumerate(one.clauses):
            clause = clauses.get(number)
            if clause is None:
                if site.whole:
                    what = f"authorised for clause {number}, and the plan has none"
                    hint = did_you_mean(number, clauses)
                    yield Found(site.contacts_file, (*at, "clauses", place), what, hint, Grade.ERROR)
            elif one.person not in candidates(clause, site.contacts, givers):
                what = f"{one.person} heads no department of clause {number}: it is ignored"
                hint = "one of " + ", ".join(candidates(clause, site.contacts, givers))
                yield Found(site.contacts_file, (*at, "person"), what, hint, Grade.ERROR)
