"""NUT's ``snmp-ups`` as the other reader: run once in its dump mode, its variables judged by the same rules."""

import re
import subprocess
from pathlib import Path

from expectations import SENTINELS, Expected
from scores import IDENTITY, SETTINGS, STANDARD, Score, named, near, same_word

from contract.quantities import find
from contract.reading import Quality, Reading

DRIVER = Path("/lib/nut/snmp-ups")
NAME = "NUT snmp-ups"
LIMIT = 60


def read(port: int, community: str, folder: Path) -> dict[str, str]:
    """Return what snmp-ups says of the device: by its own detection, else told to speak RFC 1628; or nothing."""
    return _dump(port, community, folder, "auto") or _dump(port, community, folder, "ietf")


def _dump(port: int, community: str, folder: Path, mibs: str) -> dict[str, str]:
    conf = folder / "nut"
    conf.mkdir(exist_ok=True)
    (conf / "ups.conf").write_text(
        f"[x]\ndriver = snmp-ups\nport = 127.0.0.1:{port}\ncommunity = {community}\nsnmp_version = v2c\nmibs = {mibs}\nuser = root\n"
    )
    environment = {
        "NUT_CONFPATH": str(conf),
        "NUT_STATEPATH": str(conf),
        "NUT_ALTPIDPATH": str(conf),
        "PATH": "/usr/bin",
    }
    try:
        done = subprocess.run(
            [str(DRIVER), "-a", "x", "-d", "2"], env=environment, capture_output=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    else:
        output = done.stdout
    variables: dict[str, str] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        match = re.fullmatch(r"([a-z][\w.-]*): (.*)", line)
        if match:
            variables[match[1]] = match[2]
    return variables


def judged(variables: dict[str, str], expected: list[Expected]) -> Score:
    """Judge: NUT names no OIDs, so any variable that the value can be called by counts, to its advantage."""
    score = Score()
    numbers = {name: float(text) for name, text in variables.items() if re.fullmatch(r"-?\d+(\.\d+)?", text)}
    for entry in expected:
        if entry.none:
            continue
        if entry.unit in ("enum", "text") or entry.section in ("state", "scenario"):
            _word(entry, variables, numbers, score)
            continue
        names = [name for name in numbers if _may_be(entry, name)]
        if any(near(numbers[name], float(entry.value), entry.step) for name in names):
            score.add("right", entry)
        else:
            score.add("wrong" if names else "missing", entry, {name: numbers[name] for name in names})
    for name, number in numbers.items():
        if number in SENTINELS or (number == -1 and "current" not in name and "timer" not in name):
            score.counts["sentinel"] += 1
            score.remarks.append(f"sentinel: {name} = {number}")
    return score


def _may_be(entry: Expected, name: str) -> bool:
    if entry.quantity:
        return name in (entry.quantity, re.sub(r"\.L\d(-N)?\.", ".", entry.quantity))
    if entry.section == "rfc1628":
        return named(entry, name)
    known = find(name)
    return known is not None and named(entry, name) and not any(word in name for word in SETTINGS)


def _word(entry: Expected, variables: dict[str, str], numbers: dict[str, float], score: Score) -> None:
    """Judge a state: by NUT's status words where it has them, else by its texts."""
    status = set(variables.get("ups.status", "").split())
    what, wanted = f"{entry.what} {entry.value}".lower().replace(" ", ""), str(entry.value)
    if entry.section == "scenario" and entry.quantity in numbers:
        right = near(numbers[entry.quantity], float(entry.value), entry.step)
        score.add("right" if right else "wrong", entry)
        return
    if entry.section == "scenario" and entry.quantity != "ups.status":
        score.add("missing", entry)
        return
    if entry.section == "scenario":
        right = wanted in status or (wanted.startswith("!") and bool(status) and wanted[1:] not in status)
        score.add("right" if right else "wrong" if status else "missing", entry, status)
        return
    name = entry.what.split(".")[0]
    if name in IDENTITY:
        told = {variables[key] for key in variables if key.endswith((".mfr", ".model", ".firmware"))}
        score.add("right" if wanted.strip() in told else "missing", entry, told)
        return
    if any(word in what for word in ("batterystatus", "replace", "upsstate", "outputs", "ups.mode")):
        bad = status & {"LB", "RB", "OB", "BYPASS", "OFF"}
        good = entry.severity in ("ok", "") and not bad
        right = bool(status) and (
            good or ("bypass" in what and "BYPASS" in status) or ("onbattery" in what and "OB" in status)
        )
        score.add("right" if right else "wrong" if status else "missing", entry, status)
        return
    texts = [Reading(key, text, Quality.GOOD) for key, text in variables.items() if key not in numbers]
    quantity = STANDARD.get(name, "")
    alike = [r for r in texts if (r.quantity == quantity if quantity else True) and same_word(str(r.value), wanted)]
    score.add("right" if alike and wanted else "missing", entry)
