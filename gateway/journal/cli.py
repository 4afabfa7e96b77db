"""``wolfsmoke-gateway journal verify``: says whether anything that the agents sent is missing, to people and to programs.

Exit codes: 0 nothing is missing, 1 something is missing or lost, or does not fit together, 2 it cannot be read.
"""

import argparse
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

import msgspec

from contract.errors import ConfigError, StorageError
from gateway import config
from gateway.cli import DEFAULT_CONFIG
from gateway.clock import SystemClock
from gateway.journal.file import NAME
from gateway.journal.verify import STORE, Report, StreamReport, verify

COMPLETE, MISSING, UNREADABLE = 0, 1, 2
_SPANS: Final = 8
"""Ranges in a line at the most."""
_HEADINGS: Final = (
    ("代理", "agent"), ("批次", "epoch"), ("收到", "received"), ("入库", "stored"), ("待入库", "waiting"),
    ("重复", "again"), ("搁置", "aside"), ("在途", "held"), ("缺失", "missing"), ("已注明", "named"),
)  # fmt: skip
_KINDS: Final = {
    "lost": "丢失 lost",
    "thinned": "代理抽稀 thinned out by the agent",
    "elsewhere": "在另一网关 in another journal",
    "unsure": "结尾不明 end unknown",
    "dropped": "未入库即丢弃 dropped before the store had it",
    "refused": "存储拒收 refused by the store",
}


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``journal`` and what stands below it; each sets ``run``: arguments → exit code."""
    journal = subparsers.add_parser("journal", help="what the journal has, and what is missing")
    verbs = journal.add_subparsers(dest="verb", required=True, metavar="VERB")
    what = "per agent: what was received, what is stored, missing, duplicate; exit status 1 when something is missing"
    check = verbs.add_parser("verify", help=what, description=what)
    where = check.add_mutually_exclusive_group()
    where.add_argument("--config", type=Path, metavar="FILE", help=f"the settings (default: {DEFAULT_CONFIG})")
    where.add_argument("--file", type=Path, metavar="PATH", help="the journal itself, or a copy of it")
    check.add_argument("--json", action="store_true", help="for programs")
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out ``verify``; return the exit code."""
    try:
        path = args.file or config.state_of(args.config or DEFAULT_CONFIG) / NAME
        report = verify(path, wall=SystemClock().stamp().wall)
    except (ConfigError, StorageError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks by print
        return UNREADABLE
    except PermissionError:
        print(f"{path}: this user may not look there; try sudo", file=sys.stderr)  # noqa: T201
        return UNREADABLE
    if args.json:
        body = {"complete": report.complete, **msgspec.to_builtins(report)}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n")
    else:
        show(report, sys.stdout)
    return COMPLETE if report.complete else MISSING


def show(report: Report, out: TextIO) -> None:
    """Write the table for people, and below it what it cannot show: ranges, kinds and reasons."""
    out.write(f"日志 journal {report.journal}  {report.file}\n")
    cursors = ", ".join(f"{reader} {position}" for reader, position in report.cursors.items()) or "-"
    out.write(f"消息 messages {report.messages}  末位 position {report.position}  读者 readers {cursors}\n\n")
    table = [[zh for zh, _ in _HEADINGS], [en for _, en in _HEADINGS], *(_row(one) for one in report.streams)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    out.writelines(
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in table
    )
    for stream in report.streams:
        out.writelines(f"{stream.site}/{stream.agent} {stream.epoch}: {line}\n" for line in _details(stream))
    if report.aside_unknown:
        out.write(f"{report.aside_unknown} 条搁置的消息已不在日志 set aside, and no longer kept\n")
    out.writelines(f"不一致 contradiction: {fault}\n" for fault in report.faults)
    out.write("\n完整，无缺失 complete: nothing is missing\n" if report.complete else "\n有缺失 something is missing\n")


def _row(one: StreamReport) -> list[str]:
    aside = sum(count.count for count in one.aside)
    named = sum(gap.count for gap in one.gaps)
    unsure = "?" if any(gap.kind == "unsure" for gap in one.gaps) else ""
    stored = "-" if one.stored is None else str(one.stored)
    numbers = (one.duplicates, aside, _count(one.held), _count(one.missing))
    return [
        f"{one.site}/{one.agent}", one.epoch, str(one.count), stored, str(one.waiting), *map(str, numbers),
        f"{named}{unsure}",
    ]  # fmt: skip


def _details(one: StreamReport) -> list[str]:
    lines = [f"收到 received {_spans(one.received)}"]
    if one.missing:
        lines.append(f"缺失，无人注明 missing, and nobody has named them: {_spans(one.missing)}")
    if one.held:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.since))
        lines.append(f"代理自 {since} 起还存着 still held by the agent since {since}: {_spans(one.held)}")
        if one.silent:
            hours = one.silent / 3600
            lines.append(f"代理 {hours:.0f} 小时无音讯，计为缺失 not heard for {hours:.0f} h, so they count as missing")
    for gap in one.gaps:
        numbers = f" {gap.count}: {_spans(gap.numbers)}" if gap.numbers else ""
        lines.append(f"{_KINDS.get(gap.kind, gap.kind)}{numbers}: {gap.reason}")
    for aside in one.aside:
        kind = "永久搁置 set aside for good" if aside.final else "暂时搁置 set aside for later"
        if aside.final and aside.reader == STORE:
            kind = _KINDS["refused"]
        lines.append(f"{kind} {aside.count}: {aside.reason}")
    return lines


def _spans(spans: Sequence[tuple[int, int]]) -> str:
    said = [f"{first}-{last}" if last > first else f"{first}" for first, last in spans[:_SPANS]]
    more = f" … ({len(spans)} ranges)" if len(spans) > _SPANS else ""
    return (", ".join(said) or "-") + more


def _count(spans: Sequence[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in spans)


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
