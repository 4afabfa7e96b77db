"""``wolfsmoke-gateway``: run the gateway, check its settings, ask it of its incidents, see what its journal misses."""

import argparse
import asyncio
import faulthandler
import logging
import os
import sys
from importlib import metadata
from pathlib import Path

from contract.errors import ConfigError, UsageError, WolfsmokeError
from contract.extras import needed
from contract.log import Lines
from gateway import systemd

try:
    from gateway import cli
    from gateway.journal import cli as journal_cli
    from gateway.plan import cli as plan_cli
except ModuleNotFoundError as error:  # the agent's machine has this command too, and not what it needs
    print(needed("gateway", error), file=sys.stderr)
    raise SystemExit(2) from None

_CHATTY = ("httpx", "uvicorn")
"""Libraries that log what they do; we say ourselves what came of it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong settings or use, 3 no gateway answers."""
    try:
        try:
            return _main(arguments)
        finally:
            sys.stdout.flush()  # here, where its error can still be answered
    except BrokenPipeError:  # who read us has left, as `head` does: nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _main(arguments: list[str] | None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        code: int = asked.run(asked)
    except (ConfigError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except WolfsmokeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wolfsmoke-gateway", description="The garrison: keeps, judges, tells.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {metadata.version('wolfsmoke')}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the gateway")
    run.set_defaults(run=_run)
    check = commands.add_parser("check", help="read the settings as the gateway would, and say all that is wrong")
    check.set_defaults(run=_check)
    attempt = commands.add_parser("try", help="send a person a test message by each of their channels")
    attempt.add_argument("person", help="as in the contacts")
    attempt.set_defaults(run=_try)
    for command in (run, check, attempt):
        command.add_argument("--config", type=Path, default=cli.DEFAULT_CONFIG)
    run.add_argument("--verbose", action="store_true", help="log every step")
    cli.add_commands(commands)
    journal_cli.add_commands(commands)
    plan_cli.add_commands(commands)
    return parser


def _run(asked: argparse.Namespace) -> int:
    from gateway.app import serve  # noqa: PLC0415 - the other commands need neither broker nor web server
    from gateway.read import read_all  # noqa: PLC0415

    level = logging.DEBUG if asked.verbose else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(journal=systemd.reads(2)))
    logging.basicConfig(level=level, handlers=[handler])
    if not asked.verbose:
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
    faulthandler.enable()  # what the watchdog's SIGABRT ends still says where it hung
    config, plan, contacts = read_all(asked.config)  # before anything is opened
    asyncio.run(serve(config, plan, contacts, systemd.from_environment(), systemd.watchdog_interval()))
    return 0


def _check(asked: argparse.Namespace) -> int:
    from gateway.read import read_all  # noqa: PLC0415

    config, plan, contacts = read_all(asked.config)
    people, clauses = len(contacts.person), len(plan.clauses)
    print(f"{asked.config}: good: {config.gateway.name}, {clauses} clauses, {people} people")
    return 0


def _try(asked: argparse.Namespace) -> int:
    from gateway.clock import SystemClock  # noqa: PLC0415
    from gateway.notify.channels import open_channels  # noqa: PLC0415
    from gateway.read import read_all  # noqa: PLC0415
    from gateway.trial import trial  # noqa: PLC0415

    config, _, contacts = read_all(asked.config)
    person = contacts.find(asked.person)
    outcomes = asyncio.run(trial(person, open_channels(config.notify, SystemClock())))
    for one in outcomes:
        print(f"{one.channel}: {'accepted' if one.accepted else 'FAILED'}: {one.text}")
    return 0 if all(one.accepted for one in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
