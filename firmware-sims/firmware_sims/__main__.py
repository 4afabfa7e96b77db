"""``wolfsmoke-sims``: run a simulated site, and let things happen there."""

import argparse
import asyncio
import importlib
import json
import logging
import os
import shlex
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from contract.errors import WolfsmokeError
from contract.extras import needed
from firmware_sims.faults import Fault

try:
    from firmware_sims import control, scenario, site
except (
    ModuleNotFoundError
) as error:  # the package brings this command everywhere, and its libraries with the extra only
    sys.stderr.write(f"{needed('sims', error)}\n")
    raise SystemExit(2) from None

_SOCKET = Path("wolfsmoke-sims.sock")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 done, 1 the demo failed, 2 not usable."""
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
        return _run(asked)
    except WolfsmokeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wolfsmoke-sims", description="A simulated site whose devices speak the real protocols."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the devices of a site file until interrupted")
    run.add_argument("site", type=Path)
    run.add_argument("--scenario", type=Path, help="a timetable of commands")
    run.add_argument("--folder", type=Path, default=Path(), help="where serial ports get their names (default: here)")
    demo = commands.add_parser("demo", help="the main job, end to end, on simulated devices")
    demo.add_argument("--once", action="store_true", help="run the story once and exit 0 only if every step happened")
    demo.add_argument(
        "--patience", type=float, default=60.0, metavar="SECONDS", help="that a step may take (%(default)g)"
    )
    acts = ("cut", "mail", "answer", "restore", "close")
    demo.add_argument("--without", choices=acts, action="append", default=[], help="leave this out, to see it fail")
    cut = commands.add_parser("cut", help="cut the mains of a device, or of all")
    restore = commands.add_parser("restore", help="bring the mains back")
    load = commands.add_parser("load", help="set the load of a device")
    charge = commands.add_parser("charge", help="set the charge of a battery")
    put = commands.add_parser(
        "set", help="set anything else of a device: smoke true, Gi0/3 down, strike 1; `show` lists it"
    )
    fault = commands.add_parser("fault", help="make a device misbehave")
    show = commands.add_parser("show", help="show every device, as JSON")
    for named in (cut, restore, load, charge, put, fault):
        named.add_argument("name", help="of a device, or all")
    load.add_argument("value", metavar="WATTS")
    charge.add_argument("value", metavar="PERCENT")
    put.add_argument("field")
    put.add_argument("value")
    kinds = [kind.value for kind in Fault]
    fault.add_argument("value", metavar="KIND", choices=kinds, help=", ".join(kinds))
    for command in (run, cut, restore, load, charge, put, fault, show):
        command.add_argument("--control", type=Path, default=_SOCKET, help="control socket (default: %(default)s)")
    return parser


def _run(asked: argparse.Namespace) -> int:
    match asked.command:
        case "demo":
            # Imported here: it brings agents and a gateway along, which nothing else needs.
            demo = importlib.import_module("firmware_sims.demo")
            return int(demo.main(once=asked.once, patience=asked.patience, without=asked.without))
        case "run":
            logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
            plan = scenario.load(asked.scenario) if asked.scenario else scenario.Scenario()
            asyncio.run(_serve(site.load(asked.site), plan, asked.folder, asked.control))
        case command:
            words = [command, *(getattr(asked, name) for name in ("name", "field", "value") if hasattr(asked, name))]
            answer = asyncio.run(control.send(asked.control, shlex.join(words)))
            sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return 0


async def _serve(settings: site.SiteSettings, plan: scenario.Scenario, folder: Path, path: Path) -> None:
    """Run the devices until a signal."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with site.running(settings, time.monotonic, folder) as devices, control.serving(devices, path):
        for name, device in devices.devices.items():
            sys.stdout.write(f"{name}: {device.url}\n")
        sys.stdout.flush()
        playing = asyncio.create_task(scenario.play(plan, devices))
        await stop.wait()
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing


if __name__ == "__main__":
    sys.exit(main())
