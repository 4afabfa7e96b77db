"""All the files that a gateway is told by: read at once, with every problem of every file in one listing."""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from contract.errors import ConfigError, Problem
from contract.locate import Locator
from gateway.alarms.model import Rules, load_rules
from gateway.config import Config, dependencies_of, load, places
from gateway.contacts import Contacts, load_contacts
from gateway.drill.script import Script, load_scripts
from gateway.plan.dependencies import Tree, load_dependencies
from gateway.plan.loader import load_plan
from gateway.plan.model import Plan
from gateway.worktime.days import Days, load_holidays


def read_all(path: Path) -> tuple[Config, Plan, Contacts]:
    """Return the settings of a file, with the plan and the people in it.

    Raises:
        ConfigError: with every problem of all the files.
    """
    try:
        config = load(path)
    except ConfigError as error:
        plan, contacts = places(path)
        plan = plan if plan is not None and plan.is_dir() else None  # what is missing is told already
        contacts = contacts if contacts is not None and contacts.is_file() else None
        tree = dependencies_of(path)
        others = _read_tree(tree)[1] if tree is not None and tree.is_file() else []
        raise ConfigError([*error.problems, *_read_both(plan, contacts)[2], *others]) from None
    both = read_plan(config)
    read_drills(config, *both)
    return (config, *both)


def read_plan(config: Config) -> tuple[Plan, Contacts]:
    """Return the plan, with what depends on what, and the people in it.

    Raises:
        ConfigError: with every problem of all the files.
    """
    plan, contacts, problems = _read_both(config.plan, config.contacts, config.notify.webhook)
    tree, more = _read_tree(config.dependencies)
    problems.extend(more)
    if contacts is not None:
        problems.extend(_unreachable(config, contacts))
    for read in (lambda: read_rules(config, plan), lambda: read_days(config)):
        try:
            read()
        except ConfigError as error:
            problems.extend(error.problems)
    if problems or contacts is None or plan is None:
        raise ConfigError(problems)
    return msgspec.structs.replace(plan, dependencies=tree), contacts


def _read_tree(file: Path | None) -> tuple[Tree, list[Problem]]:
    """Return what depends on what, and all that is wrong with the file; without one, nothing does."""
    try:
        return (Tree() if file is None else load_dependencies(_text(file), file=str(file))), []
    except ConfigError as error:
        return Tree(), list(error.problems)


def read_days(config: Config) -> Days:
    """Return which days are worked: the public calendar, with the file of the settings over it.

    Raises:
        ConfigError: with every problem of the file.
    """
    if config.holidays is None:
        return Days()
    return Days(load_holidays(_text(config.holidays), file=str(config.holidays)))


def read_rules(config: Config, plan: Plan | None) -> Rules:
    """Return what is done with alarms before the plan hears of them.

    Raises:
        ConfigError: with every problem of the file.
    """
    if config.alarms is None:
        return Rules()
    kinds = None if plan is None else {kind for clause in plan.clauses for kind in clause.kinds}
    return load_rules(_text(config.alarms), file=str(config.alarms), kinds=kinds)


def read_drills(config: Config, plan: Plan, contacts: Contacts) -> dict[str, Script]:
    """Return the drills by their clauses; none where there is no directory of them.

    Raises:
        ConfigError: with every problem of all the files.
    """
    texts = {str(path): _text(path) for path in sorted(config.drills.glob("*.toml"))}
    return load_scripts(texts, plan, [person.id for person in contacts.person])


def plan_version(config: Config) -> str:
    """Return what tells one state of the plan from another: the beginning of the hash of its files."""
    digest = hashlib.sha256()
    for path in sorted(config.plan.glob("*.toml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _read_both(
    plan_folder: Path | None, contacts_file: Path | None, webhooks: Collection[str] | None = None
) -> tuple[Plan | None, Contacts | None, list[Problem]]:
    """Return the plan and the contacts as far as they can be read, and all that is wrong with them."""
    problems: list[Problem] = []
    plan = contacts = None
    try:
        if contacts_file is not None:
            contacts = load_contacts(_text(contacts_file), file=str(contacts_file))
    except ConfigError as error:
        problems.extend(error.problems)
    try:
        if plan_folder is not None:
            texts = {str(path): _text(path) for path in sorted(plan_folder.glob("*.toml"))}
            plan = load_plan(texts, contacts.departments if contacts else None, webhooks)
    except ConfigError as error:
        problems.extend(error.problems)
    return plan, contacts, problems


def _unreachable(config: Config, contacts: Contacts) -> Iterable[Problem]:
    """Yield the people whom no configured channel reaches."""
    text = _text(config.contacts)
    for index, person in enumerate(contacts.person):
        at = ("person", index)
        line = Locator(text).line(at)
        if person.webhook and person.webhook not in config.notify.webhook:
            what = f"{person.id}: the gateway has no webhook {person.webhook!r}"
            hint = f"write [notify.webhook.{person.webhook}] in the gateway's settings"
            yield Problem(str(config.contacts), line, f"person[{index}].webhook", what, hint)
        if person.email and not person.webhook and config.notify.email is None:
            what = f"{person.id} has only e-mail, and the gateway has no mail server"
            yield Problem(str(config.contacts), line, f"person[{index}].email", what, "write [notify.email]")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(str(path), line, "", "not UTF-8 text", "save the file as UTF-8")]) from None
