"""``wolfsmoke-gateway plan …``: what would fail on the day, the plan as a page, and who would be told what, and when.

Exit codes of ``lint``: 0 nothing would fail (warnings are told), 1 something would, 2 wrong use.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from contract.errors import ConfigError, UsageError
from gateway import cli
from gateway.board import planpage
from gateway.board.render import Renderer
from gateway.board.words import LANGUAGES, Words
from gateway.clock import SystemClock
from gateway.incident import Source
from gateway.plan.dependencies import Tree, load_dependencies
from gateway.plan.lint.fleet import Watch
from gateway.plan.lint.rules import Finding, lint
from gateway.plan.lint.site import Grade
from gateway.plan.loader import load_plan
from gateway.plan.papers import read_fleet, read_papers
from gateway.plan.simulate import Act, Line, Story, Timetable, simulate
from gateway.plan.story import act_of, known_people, length_of, raised, said_of, source_of, wall_of

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
    show = _verb(verbs, "show", "draw the plan as a page that people read and print")
    show.add_argument("--html", type=Path, metavar="FILE", help="write the page there; left out: as text, here")
    show.add_argument("--lang", choices=LANGUAGES, default="zh", help="its language (default: zh)")
    show.set_defaults(run=run_show)
    play = _verb(verbs, "simulate", "say who would be told what, when and by which channel; nobody is told")
    what = "DEVICE:CONDITION or KIND:CONDITION, ups-1:on-battery; or: report CLAUSE NAME, what a person reports"
    play.add_argument("event", nargs="+", help=what)
    play.add_argument("--by", default="", metavar="WHO", help="who reports it (default: the first of the contacts)")
    play.add_argument("--at", metavar="TIME", help='when it happens, at the site: "2027-02-17 03:00" (default: now)')
    play.add_argument("--for", dest="length", default="4h", metavar="LONG", help="for how long to look (default: 4h)")
    play.add_argument("--seen", action="append", default=[], metavar="WHO@LONG", help="收到, so long after the alarm")
    play.add_argument("--mine", action="append", default=[], metavar="WHO@LONG", help="我处理, so long after the alarm")
    play.add_argument("--then", action="append", default=[], metavar="CONDITION@LONG", help="another alarm of it")
    play.add_argument("--clear", metavar="LONG", help="all is well again, so long after the alarm")
    play.add_argument("--down", action="append", default=[], metavar="CHANNEL", help="email or webhook:NAME is away")
    play.set_defaults(run=run_simulate)


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
    offset = papers.contacts.hours.offset(SystemClock().stamp().wall) if papers.contacts else _CHINA
    findings = lint(papers, fleet, args.today or _today(offset))
    shown = [one for one in findings if args.notes or one.grade is not Grade.NOTE]
    if args.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(shown), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{one}\n" for one in shown)
        where = (
            ""
            if fleet.devices is not None
            else "; devices unknown: no gateway answers, no journal can be read, and no --agents"
        )
        sys.stdout.write(f"{args.config}: {_counted(findings, args)}{where}\n")
    grades = {one.grade for one in findings}
    return BAD if Grade.ERROR in grades or (args.strict and Grade.WARNING in grades) else GOOD


def run_show(args: argparse.Namespace) -> int:
    """Carry out ``plan show``; return the exit code."""
    papers = read_papers(args.config)
    if papers.contacts is None:
        raise ConfigError(papers.problems)
    plan = load_plan(papers.plan, papers.contacts.departments)
    words = Words(args.lang)
    clauses = planpage.view(plan, words, *planpage.of_contacts(papers.contacts))
    if args.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(clauses), ensure_ascii=False, indent=2) + "\n")
    elif args.html is None:
        sys.stdout.writelines(f"{line}\n" for line in planpage.as_text(clauses, words))
    else:
        zone = papers.contacts.hours.tz
        now = SystemClock().stamp().wall
        page = Renderer(zone).file("plan_file.html", words, now, clauses=clauses, site_name=papers.name)
        try:
            args.html.write_text(page, "utf-8")
        except OSError as error:
            raise UsageError(f"{args.html} cannot be written: {error.strerror}", hint="name another file") from None
    return GOOD


def run_simulate(args: argparse.Namespace) -> int:
    """Carry out ``plan simulate``; return the exit code: 0 somebody is told, 1 nobody is."""
    papers = read_papers(args.config)
    contacts, notify = papers.contacts, papers.notify
    if contacts is None or notify is None:
        raise ConfigError(papers.problems)
    plan = load_plan(papers.plan, contacts.departments)
    tree = load_dependencies(papers.tree_text, file=papers.tree_file) if papers.tree_text else Tree()
    plan = msgspec.structs.replace(plan, dependencies=tree)
    fleet = read_fleet(args.config, args.agents, cli.devices)
    source, watch, said = Source(), Watch(""), None
    match args.event:
        case ["report", clause, name]:
            said = said_of((clause, name), plan, args.by, contacts)
        case [event]:
            source, condition = source_of(event, fleet)
            watch = fleet.watch(source.kind, condition)
        case words:
            raise UsageError(f"{' '.join(words)!r} is no event", hint="write ups-1:on-battery, or report CLAUSE NAME")
    acts = [act_of(verb, text) for verb in ("seen", "mine") for text in getattr(args, verb)]
    acts += [act_of("alarm", text) for text in args.then]
    for act in acts:
        if act.verb == "alarm":
            raised(source.kind, (), act.of, fleet)
    acts += [Act(length_of(args.clear), "clear")] if args.clear else []
    known_people(tuple(acts), contacts)
    channels = {*(f"webhook:{name}" for name in notify.webhook), *(["email"] if notify.email else [])}
    strange = set(args.down) - channels
    if strange:
        raise UsageError(f"no channel {min(strange)!r}", hint=f"there are {', '.join(sorted(channels))}")
    offset = contacts.hours.offset(SystemClock().stamp().wall)
    story = Story(
        source=source,
        watch=watch,
        report=said,
        start=wall_of(args.at, offset) if args.at else float(int(SystemClock().stamp().wall)),
        length=length_of(args.length),
        acts=tuple(acts),
        others={(one.site, one.agent, one.device): one.kind for one in fleet.devices or ()},
        down=frozenset(args.down),
    )
    with _quiet():
        table = asyncio.run(simulate(plan, contacts, channels, story, papers.days))
    if args.json:
        sys.stdout.write(json.dumps([msgspec.to_builtins(line) for line in table.lines], ensure_ascii=False, indent=2))
        sys.stdout.write("\n")
    else:
        sys.stdout.writelines(
            f"{text}\n" for text in _timetable(table, {one.id: one.name for one in contacts.person}, offset)
        )
    return GOOD if any(line.kind == "message" for line in table.lines) else BAD


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing meanwhile: what the channels refuse in a simulation is no news."""
    log = logging.getLogger("gateway")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _timetable(table: Timetable, names: Mapping[str, str], offset: float) -> Iterator[str]:
    """Yield the timetable as people read it."""
    if not table.incidents:
        yield "预案中没有此项，不通知任何人 no clause of the plan is for it: the board shows it, and nobody is told"
    for line in table.lines:
        yield "  ".join([_moment(line.at, offset), f"{_after(line.after):>9}", *_said(line, names)])
    for one in table.incidents:
        state = " ".join(dict.fromkeys(Words(language).name("incident", one.state) for language in ("zh", "en")))
        owner = f"处理人 owner {names.get(one.owner, one.owner)}" if one.owner else "无人处理 nobody owns it"
        limit = [f"时限 deadline {_moment(one.deadline, offset)}"] if one.deadline else []  # a finding has none
        yield "  ".join([one.code, f"{one.clause} {one.title_zh} {one.title_en}", state, owner, *limit])


def _said(line: Line, names: Mapping[str, str]) -> Iterator[str]:
    group, code = ("purpose", line.purpose) if line.kind == "message" else ("event", line.kind)
    zh, en = (Words(language).name(group, code) for language in ("zh", "en"))
    yield f"{zh} {en}" if zh != en else zh
    if line.who:
        yield f"{names.get(line.who, '')} {line.who}".strip()
    yield from (part for part in (line.channel, line.text) if part)


def _moment(wall: float, offset: float) -> str:
    return datetime.fromtimestamp(wall + offset, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _after(seconds: float) -> str:
    """Write how long after the alarm: +5:00, +1:05:00."""
    whole = round(seconds)
    hours = f"{whole // 3600}:{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"+{hours}:{whole % 60:02d}"


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
