"""``wolfsmoke-gateway plan …``: what would fail on the day, the plan as a page, and who would be told what, and when.

Exit codes of ``lint``: 0 nothing would fail (warnings are told), 1 something would, 2 wrong use.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from contract.errors import UsageError
from gateway import cli
from gateway.clock import SystemClock
from gateway.plan.lint.rules import Finding, lint
from gateway.plan.lint.site import Grade
from gateway.plan.papers import read_fleet, read_papers

GOOD, BAD = 0, 1
_CHINA = 8 * 3600.0


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``plan`` and what stands below it; each sets ``run``: arguments → exit code."""
    plan = subparsers.add_parser("plan", help="look for what would fail on the day; show and try the plan")
    verbs = plan.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = _verb(verbs, "lint", "say what would fail on the day: file, line, and what to do")
    check.add_argument("--strict", action="store_true", help="exit status 1 for warnings too")
    check.add_argument("--notes", action="store_true", help="show what is only worth knowing too")
    check.add_argument("--today", type=_date, metavar="DATE", help="look at the plan as of this day, 2027-01-31")
    check.set_defaults(run=run_lint)


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=what, description=what)
    verb.add_argument("--config", type=Path, default=cli.DEFAULT_CONFIG, metavar="FILE", help="the gateway's settings")
    verb.add_argument("--json", action="store_true", help="for programs")
    verb.add_argument(
        "--agents",
        type=Path,
        metavar="DIR",
        help="the devices stand in these settings of agents; left out: the running gateway is asked",
    )
    return verb


def run_lint(args: argparse.Namespace) -> int:
    """Carry out ``plan lint``; return the exit code."""
    papers = read_papers(args.config)
    fleet = read_fleet(args.config, args.agents, cli.devices)
    offset = papers.contacts.hours.utc_offset if papers.contacts else _CHINA
    findings = lint(papers, fleet, args.today or _today(offset))
    shown = [one for one in findings if args.notes or one.grade is not Grade.NOTE]
    if args.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(shown), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{one}\n" for one in shown)
        where = "" if fleet.devices is not None else "; devices unknown: no gateway answers, and no --agents"
        sys.stdout.write(f"{args.config}: {_counted(findings, args)}{where}\n")
    grades = {one.grade for one in findings}
    return BAD if Grade.ERROR in grades or (args.strict and Grade.WARNING in grades) else GOOD


def _counted(findings: Sequence[Finding], args: argparse.Namespace) -> str:
    count = {grade: sum(1 for one in findings if one.grade is grade) for grade in Grade}
    said = [f"{n} {grade.value}{'' if n == 1 else 's'}" for grade, n in count.items()]
    return ", ".join(said) + ("" if args.notes or not count[Grade.NOTE] else " (--notes shows them)")


def _today(offset: float) -> date:
    """Return the day that it is at the site."""
    wall = SystemClock().stamp().wall + offset
    return datetime.fromtimestamp(wall, UTC).date()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(str(UsageError(f"{text!r} is no date", hint="write 2027-01-31"))) from None
