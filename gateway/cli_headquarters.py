"""``wolfsmoke-gateway incident authorise|lower|limit``: their arguments; and what ``show`` says of a headquarters."""

import argparse
from collections.abc import Callable
from typing import Any, Final, TextIO

from gateway.board import staff
from gateway.board.words import Words
from gateway.event import Event

VERBS: Final = {
    "authorise": "授权: you, head or deputy, make a department's head temporary commander of a major incident",
    "lower": "降低级别: you, head, deputy or temporary commander, say that it is less than it was",
    "limit": "定时限: you, head, deputy or temporary commander, set a time limit that begins now",
}
_BOTH: Final = (Words("zh"), Words("en"))


def add_verb(verb: argparse.ArgumentParser, name: str) -> None:
    """Add the arguments of one of the ``VERBS`` that stand behind the code."""
    if name == "authorise":
        verb.add_argument("whom", metavar="PERSON", help="who is to command, by their id in the contacts")
        verb.add_argument("--reason", default="", help="a sentence for the timeline")
    if name == "lower":
        verb.add_argument("level", choices=["partial", "prepare"])
        verb.add_argument("--reason", required=True, help="why it is less")
    if name == "limit":
        verb.add_argument("limit", help='"30m", "1 working day", "17:30"')
        verb.add_argument("--step", type=int, default=0, metavar="NUMBER", help="of that step of the plan only")


def body(args: argparse.Namespace, typed: Callable[[str], str]) -> dict[str, Any]:
    """Return what one of the ``VERBS`` sends beside the person; nothing for other verbs."""
    match args.verb:
        case "authorise":
            return {"whom": typed(args.whom), "reason": typed(args.reason)}
        case "lower":
            return {"level": args.level, "reason": typed(args.reason)}
        case "limit":
            return {"limit": typed(args.limit), "number": args.step}
        case _:
            return {}


def about(event: dict[str, Any]) -> tuple[str, ...]:
    """Return what an event of the headquarters says, in both languages; nothing for other events."""
    told = Event(kind=event["kind"], text=event.get("text", ""), data=event.get("data", {}))
    said = dict.fromkeys(staff.said(told, words, str) for words in _BOTH)
    return tuple(one for one in said if one)


def rows(one: dict[str, Any] | None, out: TextIO) -> None:
    """Write who has which part; nothing where there is no headquarters."""
    if one is None:
        return
    labels = ("commander", "deputies", "temporary", "acting")
    keys = ("commander", "deputies", "temporary-commander", "acting-contact")
    for label, key in zip(labels, keys, strict=True):
        who = "、".join(one[label]) if isinstance(one[label], list | tuple) else one[label]
        by = ""
        if label == "temporary" and who:
            sort = "authority-advance" if one["advance"] else "authority"
            by = "  " + " ".join(words(sort, by=one["by"]) for words in _BOTH)
        if who:
            out.write(f"{' '.join(words(key) for words in _BOTH)}: {who}{by}\n")
