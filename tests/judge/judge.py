"""Our SNMP driver and NUT's ``snmp-ups`` on recordings of real devices: who reads what right.

Three tables: UPSes, with NUT beside; environment cards, and power equipment, which NUT's driver does not read.

Run as ``python tests/judge/judge.py``. The recordings are not part of this project; they are looked for in the folder
that WOLFSMOKE_CASES names, else beside the repository. Served by snmpsim; ``--pure`` reads the files instead and leaves
NUT out. ``-v`` names everything that was not right.

NUT refuses a device whose recording lacks the object that NUT knows its MIB by (the recordings hold only what their
recorder asked; naming the MIB to NUT brought no value
more on those where it was tried); the last line compares both on the others alone.

What it does not show: our tables were written with these recordings at hand, and a family with one recording has been
proven on that one. What a new device is read like, only a new recording shows.

Columns: expected values (each OID once; what should be no reading at all does not count here), right, missing, wrong,
and sentinels that were called good. Right is what the driver returned under the quantity, as near as the expected
object itself can tell; the same rule holds for NUT.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import nut
from expectations import DISTRUSTED, Expected, expectations
from recordings import Listening, Recorded, parse, served
from scores import Score, judge

from agent.drivers.snmp import SnmpDriver
from agent.links.snmp import SnmpLink, SnmpTarget
from agent.links.snmp_engines import open_link
from agent.profiles import load_profiles
from contract.errors import DeviceError

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(os.environ.get("WOLFSMOKE_CASES", ROOT.parent / "shared" / "cases"))
VENDORS = (
    "apc",
    "cyberpower",
    "eaton",
    "snmpsim-eaton",
    "centreon-apc",
    "centreon-phoenixtec",
    "centreon-rfc1628",
    "netagent2",
    "powerwalker",
    "webpower",
    "snmpsim-ingrasys",
    "derived",
    "generex",
    "netmanplus",
)
"""Recordings of the five profiles' families: PowerNet, XUPS, CyberPower, XPPC, and cards that speak plain RFC 1628."""
COLUMNS = ("expected", "right", "missing", "wrong", "sentinel")
KINDS = {"ups": ("ups", "derived"), "environment": ("env",), "power": ("power",)}
"""Kinds of devices, and the folders of their recordings."""


def recordings(kind: str = "ups") -> list[Path]:
    """Return the recordings of devices of a kind that say what they expect."""
    folders = [CASES / "snmp" / name for name in KINDS[kind]]
    return [file for folder in folders for file in sorted(folder.glob("*.snmprec")) if beside(file).exists()]


def beside(file: Path) -> Path:
    """Return the companion of a recording."""
    return file.with_suffix(".expected.json")


async def ours(link: SnmpLink, expected: list[Expected], kind: str) -> Score:
    """Read a device with our driver, and judge it."""
    listening = Listening(link)
    driver = SnmpDriver(listening, [profile for profile in load_profiles() if profile.kind == kind])
    try:
        readings = await driver.read()
        applied = driver.profiles
    except DeviceError as error:
        score = Score()
        for entry in expected:
            if not entry.none:
                score.add("missing", entry, error)
        return score
    finally:
        await driver.close()
    values = listening.values
    traced = [pair for profile in applied for pair in profile.trace(values)]
    final = {reading.quantity: reading for reading in readings}
    return judge(expected, traced, values, final, driver.identity)


def total(scores: dict[str, Score], names: list[str]) -> Counter[str]:
    """Add up."""
    counts: Counter[str] = Counter()
    for name in names:
        counts += scores[name].counts
    return counts


def line(name: str, expected: int, *scores: Counter[str]) -> str:
    """Return a line of the table."""
    cells = [f"{name:28}{expected:9}"]
    cells += [f"{counts['right']:8}{counts['missing']:8}{counts['wrong']:7}{counts['sentinel']:9}" for counts in scores]
    return "  |".join(cells)


def table(wanted: dict[str, list[Expected]], tables: dict[str, dict[str, Score]]) -> str:
    """Return the whole table."""
    head = f"{'recording':28}{'expected':>9}" + "".join("  |   right missing  wrong sentinel" for _ in tables)
    who = " " * 37 + "".join(f"  |{name:^32}" for name in tables)
    lines = [who, head]
    sizes = {name: sum(not entry.none for entry in entries) for name, entries in wanted.items()}
    lines += [line(name, sizes[name], *(scores[name].counts for scores in tables.values())) for name in wanted]
    lines.append("-" * len(head))
    five = [name for name in wanted if name.startswith(VENDORS)]
    groups = [("all", list(wanted))]
    if nut.NAME in tables:
        groups.insert(0, ("five profiles' families", five))
    if nut.NAME in tables:
        seen = [name for name in wanted if tables[nut.NAME][name].counts["right"]]
        groups.append((f"the {len(seen)} that NUT knows", seen))
    for title, names in groups:
        counts = [total(scores, names) for scores in tables.values()]
        lines.append(line(title, sum(sizes[name] for name in names), *counts))
        shares = "".join(
            f"  |{count['right'] / max(1, sum(sizes[name] for name in names)):8.1%}{'':24}" for count in counts
        )
        lines.append(f"{'':37}{shares}")
    none = sum(entry.none for entries in wanted.values() for entry in entries)
    lines.append(f"{none} more should be no reading at all (sentinels, ratings of 0, states without a meaning)")
    return "\n".join(lines)


def run(
    files: list[Path], kind: str = "ups", *, pure: bool = False, with_nut: bool = True
) -> dict[str, dict[str, Score]]:
    """Judge these recordings; return the scores by reader and recording."""
    wanted = {file.stem: expectations(beside(file)) for file in files}
    result: dict[str, dict[str, Score]] = {"wolfsmoke": {}}
    if pure:
        for file in files:
            result["wolfsmoke"][file.stem] = asyncio.run(ours(Recorded(parse(file)), wanted[file.stem], kind))
        return result
    with tempfile.TemporaryDirectory() as folder, served(files, Path(folder) / "snmpsim") as port:
        for name, expected in wanted.items():
            target = SnmpTarget(host="127.0.0.1", port=port, community=name, timeout=5.0)
            result["wolfsmoke"][name] = asyncio.run(ours(open_link(target), expected, kind))
        if with_nut and kind == "ups" and nut.DRIVER.exists():
            result[nut.NAME] = {
                name: nut.judged(nut.read(port, name, Path(folder)), expected) for name, expected in wanted.items()
            }
    return result


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pure", action="store_true", help="no server, no NUT")
    parser.add_argument("-v", "--verbose", action="store_true", help="name what was not right")
    parser.add_argument("names", nargs="*", help="recordings; all without")
    args = parser.parse_args()
    sentinels = found = 0
    for kind in KINDS:
        files = [file for file in recordings(kind) if not args.names or file.stem in args.names]
        if not files:
            continue
        found += len(files)
        result = run(files, kind, pure=args.pure)
        if args.verbose:
            for name, score in result["wolfsmoke"].items():
                for remark in score.remarks:
                    say(f"{name}: {remark}")
        say(f"{kind}\n{table({file.stem: expectations(beside(file)) for file in files}, result)}\n")
        sentinels += sum(score.counts["sentinel"] for score in result["wolfsmoke"].values())
    if not found:
        say(f"no recordings under {CASES}: set WOLFSMOKE_CASES to the folder that holds snmp/ups")
        return 0
    say(f"{len(DISTRUSTED)} expectations are left out, because they contradict their own recording:")
    for oid, why in DISTRUSTED.items():
        say(f"  {oid}: {why}")
    return 1 if sentinels else 0


if __name__ == "__main__":
    sys.exit(main())
