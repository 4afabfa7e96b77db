"""Rules about the way up: who is told if nobody has taken it on, and whether that helps."""

from collections.abc import Iterator

from gateway.plan.lint.site import Found, Grade, Placed, Site
from gateway.plan.model import Role, Rung


def nobody_on_a_rung(site: Site) -> Iterator[Found]:
    """Rungs that nobody fills, or only somebody who stands in."""
    for placed, path, rung in _rungs(site):
        department = site.departments.get(rung.department)
        if department is None:
            continue
        if not department.person(rung.role):
            what = f"nobody is {rung.role.value} of {rung.department!r}: the rung is passed over"
            yield placed.found(path, what, "name people in the contacts, or another role", Grade.ERROR)
        elif rung.role is Role.HEAD and not department.head:
            what = f"{rung.department!r} has no head: whoever is on call is told in their place"
            yield placed.found(path, what, "name a head in the contacts")
        elif rung.role is Role.SECOND and len(department.on_call) < 2:
            what = f"nobody is second of {rung.department!r}: the head is told in their place"
            yield placed.found(path, what, "name two people in on_call")
        elif rung.role is Role.ON_CALL and not department.on_call:
            what = f"nobody is on call in {rung.department!r}: the head is told in their place"
            yield placed.found(path, what, "name people in on_call")


def rung_without_a_turn(site: Site) -> Iterator[Found]:
    """Rungs whose person was told before: they add nobody."""
    for placed in site.clauses:
        people = [(path, rung, _person(site, rung)) for path, rung in placed.rungs()]
        told: dict[str, Rung] = {}
        filled = {person for _, _, person in people if person}
        for path, rung, person in sorted(people, key=lambda one: one[1].after):
            if person in told and len(filled) > 1:
                what = f"{person} is told already as {told[person].role.value} of {told[person].department!r}"
                yield placed.found(path, f"the rung adds nobody: {what}", "name somebody else, or take the rung away")
            if person:
                told.setdefault(person, rung)


def one_person(site: Site) -> Iterator[Found]:
    """Ladders of several rungs on which one person stands alone, and clauses that wake only one."""
    for placed in site.clauses:
        people = {_person(site, rung) for _, rung in placed.rungs()} - {""}
        if len(people) == 1 and placed.grave:
            what = f"{min(people)} is the only person on the ladder: asleep, ill or away, and nobody else hears of it"
            yield placed.found(("escalation", "rung"), what, "add rungs of others", Grade.ERROR)


def rungs_out_of_order(site: Site) -> Iterator[Found]:
    """Rungs that come earlier than those below them."""
    for placed in site.clauses:
        last = 0.0
        for path, rung in placed.rungs():
            if rung.after < last:
                yield placed.found(path, "the rung is told before the one below it", "order the rungs by after")
            last = max(last, rung.after)


def late_first_rung(site: Site) -> Iterator[Found]:
    """Ladders that begin with a pause."""
    for placed in site.clauses:
        rungs = list(placed.rungs())
        if rungs and min(rung.after for _, rung in rungs) > 0:
            what = "nobody is told at first: every rung waits"
            yield placed.found(rungs[0][0], what, 'write after = "0s"; what holds people back is page_after')


def rung_after_the_deadline(site: Site) -> Iterator[Found]:
    """Rungs that get their turn when the time limit has passed."""
    for placed, path, rung in _rungs(site):
        if rung.after >= placed.clause.deadline.span:
            what = f"{rung.role.value} of {rung.department!r} is told when the time limit has passed"
            yield placed.found(path, what, "shorten after, or lengthen deadline", Grade.ERROR)


def repeats(site: Site) -> Iterator[Found]:
    """Pages that go once and never again, or so late that it is all over."""
    for placed in site.clauses:
        ladder = placed.clause.escalation
        if not ladder.rung:
            continue
        if placed.pages_at_night and (ladder.repeats == 0 or ladder.repeat <= 0):
            key = "repeats" if ladder.repeats == 0 else "repeat"
            what = "people are told once and never again: who sleeps through one message hears no more"
            yield placed.found(("escalation", key), what, 'write repeat = "5m", repeats = 3')
        if ladder.repeat >= placed.clause.deadline.span:
            what = "the first repeat comes when the time limit has passed"
            yield placed.found(("escalation", "repeat"), what, "shorten repeat, or lengthen deadline", Grade.ERROR)


def leader_untold(site: Site) -> Iterator[Found]:
    """Clauses whose leading department is not on the ladder."""
    for placed in site.clauses:
        told = {rung.department for _, rung in placed.rungs()}
        leads = placed.clause.departments[:1]
        if told and leads and leads[0] not in told:
            what = f"{leads[0]!r} answers for the clause, and is never told"
            yield placed.found(("departments",), what, "give it a rung", Grade.ERROR)


def owner_untold(site: Site) -> Iterator[Found]:
    """Steps of departments that nobody tells, and of such as do not answer for the clause."""
    for placed in site.clauses:
        told = {rung.department for _, rung in placed.rungs()}
        for index, step in placed.steps:
            path = ("step", index, "owner")
            if placed.clause.departments and step.owner not in placed.clause.departments:
                what = f"{step.owner!r} has a step, and does not stand among the departments"
                yield placed.found(path, what, "add it to departments")
            elif told and step.owner not in told:
                what = f"{step.owner!r} has a step, and no rung: somebody else has to tell it"
                yield placed.found(path, what, "give it a rung, or say in a step who tells it", Grade.NOTE)


def _rungs(site: Site) -> Iterator[tuple[Placed, tuple[str | int, ...], Rung]]:
    for placed in site.clauses:
        for path, rung in placed.rungs():
            yield placed, path, rung


def _person(site: Site, rung: Rung) -> str:
    department = site.departments.get(rung.department)
    return department.person(rung.role) if department else ""
