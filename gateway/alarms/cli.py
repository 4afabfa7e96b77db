"""``wolfsmoke-gateway alarm …``: what stands, what is put aside and why; shelve, take out of service, put back."""

import argparse
from collections.abc import Callable
from typing import Any, TextIO

from contract.errors import UsageError
from contract.settings import seconds
from gateway.board.words import Words
from gateway.notify.message import clock_time

Asks = Callable[[argparse.ArgumentParser], argparse.ArgumentParser]
Request = tuple[str, str, dict[str, Any]]
"""Method, path, and what goes with it."""
TARGET = "an alarm's id, SITE/AGENT/DEVICE, or SITE/AGENT/DEVICE/CONDITION"


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", asks: Asks) -> None:
    """Add ``alarm`` and what stands below it; each sets ``request`` and ``show`` for ``gateway.cli``."""
    alarm = subparsers.add_parser("alarm", help="list alarms, shelve them, take devices out of service, put them back")
    verbs = alarm.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = asks(verbs.add_parser("list", help="every alarm that stands, with its state, and all that is put aside"))
    listing.set_defaults(request=lambda _args: ("GET", "/alarms", {}), show=_listing)
    figures = asks(verbs.add_parser("figures", help="how often alarms came: the fleeting and the chattering ones"))
    figures.add_argument("--last", default="1d", metavar="TIME", help="looking back: 12h, 7d (default: a day)")
    figures.set_defaults(request=_figures, show=_show_figures)
    for name, what in {
        "shelve": "搁置: for a while; it speaks again at its end, if it still stands",
        "unshelve": "取消搁置: before its end",
        "out": "停用: out of service until it is put back; each message of the day shows it",
        "back": "恢复启用: back into service",
    }.items():
        verb = asks(verbs.add_parser(name, help=what, description=what))
        verb.add_argument("target", help=TARGET)
        verb.add_argument("--as", dest="person", required=True, metavar="PERSON", help="who you are in the contacts")
        if name in ("shelve", "out"):
            verb.add_argument("--reason", required=True, help="what is done; the next one on duty reads it")
        if name == "shelve":
            verb.add_argument("--for", dest="lasts", required=True, metavar="TIME", help="for how long: 30m, 2h")
        verb.set_defaults(request=_put, show=_done)


def _put(args: argparse.Namespace) -> Request:
    body: dict[str, Any] = {"person": args.person, "target": args.target}
    if args.verb in ("shelve", "out"):
        body["reason"] = args.reason
    if args.verb == "shelve":
        body["seconds"] = _time(args.lasts)
    return "POST", f"/alarms/{args.verb}", body


def _figures(args: argparse.Namespace) -> Request:
    return "GET", "/alarms/figures", {"seconds": _time(args.last)}


def _time(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise UsageError(str(error), hint='a number with a unit: "30m", "2h", "1d"') from None


def _listing(body: dict[str, Any], out: TextIO) -> None:
    offset = body["utc_offset"]
    out.writelines(f"报警泛滥 alarm flood  {person}: {count}\n" for person, count in body["floods"].items())
    for one in body["alarms"]:
        parts = [one["id"], _both("alarm", one["state"]), _both("severity", one["severity"])]
        parts += [_both("condition", one["condition"]), one["place"], one["target"], clock_time(one["since"], offset)]
        parts += [one["incident"]] if one["incident"] else []
        parts += [f"反复 chattering ×{one['chattering']}"] if one["chattering"] else []
        parts += [_until(one, offset), one["who"], one["why"]]
        out.write("  ".join(part for part in parts if part) + "\n")
    if not body["alarms"]:
        out.write("没有报警 no alarm stands\n")
    out.write("\n搁置与停用 put aside\n" if body["aside"] else "")
    for one in body["aside"]:
        parts = [_both("alarm", one["state"]), one["target"], _until(one, offset), one["who"], one["why"]]
        out.write("  " + "  ".join(part for part in parts if part) + "\n")


def _show_figures(body: dict[str, Any], out: TextIO) -> None:
    for row in body["rows"]:
        counts = [f"{row['times']} 次 times"]
        counts += [f"短暂 fleeting {row['fleeting']}"] if row["fleeting"] else []
        counts += [f"反复 chattering {row['chattering']}"] if row["chattering"] else []
        out.write("  ".join([row["place"], row["device"], _both("condition", row["condition"]), *counts]) + "\n")
    if not body["rows"]:
        out.write("没有报警 no alarm\n")


def _done(body: dict[str, Any], out: TextIO) -> None:
    parts = [_both("event", body["kind"]), body["target"], _until(body, body["utc_offset"])]
    out.write("  ".join(part for part in parts if part) + "\n")


def _until(one: dict[str, Any], offset: float) -> str:
    return f"至 until {clock_time(one['until'], offset)}" if one.get("until") else ""


def _both(group: str, code: str) -> str:
    zh, en = (Words(language).name(group, code) for language in ("zh", "en"))
    return zh if zh == en else f"{zh} {en}"
