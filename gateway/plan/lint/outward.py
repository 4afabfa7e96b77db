"""Rules about what a clause does outside: the outputs that it switches, and the UPSes whose loads it lists."""

from collections.abc import Iterator

from contract.settings import did_you_mean
from gateway.plan.lint.site import Found, Grade, Site


def unknown_output(site: Site) -> Iterator[Found]:
    """Outputs of devices that there are not: nothing would sound."""
    if site.fleet.devices is None:
        return
    known = {f"{one.agent}/{one.device}" for one in site.fleet.devices}
    for placed in site.clauses:
        for index, output in enumerate(placed.clause.output):
            name = f"{output.agent}/{output.device}"
            if name not in known:
                path = ("output", index, "device")
                yield placed.found(path, f"no agent has a device {name!r}", did_you_mean(name, known), Grade.ERROR)


def unknown_ups(site: Site) -> Iterator[Found]:
    """Lists of loads of UPSes that there are not: nobody would be told what to switch off."""
    if site.fleet.devices is None:
        return
    known = {one.device for one in site.fleet.devices if one.kind == "ups"}
    for placed in site.clauses:
        for index, shedding in enumerate(placed.clause.shedding):
            for at, name in enumerate(shedding.devices):
                if name not in known:
                    path = ("shedding", index, "devices", at)
                    yield placed.found(path, f"no agent has a UPS {name!r}", did_you_mean(name, known), Grade.ERROR)


def nothing_to_shed(site: Site) -> Iterator[Found]:
    """Lists with nothing in them that may be switched off."""
    for placed in site.clauses:
        for index, shedding in enumerate(placed.clause.shedding):
            if all(load.keep for load in shedding.load):
                what = "nothing on this list may be switched off: there is no advice when the battery falls short"
                yield placed.found(("shedding", index), what, "list what can be spared")
