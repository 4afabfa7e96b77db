"""The example settings and URLs with mistakes in them: all of the mistakes in sentences, or settings that make a driver; no traceback."""

import random
import re
from pathlib import Path

import pytest

from agent.config import parse
from agent.neighbours import LastHeard
from agent.ways import WAYS, from_url
from agent.ways.target import EXAMPLES
from contract.errors import ConfigError, UsageError

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "config" / "agents").glob("*.toml"))
VALUES = [
    "true",
    "-1",
    "0",
    "1e300",
    "nan",
    "-inf",
    "99999999999999999999",
    '""',
    '"\\u0000"',
    '"订单 🔥"',
    '"-1s"',
    '"1000000d"',
]
VALUES += [
    '"0s"',
    '"1ns"',
    "[]",
    "{}",
    "[[]]",
    '[""]',
    "{ credential = 7 }",
    "2026-11-25",
    "12:00:00",
    '"' + "x" * 5000 + '"',
]
VALUES += [
    '"http://[::1"',
    '"ping://:99999"',
    '"ping://"',
    '"dns://h/"',
    '"/"',
    '"..\\u002f"',
    '"*"',
    '"{}"',
    '"%n"',
    '"a.b"',
    "[1, 1]",
]
KEY = re.compile(r"(?m)^(\s*)([\w-]+)( = )([^\n]*)$")


def spoiled(text, rng):
    """Return settings with a few values of another type, size or sense, keys twice or misspelt, tables gone."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        match rng.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 2:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
            case 3:
                lines[at] = lines[at].replace("=", f"{rng.choice('xé')} =", 1)
            case 4:
                lines[at] = re.sub(r'"[^"]*"', lambda _: rng.choice(VALUES), lines[at], count=1)
            case _:
                keys = [number for number, line in enumerate(lines) if KEY.match(line)]
                if keys:
                    at = rng.choice(keys)
                    lines[at] = KEY.sub(lambda found: f"{found[1]}{found[2]}{found[3]}{rng.choice(VALUES)}", lines[at])
        text = "\n".join(lines)
    return text


def check(text):
    """Read settings as the agent does; return how many mistakes are said, none where it takes them."""
    try:
        config = parse(text, Path("agent.toml"), secrets=lambda *_: "a-secret-word")
    except ConfigError as error:
        problems = error.problems
    else:
        problems = None
    if problems is not None:
        assert problems
        assert all(problem.what and str(problem) for problem in problems)
        return len(problems)
    for device in config.devices:
        device.driver(LastHeard())
        assert device.conditions is not None
        assert 0.1 <= device.interval <= device.full_interval <= 86400.0
        assert 0.0 < device.timeout < 3600.0
    return 0


def test_the_examples_are_right():
    assert {check(file.read_text("utf-8")) for file in FILES} == {0}


def settings_storm(count, seed):
    rng = random.Random(seed)
    texts = [file.read_text("utf-8") for file in FILES]
    wrong = 0
    for number in range(count):
        text = spoiled(rng.choice(texts), rng)
        try:
            wrong += check(text) > 0
        except (Exception, RecursionError) as error:
            raise AssertionError(f"settings {number} of seed {seed}: {error!r}\n{text}") from error
    assert 0.3 * count < wrong < count


def test_settings_with_mistakes_are_said_in_sentences():
    settings_storm(150, 1)


URLS = [
    *(way.EXAMPLE for way in WAYS.values() if way.EXAMPLE),
    *EXAMPLES.values(),
    "modbus+rtu:///dev/ttyUSB0?unit=3&parity=E",
]
URLS += [
    "snmp://public@192.0.2.1:161?timeout=1&version=1",
    "snmp://192.0.2.1?version=3&user=u&auth=sha&auth_key=12345678",
]
PIECES = [
    "",
    "@",
    "[",
    "]",
    ":",
    "://",
    "//",
    "?",
    "#",
    "%",
    "%zz",
    "%00",
    "\0",
    "é",
    "订",
    " ",
    "\n",
    "&",
    "=",
    "65536",
    "-1",
    "0x7f",
    "::",
    "..",
    "*",
    "a" * 300,
]


def url_storm(count, seed):
    rng = random.Random(seed)
    for number in range(count):
        text = rng.choice(URLS)
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(PIECES) + text[min(len(text), at + rng.choice((0, 0, 1, 5))) :]
        try:
            from_url(text, kind=rng.choice(("", "", "ups", "nonsense")), profile=rng.choice(("", "", "apc", "xy-md02")))
        except UsageError:
            continue
        except Exception as error:
            raise AssertionError(f"URL {number} of seed {seed}: {text!r}: {error!r}") from error


def test_urls_with_mistakes_are_said_in_sentences():
    url_storm(3000, 1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ten_thousand_settings_and_a_hundred_thousand_urls():
    url_storm(100_000, 2)
    settings_storm(10_000, 2)
