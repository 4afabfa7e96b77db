"""Rules about the devices that there are: each has an entry in the plan, and each entry that names devices finds them."""

import difflib
from collections import defaultdict
from collections.abc import Iterator

from contract.settings import NEAR, did_you_mean
from gateway import watches
from gateway.plan.lint.fleet import CONTACT
from gateway.plan.lint.site import Found, Grade, Site
from gateway.plan.model import keys_of


def device_without_entry(site: Site) -> Iterator[Found]:
    """Devices of which the plan says nothing at all."""
    if not site.whole or not site.clauses:
        return
    said = _said(site)
    for one in site.fleet.devices or ():
        if not any(_covers(said, one.kind, name, one.device) for name in one.conditions):
            what = f"the {one.kind or 'unknown'} {one.key} is in no entry of the plan: whatever happens to it, nobody is told"
            hint = f'add a clause with kinds = ["{one.kind}"]' if one.kind else "say of which kind it is"
            yield Found(one.file or one.key, _place(one.line), what, hint, Grade.ERROR)


def condition_untold(site: Site) -> Iterator[Found]:
    """Conditions that devices of the plan's kinds are watched for by default, and that are in no trigger."""
    said = _said(site)
    untold: dict[str, list[str]] = defaultdict(list)
    for kind, watched in site.fleet.kinds.items() if site.whole else ():
        if any(kind in placed.clause.kinds for placed in site.clauses):
            for name in (*(watch.name for watch in watched), CONTACT, *watches.CONDITIONS):
                if not _covers(said, kind, name, ""):
                    untold[name].append(kind)
    for name, kinds in untold.items():
        placed = next(one for one in site.clauses if set(one.clause.kinds) & set(kinds))
        of = ", ".join(repr(kind) for kind in kinds)
        what = f"no trigger for {name!r} of {of}: the board shows it, and nobody is told"
        yield placed.found(("kinds",), what, "add a trigger, here or to the common ones")


def own_condition_untold(site: Site) -> Iterator[Found]:
    """Conditions that the settings of a device add, and that no trigger is about."""
    if not site.whole:
        return
    said = _said(site)
    defaults = {kind: {watch.name for watch in table} | {CONTACT} for kind, table in site.fleet.kinds.items()}
    for one in site.fleet.devices or ():
        added = [name for name in one.conditions if name not in defaults.get(one.kind, ())]
        untold = [name for name in added if not _covers(said, one.kind, name, one.device)]
        if untold and any(_covers(said, one.kind, name, one.device) for name in one.conditions):
            what = f"no trigger for {', '.join(untold)} of {one.key}: the board shows it, and nobody is told"
            yield Found(
                one.file or one.key, _place(one.line), what, "add a trigger, if somebody shall hear", Grade.NOTE
            )


def unknown_device(site: Site) -> Iterator[Found]:
    """Devices that triggers name, and that there are not, or that are of another kind."""
    if site.fleet.devices is None:
        return
    kinds = defaultdict(set)
    for one in site.fleet.devices:
        kinds[one.device].add(one.kind)
    for placed, at, trigger in site.triggers():
        for index, name in enumerate(trigger.devices):
            path = (*at, "devices", index)
            if name not in kinds:
                near = difflib.get_close_matches(name, kinds, 1, NEAR)
                grade = Grade.NOTE if placed.clause.report and not near else Grade.ERROR  # people report it, then
                yield placed.found(path, f"no agent has a device {name!r}", did_you_mean(name, kinds), grade)
            elif not kinds[name] & set(placed.clause.kinds_of(trigger)):
                what = f"{name!r} is a {' or '.join(sorted(kinds[name]))}, and the trigger is not about those"
                yield placed.found(path, what, "name its kind in kinds", Grade.ERROR)


def _place(line: int) -> tuple[str | int, ...]:
    """A device's line is known already; see ``rules.finding_of``."""
    return ("line", line)


def _said(site: Site) -> set[tuple[str, str, str]]:
    """Return kind, condition and device ("" for all) of all that is in a trigger."""
    said = {key for placed, _, trigger in site.triggers() for key in keys_of(trigger, placed.clause.kinds_of(trigger))}
    kinds = {kind for placed in site.clauses for kind in placed.clause.kinds}
    for common in site.common:
        said |= set(keys_of(common.trigger, set(common.trigger.kinds) & kinds if common.trigger.kinds else kinds))
    return said


def _covers(said: set[tuple[str, str, str]], kind: str, condition: str, device: str) -> bool:
    return (kind, condition, "") in said or (bool(device) and (kind, condition, device) in said)
