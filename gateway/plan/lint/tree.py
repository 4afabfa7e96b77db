"""What is wrong with what depends on what, next to the devices that there are. Pure."""

from collections.abc import Iterator

from contract.errors import ConfigError
from gateway.plan.dependencies import strangers
from gateway.plan.lint.site import Found, Grade, Site


def unknown_in_tree(site: Site) -> Iterator[Found]:
    """Yield the names that no device has, or several have, and the alarms that nobody can raise."""
    if not site.tree_text or site.fleet.devices is None:
        return
    devices = {(one.site, one.agent, one.device): one.conditions for one in site.fleet.devices}
    try:
        problems = list(strangers(site.tree_text, devices, file=site.tree_file))
    except ConfigError:  # what does not load is told already
        return
    for one in problems:
        yield Found(one.file, ("line", one.line), f"{one.key}: {one.what}", one.hint, Grade.ERROR)
