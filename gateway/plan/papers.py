"""What ``plan lint``, ``plan show`` and ``plan simulate`` read from the disk: settings, plan, contacts, devices."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from contract.errors import ConfigError, Problem, StorageError, UsageError
from contract.settings import SecretRef, SecretSource
from gateway import config
from gateway.alarms.model import Rules, load_rules
from gateway.contacts import Contacts, load_contacts
from gateway.journal.file import NAME as JOURNAL
from gateway.journal.inventories import inventories
from gateway.plan.dependencies import load_dependencies
from gateway.plan.lint.fleet import Fleet, Watched, devices_of, installed_kinds, installed_profiles, with_made
from gateway.plan.lint.rules import Papers
from gateway.worktime.days import Days, load_holidays

Ask = Callable[[Path], list[dict[str, Any]] | None]
"""Asks the gateway of a state directory for its devices; None when none answers."""


def lenient(secrets: SecretSource, environment: Mapping[str, str] = os.environ) -> SecretSource:
    """Return who reads secrets as far as a person at a terminal can: credentials are the service's, and stay empty."""

    def read(ref: SecretRef) -> str:
        if ref.credential and not environment.get("CREDENTIALS_DIRECTORY"):
            return ""
        return secrets(ref)

    return read


def read_papers(path: Path, environment: Mapping[str, str] = os.environ) -> Papers:
    """Return the settings of a file, with the plan and the contacts, as far as they can be read, and all that is wrong."""
    problems: list[Problem] = []
    secrets = lenient(config.secrets_of(path, environment), environment)
    try:
        config.load(path, environment=environment, secrets=secrets)
    except ConfigError as error:
        problems += error.problems
    text, notify, gateway = config.channels_of(path, secrets)
    plan_folder, contacts_file = config.places(path)
    plan: dict[str, str] = {}
    for file in sorted(plan_folder.glob("*.toml")) if plan_folder and plan_folder.is_dir() else ():
        plan |= _text(file, problems)
    contacts: Contacts | None = None
    contacts_text = ""
    if contacts_file is not None and contacts_file.is_file():
        contacts_text = _text(contacts_file, problems).get(str(contacts_file), "")
        try:
            contacts = load_contacts(contacts_text, file=str(contacts_file)) if contacts_text else None
        except ConfigError as error:
            problems += error.problems
    read_rules(path, problems)
    tree = config.dependencies_of(path)
    tree_text = _tree(tree, problems)
    days = Days()
    holidays = config.holidays_of(path)
    for name, body in (_text(holidays, problems) if holidays is not None and holidays.is_file() else {}).items():
        try:
            days = Days(load_holidays(body, file=name))
        except ConfigError as error:
            problems += error.problems
    return Papers(
        days=days,
        plan=plan,
        contacts=contacts,
        contacts_file=str(contacts_file or ""),
        contacts_text=contacts_text,
        notify=notify,
        config_file=str(path),
        config_text=text,
        links=gateway is None or bool(gateway.public_url),
        name=gateway.name if gateway else "",
        tree_file=str(tree or ""),
        tree_text=tree_text,
        problems=tuple(problems),
    )


def _tree(file: Path | None, problems: list[Problem]) -> str:
    """Return what depends on what, as it is written."""
    for name, text in (_text(file, problems) if file is not None and file.is_file() else {}).items():
        try:
            load_dependencies(text, file=name)
        except ConfigError as error:
            problems += error.problems
        return text
    return ""


def read_rules(config_file: Path, problems: list[Problem]) -> Rules:
    """Return what is done with alarms before the plan hears of them, as far as it can be read."""
    file = config.alarms_of(config_file)
    for name, text in (_text(file, problems) if file is not None and file.is_file() else {}).items():
        try:
            return load_rules(text, file=name)
        except ConfigError as error:
            problems += error.problems
    return Rules()


def read_fleet(config_file: Path, agents: Path | None, ask: Ask) -> Fleet:
    """Return what devices there are: of agents' settings, else as the running gateway says, else as its journal does.

    Raises:
        UsageError: there are no settings of agents where they are said to be.
    """
    wrong: list[Problem] = []
    kinds = with_made(installed_kinds(), read_rules(config_file, wrong))
    sure = not wrong
    if agents is not None:
        profiles = installed_profiles()
        files = sorted(agents.glob("*.toml")) if agents.is_dir() else [agents] if agents.is_file() else []
        if not files:
            raise UsageError(f"no settings of agents in {agents}", hint="name the directory where their *.toml stand")
        ignored: list[Problem] = []  # `wolfsmoke-agent check` says what is wrong with them
        texts = {name: text for file in files for name, text in _text(file, ignored).items()}
        found = tuple(one for name, text in texts.items() for one in devices_of(name, text, kinds, profiles))
        return Fleet(kinds, found, sure)
    try:
        state = config.state_of(config_file)
        said = ask(state)
        devices = _journaled(state) if said is None else tuple(msgspec.convert(said, list[Watched]))
    except (ConfigError, StorageError, msgspec.ValidationError):
        devices = None
    return Fleet(kinds, devices, sure)


def _journaled(state: Path) -> tuple[Watched, ...]:
    """Return the devices of the last inventories in the journal.

    Raises:
        StorageError: it cannot be read.
    """
    return tuple(
        Watched(
            site=site,
            agent=agent,
            device=device.id,
            kind=device.kind,
            title=device.title,
            room=device.room,
            conditions=tuple(condition.name for condition in device.conditions),
        )
        for (site, agent), inventory in inventories(state / JOURNAL).items()
        for device in inventory.devices
    )


def _text(path: Path, problems: list[Problem]) -> dict[str, str]:
    """Return a file's text by its name; nothing, and a problem, where it cannot be read."""
    try:
        return {str(path): path.read_text("utf-8-sig")}
    except OSError as error:
        problems.append(Problem(str(path), 0, "", f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(str(path), line, "", "not UTF-8 text", "save the file as UTF-8"))
    return {}
