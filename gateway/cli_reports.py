"""``wolfsmoke-gateway report`` and ``incident approve|refuse|confirm``: their arguments, what is asked, what is shown."""

import argparse
from collections.abc import Callable
from typing import Any, Final, TextIO

from contract.errors import UsageError

VERBS: Final = {
    "approve": "批准: you approve what was reported, when it is your turn",
    "refuse": "不批准: you refuse it, with a reason that the reporter reads",
    "confirm": "确认级别: you say that it is partial, or major, where the plan leaves that to people",
}


def add_report(parser: argparse.ArgumentParser, typed: Callable[[str], str]) -> None:
    """Add the arguments of ``report``; ``typed`` makes text of what a terminal sent."""

    def request(args: argparse.Namespace) -> tuple[str, str, dict[str, Any]]:
        said = body(args, typed)
        return ("GET", "/reports", {}) if said is None else ("POST", "/reports", said)

    parser.add_argument("clause", nargs="?", default="", help="the plan's clause, such as 3.3.1; left out: the list")
    parser.add_argument("name", nargs="?", default="", help="which of its reports")
    parser.add_argument("--as", dest="person", default="", metavar="PERSON", help="who you are in the contacts")
    parser.add_argument("--place", default="", help="where it is")
    parser.add_argument("--field", action="append", default=[], metavar="NAME=TEXT", help="what is asked for")
    parser.set_defaults(verb="report", request=request)


def add_verb(verb: argparse.ArgumentParser, name: str) -> None:
    """Add the arguments of one of the ``VERBS`` that stand behind the code."""
    if name == "approve":
        verb.add_argument("text", nargs="?", default="", help="a sentence for the timeline")
    if name == "refuse":
        verb.add_argument("text", help="why")
    if name == "confirm":
        verb.add_argument("level", choices=["partial", "major"])


def body(args: argparse.Namespace, typed: Callable[[str], str]) -> dict[str, Any] | None:
    """Return what ``report`` sends; None where the list is asked for.

    Raises:
        UsageError: it is not said which report, by whom; a field is no NAME=TEXT, or is given twice.
    """
    if not args.clause:
        return None
    if not args.name or not args.person:
        raise UsageError(
            "which report of the clause, and who are you?",
            hint="wolfsmoke-gateway report 3.3.1 breakdown --as PERSON; without a clause: the list",
        )
    fields: dict[str, str] = {}
    for one in args.field:
        name, between, text = typed(one).partition("=")
        if not between or not name:
            raise UsageError(f"{one!r} is no field", hint='write --field position="318 国道 12 公里"')
        if name in fields:
            raise UsageError(f"--field {name} is given twice", hint="say each once")
        fields[name] = text
    said = {"person": typed(args.person), "clause": args.clause, "report": typed(args.name)}
    return {**said, "fields": fields, "place": typed(args.place)}


def about(event: dict[str, Any], level: Callable[[str], str]) -> tuple[str, ...]:
    """Return what an event of a decision says, nothing for other events; ``level`` names a level."""
    data = event.get("data", {})
    match event["kind"]:
        case "confirmed":
            return (level(str(data.get("level", ""))),)
        case "approved" | "refused":
            return f"{data.get('zh', '')} {data.get('en', '')}", event.get("text", "")
        case _:
            return ()


def rows(report: dict[str, list[list[str]]], out: TextIO) -> None:
    """Write what was reported, and how its approvals stand."""
    out.write("\n报告 report\n")
    out.writelines(
        f"  {zh} {en}: {said}\n" if said == also else f"  {zh} {en}: {said} {also}\n"
        for (zh, said), (en, also) in zip(report["zh"], report["en"], strict=True)
    )


def show(answer: dict[str, Any], out: TextIO) -> None:
    """Write the list of what can be reported."""
    for one in answer["reports"]:
        out.write(f"{one['clause']} {one['report']}  {one['title']['zh']}  {one['title']['en']}\n")
        for field in one["fields"]:
            wanted = "" if field.get("required", True) else "（可不填 optional）"
            out.write(f"    --field {field['name']}=…  {field['label']['zh']}  {field['label']['en']}{wanted}\n")
        if one["evidence"]:
            out.write(f"    须保存 keep: {one['evidence']['zh']}  {one['evidence']['en']}\n")
