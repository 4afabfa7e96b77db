"""``wolfsmoke-agent``: run the agent, check its settings, read one device, or look for devices."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from agent import native, systemd
from agent.config import load
from agent.drivers.base import Driver, Identity
from agent.scan.arguments import add_arguments
from agent.ways import EXAMPLES
from contract.errors import ConfigError, DeviceError, UsageError, WolfsmokeError
from contract.extras import needed
from contract.log import Lines
from contract.quantities import find
from contract.reading import Reading

_PATIENCE = 15.0
"""Seconds that `read` waits in all."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong settings or URL, 3 no answer from the device."""
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
        match asked.command:
            case "read":
                return asyncio.run(_read(asked.url, asked.kind, asked.profile, as_json=asked.json))
            case "check":
                config = load(asked.config)
                print(f"{asked.config}: good: {config.agent.site}/{config.agent.name}, {len(config.devices)} devices")
            case "scan":
                from agent.scan import command  # noqa: PLC0415 - the agent itself never scans

                return command.run(asked)
            case _:
                _run(asked.config, level=logging.DEBUG if asked.verbose else logging.INFO)
    except (ConfigError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except WolfsmokeError as error:
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:  # libraries are imported when they are needed
        print(needed("agent", error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wolfsmoke-agent", description="The watch-tower: reads devices.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {metadata.version('wolfsmoke')}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the agent")
    check = commands.add_parser("check", help="read the settings as the agent would, and say all that is wrong")
    for command in (run, check):
        command.add_argument("--config", type=Path, required=True)
    run.add_argument("--verbose", action="store_true", help="log every step")
    scan = commands.add_parser("scan", help="look for devices, carefully, and propose their settings")
    add_arguments(scan)
    read = commands.add_parser("read", help="ask one device, with no settings")
    read.add_argument("url", help=", ".join(EXAMPLES))
    read.add_argument("--json", action="store_true", help="for programs")
    read.add_argument("--kind", default="", help="what it is, where one protocol asks several kinds of devices")
    read.add_argument("--profile", default="", help="take this profile first, whatever the device says it is")
    return parser


def _run(path: Path, *, level: int) -> None:
    from agent.app import App  # noqa: PLC0415 - `read` needs neither broker nor database

    config = load(path)
    native.set_apart()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(journal=systemd.reads(2)))
    logging.basicConfig(level=level, handlers=[handler])
    app = App(config, metadata.version("wolfsmoke"), systemd.from_environment(), systemd.watchdog_interval())

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await app.run(stop)

    asyncio.run(until_stopped())


async def _read(url: str, kind: str, profile: str, *, as_json: bool) -> int:
    from agent.ways import from_url  # noqa: PLC0415

    driver = from_url(url, kind=kind, profile=profile)
    native.set_apart()
    try:
        async with asyncio.timeout(_PATIENCE):
            readings = list(await driver.read())
    except DeviceError as error:
        print(error, file=sys.stderr)
        return 3
    except TimeoutError:
        print(f"not done within {_PATIENCE:g} s (is the line slow, or the device busy? Try again)", file=sys.stderr)
        return 3
    finally:
        await driver.close()
    readings.sort(key=lambda reading: reading.quantity)
    print(_json(driver, readings) if as_json else _table(driver.identity, readings))
    if any(reading.good for reading in readings):
        return 0
    print("it answers, but says nothing that can be used; try another --profile", file=sys.stderr)
    return 3


def _json(driver: Driver, readings: list[Reading]) -> str:
    identity = driver.identity
    device = {name: getattr(identity, name) for name in identity.__struct_fields__}
    return json.dumps({"device": device, "readings": [_plain(each) for each in readings]}, ensure_ascii=False, indent=1)


def _plain(reading: Reading) -> dict[str, Any]:
    value = list(reading.value) if isinstance(reading.value, tuple) else reading.value
    return {
        "quantity": reading.quantity,
        "value": value,
        "unit": _unit(reading),
        "quality": reading.quality.value,
    }


def _unit(reading: Reading) -> str:
    known = find(reading.quantity)
    return known.unit if known else ""


def _table(identity: Identity, readings: list[Reading]) -> str:
    who = " ".join(filter(None, (identity.manufacturer, identity.model, identity.serial, identity.firmware)))
    width = max((len(each.quantity) for each in readings), default=0)
    lines = [f"{who or 'unnamed device'}  (profile {identity.profile})", ""]
    for each in readings:
        value = (
            " ".join(each.value) if isinstance(each.value, tuple) else "-" if each.value is None else str(each.value)
        )
        mark = "" if each.good else f"  ({each.quality.value})"
        lines.append(f"{each.quantity:{width}}  {value} {_unit(each)}{mark}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
