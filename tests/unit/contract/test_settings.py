"""The strict loader: every problem at once, with its line, its key and a way out."""

import pickle
from enum import StrEnum
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ConfigError, Problem
from contract.locate import Locator, dotted
from contract.settings import BAD, Bytes, Fault, Port, Seconds, Secret, SecretRef, Slug, load, no_secrets, seconds, size


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct):
    host: str
    port: Port = 1
    password: Secret | None = None


class Item(msgspec.Struct):
    id: Slug
    limit: float = 0.0

    @staticmethod
    def faults(draft):
        if draft.id == "forbidden":
            yield Fault("not this one", "choose another", ("id",))


class Settings(msgspec.Struct):
    inner: Inner
    wait: Seconds = 1.0
    room: Bytes = 1
    colour: Colour = Colour.RED
    word: Literal["a", "b"] = "a"
    count: int = 0
    on: bool = False
    names: tuple[str, ...] = ()
    item: tuple[Item, ...] = ()
    by_name: dict[str, Inner] = {}

    def __post_init__(self):
        if self.count < 0:
            raise ValueError("count is below zero | write 0 or more")


def problems(text: str, secrets=no_secrets) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load(Settings, text, file="test.toml", secrets=secrets)
    return list(caught.value.problems)


def test_what_is_right_is_loaded():
    text = """
wait = "250ms"
colour = "blue"
word = "b"
count = 3
on = true
names = ["x", "y"]
[inner]
host = "h"
password = { file = "p" }
[[item]]
id = "one"
limit = 5
[by_name.other]
host = "o"
"""
    settings = load(Settings, text, file="test.toml", secrets=lambda ref: f"from {ref.file}")
    assert settings == Settings(
        inner=Inner("h", 1, Secret("from p")),
        wait=0.25,
        colour=Colour.BLUE,
        word="b",
        count=3,
        on=True,
        names=("x", "y"),
        item=(Item("one", 5.0),),
        by_name={"other": Inner("o")},
    )


GOOD = '[inner]\nhost = "h"\n'

MISTAKES = [
    # what stands above a good [inner]; key; line; a part of what; a part of the hint
    ("colur = 'red'", "colur", 1, "unknown key", "did you mean 'colour'"),
    ("zzz = 1", "zzz", 1, "unknown key", "known here: by_name"),
    ("colour = 'green'", "colour", 1, "'green' does not fit", "'red', 'blue'"),
    ("word = 'c'", "word", 1, "'c' does not fit", "'a', 'b'"),
    ('word = "a\\n"', "word", 1, "does not fit", "'a', 'b'"),
    ("count = '3'", "count", 1, "'3' does not fit", "a whole number"),
    ("count = 3.5", "count", 1, "3.5 does not fit", "a whole number"),
    ("count = true", "count", 1, "true does not fit", "a whole number"),
    ("count = 2024-01-01", "count", 1, "2024-01-01 does not fit", "a whole number"),
    ("on = 'yes'", "on", 1, "'yes' does not fit", "true or false"),
    ("on = 1", "on", 1, "1 does not fit", "true or false"),
    ("wait = 30", "wait", 1, "needs a unit", 'write "30s"'),
    ("wait = 0.5", "wait", 1, "needs a unit", 'write "0.5s"'),
    ("wait = true", "wait", 1, "must be a duration", '"30s"'),
    ("wait = '30 seconds'", "wait", 1, "not a duration", '"30s"'),
    ("wait = '30sec'", "wait", 1, "not a duration", '"30s"'),
    ("wait = '-5s'", "wait", 1, "not a duration", '"30s"'),
    ("wait = ''", "wait", 1, "not a duration", '"30s"'),
    ("wait = []", "wait", 1, "must be a duration", '"30s"'),
    ("room = 256", "room", 1, "a size needs a unit", 'write "256 MiB"'),
    ("room = true", "room", 1, "must be a size", '"256 MiB"'),
    ("room = '256 MB'", "room", 1, "not a size", '"256 MiB"'),
    ("room = '256'", "room", 1, "not a size", '"256 MiB"'),
    ("room = '-1 MiB'", "room", 1, "not a size", '"256 MiB"'),
    ("room = {}", "room", 1, "must be a size", '"256 MiB"'),
    ("names = 'x'", "names", 1, "must be a list", "[ ]"),
    ("names = ['x',\n 5]", "names[1]", 2, "5 does not fit", "a text"),
    ("item = { id = 'x' }", "item", 1, "must be a list, not a table", "[ ]"),
    ("item = ['x']", "item[0]", 1, "must be a table", "{"),
    ("item = [{ id = 'ok' },\n { id = 'Not OK' }]", "item[1].id", 2, "does not fit", "lower-case"),
    ("item = [{ id = 'forbidden' }]", "item[0].id", 1, "not this one", "choose another"),
    ("item = [{ id = 'x', limit = nan }]", "item[0].limit", 1, "nan", "a number"),
    ("item = [{ id = 'x', limit = -inf }]", "item[0].limit", 1, "-inf", "a number"),
    ("by_name = 3", "by_name", 1, "must be a table", ""),
    ("by_name.x.port = 1", "by_name.x.host", 1, "missing", "write host"),
    ("count = -1", "", 0, "count is below zero", "write 0 or more"),
    ("count = 99999999999999999999", "count", 1, "does not fit", "a whole number"),
]


@pytest.mark.parametrize(("text", "key", "line", "what", "hint"), MISTAKES, ids=[case[0][:30] for case in MISTAKES])
def test_a_mistake_is_named_with_line_key_and_way_out(text, key, line, what, hint):
    [problem] = problems(f"{text}\n{GOOD}")
    assert (problem.file, problem.key, problem.line) == ("test.toml", key, line)
    assert what in problem.what
    assert hint in problem.hint


@pytest.mark.parametrize("port", ["0", "65536", "-1", "'80'", "80.5"])
def test_a_port_is_a_whole_number_from_1_to_65535(port):
    [problem] = problems(f"{GOOD}port = {port}")
    assert (problem.key, problem.line) == ("inner.port", 3)
    assert problem.hint == "a whole number from 1 to 65535"


def test_all_problems_come_in_one_listing_in_the_order_of_the_file():
    text = "wait = 3\ncolur = 'red'\n[inner]\nport = 0\n[[item]]\nid = 'X'\n[[item]]\nid = 'forbidden'\nlimt = 3\n"
    found = problems(text)
    assert [(problem.line, problem.key) for problem in found] == [
        (1, "wait"),
        (2, "colur"),
        (3, "inner.host"),
        (4, "inner.port"),
        (6, "item[0].id"),
        (8, "item[1].id"),
        (9, "item[1].limt"),
    ]


def test_a_missing_table_is_named_without_a_line():
    [problem] = problems("count = 1")
    assert (problem.key, problem.line, problem.what) == ("inner", 0, "missing")


SYNTAX = [
    ("count = \n", 1),
    ("count = 1\ncount = 2\n", 2),
    ("[inner\nhost = 'h'\n", 1),
    ("names = ['x'", 1),
    ("\n\nword = 'x\n", 3),
    ("word = x\n", 1),
    ("word = '''x\n\n", 2),
    ("= 3", 1),
    ("[inner]\nhost = 'h'\n[inner]\n", 3),
    ("port: 1\n", 1),
    ('path = "C:\\x"\n', 1),
]


@pytest.mark.parametrize(("text", "line"), SYNTAX)
def test_broken_toml_is_one_problem_with_its_line(text, line):
    [problem] = problems(text)
    assert problem.what.startswith("not TOML: ")
    assert problem.line == line
    assert problem.hint


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = {" + "b = {" * 3000, "\0", "\ufeff"])
def test_a_hostile_text_is_a_problem_and_never_a_traceback(text):
    assert problems(text)


@given(st.text(alphabet="[]{}=.,#\"'\\ \nab1:-", max_size=60))
def test_no_text_whatever_brings_anything_but_a_config_error(text):
    with pytest.raises(ConfigError):
        load(Settings, text, file="test.toml")


@pytest.mark.parametrize(
    ("text", "value"), [("250ms", 0.25), ("30s", 30), ("5m", 300), ("5h", 18000), ("1d", 86400), ("1.5 h", 5400)]
)
def test_durations_are_in_seconds(text, value):
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"), [("512 KiB", 524288), ("256MiB", 268435456), ("1.5 GiB", 1610612736), (" 1 GiB ", 1 << 30)]
)
def test_sizes_are_in_bytes(text, value):
    assert size(text) == value
    assert load(Settings, f"inner = {{ host = 'h' }}\nroom = '{text}'", file="test.toml").room == value


# -- secrets


def test_a_secret_never_shows():
    secret = Secret("hunter2")
    inner = Inner("h", 1, secret)
    for shown in (str(secret), repr(secret), f"{secret}", "%s" % secret, f"{secret!r:>20}", repr(inner), str([secret])):  # noqa: UP031
        assert "hunter2" not in shown
        assert "<secret>" in shown
    assert secret.reveal() == "hunter2"


def test_a_secret_is_neither_pickled_nor_encoded():
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        msgspec.json.encode(Inner("h", 1, Secret("hunter2")))


@pytest.mark.parametrize("written", ["'hunter2'", "12345678", "['hunter2']", "{ value = 'hunter2' }", "{}"])
def test_a_secret_in_the_clear_is_refused_and_not_repeated(written):
    [problem] = problems(f"{GOOD}password = {written}")
    assert problem.key == "inner.password"
    assert problem.line == 3
    assert "file = " in problem.hint
    assert "hunter2" not in str(problem)
    assert "12345678" not in str(problem)


def test_a_secret_is_in_one_place_only():
    [problem] = problems(f"{GOOD}password = {{ file = 'a', credential = 'b' }}")
    assert "file" in problem.hint


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (FileNotFoundError(2, "No such file or directory", "/p"), "cannot be read: No such file or directory: /p"),
        (PermissionError(13, "Permission denied", "/p"), "Permission denied"),
        (LookupError("none were passed"), "none were passed"),
        (ValueError("it is empty"), "cannot be used: it is empty"),
    ],
)
def test_a_secret_that_cannot_be_read_is_a_problem(error, what):
    def read(_: SecretRef) -> str:
        raise error

    [problem] = problems(f"{GOOD}password = {{ credential = 'p' }}", read)
    assert what in problem.what


def test_equal_secrets_are_equal():
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


# -- drafts


class Pair(msgspec.Struct):
    left: int
    right: int = 7
    inner: tuple[Item, ...] = ()

    @staticmethod
    def faults(draft):
        shown = ["bad" if value is BAD else value for value in (draft.left, draft.right)]
        yield Fault(f"{shown} {[item.id for item in draft.inner]}")


def test_faults_see_what_could_be_read_even_where_something_is_wrong():
    with pytest.raises(ConfigError) as caught:
        load(Pair, "left = 'x'\ninner = [{ id = 'a', limit = '' }]", file="f")
    assert "['bad', 7] ['a']" in [problem.what for problem in caught.value.problems]


# -- the locator

TEXT = '''# comment = 1
top.left = 1
top.right = """
[not.a.header]
nor = "a key"
""""
"quoted key" = { a = 1, b.c = "] # }" }
list = [
{ x = 1 },
  "]", # ]
  [ 2,
3 ],
]
day = 1979-05-27 07:32:00
[ table . 'sub' ]
here = 1
[[device]]
id = "1"
[[device.condition]]
name = "c"
[[device]]
id = "2"
[device.snmp]
host = "h"
[[device.condition]]
[[device.condition]]
name = "d"
'''

PLACES = [
    (("top",), 2),
    (("top", "left"), 2),
    (("top", "right"), 3),
    (("not", "a", "header"), 0),
    (("nor",), 0),
    (("quoted key",), 7),
    (("quoted key", "b", "c"), 7),
    (("list",), 8),
    (("list", 0, "x"), 9),
    (("list", 1), 10),
    (("list", 2, 0), 11),
    (("list", 2, 1), 12),
    (("day",), 14),
    (("table", "sub"), 15),
    (("table", "sub", "here"), 16),
    (("device",), 17),
    (("device", 0, "id"), 18),
    (("device", 0, "condition", 0, "name"), 20),
    (("device", 1), 21),
    (("device", 1, "id"), 22),
    (("device", 1, "snmp"), 23),
    (("device", 1, "snmp", "host"), 24),
    (("device", 1, "snmp", "port"), 23),
    (("device", 1, "condition", 0), 25),
    (("device", 1, "condition", 1, "name"), 27),
    (("nowhere",), 0),
]


@pytest.mark.parametrize(("path", "line"), PLACES, ids=[dotted(path) for path, _ in PLACES])
def test_the_locator_finds_the_line_of_a_key(path, line):
    assert Locator(TEXT).line(path) == line


@given(st.lists(st.sampled_from(["\n", "# [x]\n", "a = 1\n", 't = """\n[y]\n"""\n', "l = [\n1,\n]\n"]), max_size=6))
def test_what_stands_above_only_moves_the_line(above):
    text = "".join(f"[t{at}]\n{part}" for at, part in enumerate(above))
    assert Locator(f"{text}[last]\nkey = 1\n").line(("last", "key")) == text.count("\n") + 2
