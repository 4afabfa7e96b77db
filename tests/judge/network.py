"""Our drivers of tables on recordings of real network equipment: who of the expected values is read right.

Run as ``python tests/judge/network.py``; ``-v`` names what was not right. The recordings are not part of this project; they
are looked for in the folder that WOLFSMOKE_CASES names, else beside the repository. Served by snmpsim, ``--pure`` reads the
files instead.

Interfaces: each field of each row is one expected value. Names, states and speeds are held against the readings. A counter
is judged by its rate: a second poll finds a number added to exactly that object, and the reading of that port must say so;
so a row or a column that is taken for another one shows. Sensors and states are looked up by their object; DS1 rows by their
flags. Columns: expected, right, missing, wrong, and doubted: expected values that are not to be believed, with the reason in
DOUBTS.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from recordings import parse, served

from agent.drivers.tables import ds1
from agent.drivers.tables import interfaces as ifs
from agent.drivers.tables.base import Options
from agent.drivers.tables.driver import TablesDriver
from agent.drivers.tables.parts import Parts
from agent.drivers.tables.ports import Ports
from agent.drivers.tables.trunks import Trunks
from agent.links.snmp import WITNESS, Raw, SnmpTarget
from agent.links.snmp_engines import open_link
from agent.profiles_network import load_profiles
from contract.errors import DeviceError
from contract.reading import Reading

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(os.environ.get("WOLFSMOKE_CASES", ROOT.parent / "shared" / "cases"))
COLUMNS = ("expected", "right", "missing", "wrong", "doubted")
SECONDS = 15.0
"""Between the two polls: a counter of 32 bits goes round in 17 s at 2 Gbit/s, and then says nothing of the traffic."""
DOUBTS = {
    "1.3.6.1.4.1.2011.5.25.31.1.1.1.1.13.9": "3 is volts: the same board's limits are 2 and 4; 3 mV is none",
    "1.3.6.1.4.1.193.81.3.4.3.1.1.1.8.1686376959": "no radio unit there: no name, state 0; 0 degrees is no reading",
    "1.3.6.1.4.1.193.81.3.4.3.1.1.1.8.1686385151": "no radio unit there: no name, state 0; 0 degrees is no reading",
    "modules.cellradio.detected.count": "a count of the plugin's own; no object says it",
}
COUNTERS = {
    "ifInOctets": ("in.rate", f"{ifs.ENTRY}.10", 8),
    "ifOutOctets": ("out.rate", f"{ifs.ENTRY}.16", 8),
    "ifHCInOctets": ("in.rate", f"{ifs.EXTENDED}.6", 8),
    "ifHCOutOctets": ("out.rate", f"{ifs.EXTENDED}.10", 8),
    "ifInErrors": ("in.errors", f"{ifs.ENTRY}.14", 1),
    "ifOutErrors": ("out.errors", f"{ifs.ENTRY}.20", 1),
    "ifInDiscards": ("in.discards", f"{ifs.ENTRY}.13", 1),
    "ifOutDiscards": ("out.discards", f"{ifs.ENTRY}.19", 1),
}
"""Field → figure of the port, object, factor of the rate."""
NAMES = ("ifName", "ifDescr")
RADIO = {"rsrp.dbm": "rsrp", "rsrq.dbm": "rsrq", "snr.db": "snr", "csq.dbm": "rssi"}
DS1 = {
    "dsx1RcvFarEndLOF": "RAI",
    "dsx1XmtFarEndLOF": "RAI-SENT",
    "dsx1RcvAIS": "AIS",
    "dsx1XmtAIS": "AIS-SENT",
    "dsx1LossOfFrame": "LOF",
    "dsx1LossOfSignal": "LOS",
    "dsx1LoopbackState": "LOOP",
}


class Moving:
    """A link whose counters go on between two polls, each by a number of its own."""

    def __init__(self, values: Mapping[str, Raw], link: Any = None) -> None:
        self._values = dict(values)
        self._link = link
        self.added: dict[str, int] = {}

    def move(self) -> None:
        """Add to every counter, and to the uptime."""
        self.added[WITNESS] = int(SECONDS * 100)
        for _, column, _ in COUNTERS.values():
            for oid, raw in self._values.items():
                if oid.startswith(f"{column}.") and isinstance(raw, int):
                    self.added[oid] = 1 + len(self.added) % 97

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        got = {oid: self._values.get(oid) for oid in oids} if self._link is None else await self._link.get(oids)
        return {oid: raw + self.added.get(oid, 0) if isinstance(raw, int) else raw for oid, raw in got.items()}

    async def walk(self, root: str) -> dict[str, Raw]:
        if self._link is not None:
            return await self._link.walk(root)
        ordered = sorted(self._values, key=lambda oid: tuple(map(int, oid.split("."))))
        return {oid: self._values[oid] for oid in ordered if oid.startswith(f"{root}.")}

    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()


class Score:
    """What became of the expected values of a recording."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.remarks: list[str] = []

    def add(self, what: str, name: str, wanted: object, found: object) -> None:
        """Count one; remember what was not right."""
        self.counts["expected"] += 1
        self.counts[what] += 1
        if what != "right":
            self.remarks.append(f"{what}: {name}: wanted {wanted!r}, read {found!r}")

    def judge(self, name: str, wanted: object, reading: object) -> None:
        """Hold a reading against what was expected."""
        if reading is None:
            self.add("missing", name, wanted, None)
        else:
            self.add("right" if same(wanted, reading) else "wrong", name, wanted, reading)


def same(wanted: object, found: object) -> bool:
    """Say whether two values mean the same."""
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return abs(wanted - found) <= max(1e-6, abs(wanted) * 1e-6)
    return re.sub(r"\W", "", str(wanted)).lower() == re.sub(r"\W", "", str(found)).lower()


async def read(link: Moving, options: Options) -> tuple[dict[str, Reading], Ports, Parts, Trunks, float]:
    """Read a device twice by all parts; return what the second poll said, and the parts."""
    ports, parts, trunks = Ports(options), Parts(()), Trunks(Options())
    now = 0.0
    driver = TablesDriver(link, [ports, parts, trunks], lambda: now, profiles=load_profiles())
    await driver.read()
    link.move()
    now = SECONDS
    readings = await driver.read()
    await driver.close()
    twice = ("x.port.spare", "x.port.spare.missing")  # both ports and trunks say them
    return {one.quantity: one for one in readings if one.quantity not in twice}, ports, parts, trunks, SECONDS


def interfaces(
    rows: Sequence[dict[str, Any]], said: Mapping[str, Any], ports: Ports, link: Moving, score: Score
) -> None:
    """Judge the rows of IF-MIB."""
    by_index = {port.index: key for key, port in ports.ports.items()}
    numbers = {key: place for place, key in enumerate(ports.ports, 1)}
    for row in rows:
        index = row["ifIndex"]
        if index not in by_index:
            for field in row:
                score.add("missing", f"{field}.{index}", row[field], None)
            continue
        port = ports.ports[by_index[index]]
        prefix = f"x.port.{numbers[by_index[index]]}"
        score.add("right", f"ifIndex.{index}", index, port.index)
        for field, wanted in row.items():
            _field(field, wanted, row, said, prefix, link, score, port)


def _field(
    field: str,
    wanted: Any,
    row: Mapping[str, Any],
    said: Mapping[str, Any],
    prefix: str,
    link: Moving,
    score: Score,
    port: ifs.Port,
) -> None:
    index = row["ifIndex"]
    name = f"{field}.{index}"
    if field == "ifName" or (field == "ifDescr" and "ifName" not in row):
        score.judge(name, wanted, said.get(f"{prefix}.name"))
    elif field == "ifDescr":
        score.judge(name, wanted, port.descr)
    elif field == "ifAlias":
        score.judge(name, wanted, said.get(f"{prefix}.alias"))
    elif field == "ifType":
        score.judge(name, wanted, port.type)
    elif field == "ifOperStatus":
        state = said.get(f"{prefix}.status")
        word = {"down": "disabled"}.get(wanted, wanted) if row.get("ifAdminStatus") == "down" else wanted
        if wanted == "unknown":
            score.add("right" if state is None else "wrong", name, "no state", state)
        else:
            score.judge(name, re.sub(r"([A-Z])", r" \1", word).lower(), state)
    elif field == "ifAdminStatus":
        score.judge(name, {"up": 1, "down": 2, "testing": 3}[wanted], port.admin)
    elif field in ("ifSpeed", "ifHighSpeed"):
        _speed(name, row, said.get(f"{prefix}.speed"), score)
    elif field in COUNTERS:
        figure, column, factor = COUNTERS[field]
        wide = {"ifInOctets": "ifHCInOctets", "ifOutOctets": "ifHCOutOctets"}.get(field)
        stands = COUNTERS[wide][1] if wide and port.wide_in else column  # the wide one stands for the narrow one
        added = link.added.get(f"{stands}.{index}", 0)
        found = said.get(f"{prefix}.{figure}")
        round_and_round = (said.get(f"{prefix}.speed") or 0.0) / 8 * SECONDS >= 2**32
        if found is None and figure.endswith(".rate") and stands.startswith(ifs.ENTRY) and round_and_round:
            score.add("doubted", f"{name} (32 bits go round more than once in {SECONDS:g} s)", row[field], None)
        else:
            score.judge(name, round(added * factor / SECONDS, 3), found)


def _speed(name: str, row: Mapping[str, Any], found: Any, score: Score) -> None:
    wanted = (row.get("ifHighSpeed") or 0) * 1e6 or row.get("ifSpeed") or 0
    if wanted in (0, 4294967295):  # no speed is no reading
        score.add("right" if found is None else "wrong", name, "no speed", found)
    else:
        score.judge(name, wanted, found)


def lines(rows: Sequence[dict[str, Any]], said: Mapping[str, Any], trunks: Trunks, score: Score) -> None:
    """Judge the rows of DS1-MIB."""
    places = {trunk.line: place for place, trunk in enumerate(trunks.trunks.values(), 1)}
    for row in rows:
        name = f"dsx1LineStatus.{row['dsx1LineIndex']}"
        status = said.get(f"x.trunk.{places.get(str(row['dsx1LineIndex']), 0)}.status")
        wanted = {DS1[flag] for flag in row["flags"] if flag != "dsx1NoAlarm"}
        if status is None:
            score.add("missing", name, wanted, None)
            continue
        found = set(str(status).split()) - {"DOWN", "ok"}  # down: said by IF-MIB
        right = found == wanted and (status == "ok") is row["trunk_ok"]
        score.add("right" if right else "wrong", name, wanted, found)
        score.judge(
            f"circuit of {name}", row["circuit"], said.get(f"x.trunk.{places[str(row['dsx1LineIndex'])]}.circuit")
        )


def objects(entries: Iterator[tuple[str, str, object]], said: Mapping[str, Any], parts: Parts, score: Score) -> None:
    """Judge sensors and states by their objects."""
    sources = parts.sources()
    for name, oid, wanted in entries:
        found = said.get(sources.get(oid, ""))
        if oid in DOUBTS:
            score.add("doubted", f"{name} ({DOUBTS[oid]})", wanted, found)
        else:
            score.judge(name, wanted, found)


def metrics(entries: Sequence[dict[str, Any]], said: Mapping[str, Any], score: Score) -> None:
    """Judge what another monitor made of a mobile router."""
    radios: dict[str, int] = {}
    for entry in entries:
        name = entry["metric"]
        if name in DOUBTS:
            score.add("doubted", f"{name} ({DOUBTS[name]})", entry["value"], None)
            continue
        module, _, what = name.partition("#module.cellradio.")
        number = radios.setdefault(module, len(radios) + 1)
        score.judge(name, entry["value"], said.get(f"x.radio.{number}.{RADIO[what]}"))


def judge(expected: Mapping[str, Any], link: Moving) -> Score:
    """Read a device and judge all that is expected of it."""
    score = Score()
    try:
        readings, ports, parts, trunks, _ = asyncio.run(read(link, Options(ports=("*",))))
    except DeviceError as error:
        score.add("missing", "everything", "a device", error)
        return score
    said = {name: reading.value for name, reading in readings.items() if reading.good}
    interfaces(expected.get("interfaces", ()), said, ports, link, score)
    lines(expected.get("ds1", ()), said, trunks, score)
    sensors = ((entry["descr"], entry["oid"].strip("."), entry["value"]) for entry in expected.get("sensors", ()))
    objects(sensors, said, parts, score)
    states = ((entry["descr"], entry["oid"].strip("."), entry["meaning"]) for entry in expected.get("states", ()))
    objects(states, said, parts, score)
    metrics(expected.get("metrics", ()), said, score)
    assert set(ds1.FLAGS.values()) >= set(DS1.values())
    return score


def recordings() -> list[Path]:
    """Return the recordings that say what they expect."""
    return sorted((CASES / "snmp" / "ifmib").glob("*.snmprec"))


def run(files: Sequence[Path], *, pure: bool = False) -> dict[str, Score]:
    """Judge these recordings."""
    import json

    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        serving = nullcontext(0) if pure else served(files, Path(folder) / "snmpsim")
        with serving as port:
            for file in files:
                expected = json.loads(file.with_suffix("").with_suffix(".expected.json").read_text("utf-8"))
                target = SnmpTarget(host="127.0.0.1", port=port, community=file.stem, timeout=5.0)
                scores[file.stem] = judge(expected, Moving(parse(file), None if pure else open_link(target)))
    return scores


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pure", action="store_true", help="no server")
    parser.add_argument("-v", "--verbose", action="store_true", help="name what was not right")
    parser.add_argument("names", nargs="*", help="recordings; all without")
    args = parser.parse_args()
    files = [file for file in recordings() if not args.names or file.stem in args.names]
    if not files:
        say(f"no recordings under {CASES}: set WOLFSMOKE_CASES to the folder that holds snmp/ifmib")
        return 0
    scores = run(files, pure=args.pure)
    say(f"{'recording':32}" + "".join(f"{column:>10}" for column in COLUMNS))
    total: Counter[str] = Counter()
    for name, score in scores.items():
        total += score.counts
        say(f"{name:32}" + "".join(f"{score.counts[column]:10}" for column in COLUMNS))
    say(f"{'all':32}" + "".join(f"{total[column]:10}" for column in COLUMNS))
    if args.verbose:
        for name, score in scores.items():
            for remark in score.remarks:
                say(f"{name}: {remark}")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
