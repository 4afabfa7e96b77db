"""Rules about steps and limits: what has to be done by when, and whether that can be."""

from collections.abc import Iterator

from gateway.plan.lint.site import Found, Grade, Site
from gateway.plan.model import Closes, Level
from gateway.worktime.hours import Hours

_DAY = 86400.0
_QUARTER = 900.0
_EARTH = 14 * 3600.0
"""No clock on Earth is further from UTC."""


def nothing_to_do(site: Site) -> Iterator[Found]:
    """Clauses that say who is told, and not what they shall do."""
    for placed in site.clauses:
        if placed.grave and not placed.clause.step and not placed.steps:
            yield placed.found((), "people are told, and not what to do", "add [[clause.step]]")


def step_after_the_deadline(site: Site) -> Iterator[Found]:
    """Steps that may take longer than the whole clause."""
    for placed in site.clauses:
        for index, step in placed.steps:
            if step.within is not None and step.within.span > placed.clause.deadline.span:
                what = "the step may take longer than the clause's time limit"
                yield placed.found(("step", index, "within"), what, "shorten it, or lengthen deadline", Grade.ERROR)


def step_without_limit(site: Site) -> Iterator[Found]:
    """Steps without a time limit before steps that have one; what is done when all is over needs none."""
    for placed in site.clauses:
        limited = [index for index, step in placed.steps if step.within is not None]
        for index, step in placed.steps:
            if step.within is None and (not limited or index < max(limited)):
                yield placed.found(("step", index), "the step has no time limit", 'write within = "15m"')


def steps_out_of_order(site: Site) -> Iterator[Found]:
    """Steps of one department that are due before those that come first."""
    for placed in site.clauses:
        last: dict[str, float] = {}
        for index, step in placed.steps:
            if step.within is None:
                continue
            if step.within.span < last.get(step.owner, 0.0):
                what = f"the step is due before an earlier one of {step.owner!r}"
                yield placed.found(("step", index, "within"), what, "order the steps by their limits")
            last[step.owner] = max(step.within.span, last.get(step.owner, 0.0))


def step_said_twice(site: Site) -> Iterator[Found]:
    """Steps with the words of another."""
    for placed in site.clauses:
        seen: set[str] = set()
        for index, step in placed.steps:
            if step.text.zh in seen or step.text.en in seen:
                yield placed.found(("step", index, "text"), "an earlier step has the same words", "take one away")
            seen |= {step.text.zh, step.text.en}


def closes_unchecked(site: Site) -> Iterator[Found]:
    """Incidents that end without a person, or without time for a look."""
    for placed in site.clauses:
        major = any(trigger.level is Level.MAJOR for _, trigger in placed.triggers)
        itself = placed.clause.closes is Closes.ITSELF
        if itself and major:
            yield placed.found(("closes",), "a major incident closes without a person", 'write closes = "person"')
        if itself and placed.clause.check_after <= 0:
            what = "it closes by itself at the first good reading: what flaps opens and closes without end"
            yield placed.found(("check_after",), what, 'write check_after = "60s"')
        if placed.clause.check_after >= placed.clause.deadline.span:
            what = "whether the cause is gone is checked after the time limit"
            yield placed.found(("check_after",), what, "shorten check_after")


def impossible_hours(site: Site) -> Iterator[Found]:
    """Working hours and a site's time that no calendar has, those of all the sites and those of each."""
    if site.contacts is None:
        return
    yield from _impossible(site, ("hours",), site.contacts.hours)
    for name, one in site.contacts.site.items():
        yield from _impossible(site, ("site", name, "hours"), one.hours)


def _impossible(site: Site, at: tuple[str, ...], hours: Hours) -> Iterator[Found]:
    if hours.start >= hours.end:
        what = "working hours end before they begin: what waits for them waits for ever"
        yield Found(site.contacts_file, (*at, "end"), what, 'write start = "8.5h", end = "17.5h"', Grade.ERROR)
    if hours.end > _DAY:
        what = "working hours end after midnight"
        yield Found(site.contacts_file, (*at, "end"), what, 'write end = "17.5h" for 17:30', Grade.ERROR)
    if hours.digest >= _DAY:
        what = "the digest goes out at no hour of the day"
        yield Found(site.contacts_file, (*at, "digest"), what, 'write digest = "8.5h" for 08:30', Grade.ERROR)
    if hours.utc_offset is not None and (hours.utc_offset > _EARTH or hours.utc_offset % _QUARTER):
        what = "no clock on Earth is so far from UTC"
        yield Found(site.contacts_file, (*at, "utc_offset"), what, 'write utc_offset = "8h"', Grade.ERROR)


def uncovered_year(site: Site) -> Iterator[Found]:
    """Years whose holidays are not known: working days are counted Monday to Friday, and limits may fall due too early."""
    for year in site.days.uncovered(site.today):
        what = f"the holidays of {year} are not known: working days are counted Monday to Friday"
        hint = "write them into holidays.toml, as the notice of the State Council says, or update wolfsmoke"
        yield Found(site.config_file, ("holidays",), what, hint)
