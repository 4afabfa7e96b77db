"""The error tree: one sentence, a place, and a way out."""

import inspect
import re

import pytest

from contract import errors
from contract.errors import ConfigError, DeviceTimeout, Problem, WolfsmokeError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, WolfsmokeError) and kind is not ConfigError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_what_where_and_what_to_do(kind):
    more = {"zh": "不在"} if issubclass(kind, errors.IncidentError) else {}
    error = kind("it is away", where="ups-1", hint="switch it on", **more)
    assert str(error) == "ups-1: it is away (switch it on)"
    assert (error.what, error.where, error.hint) == ("it is away", "ups-1", "switch it on")
    assert str(kind("it is away", **more)) == "it is away"


def test_what_people_on_site_read_is_said_in_both_languages():
    error = errors.IncidentError("it is closed", zh="已关闭", hint="open another", hint_zh="请另开一个")
    assert error.of("zh") == "已关闭（请另开一个）"
    assert error.of("en") == "it is closed (open another)"
    assert errors.IncidentError("it is closed", zh="已关闭").of("zh") == "已关闭"


def test_the_drawing_shows_the_tree_as_it_is():
    drawn = re.findall(r"^([ │├└─]*)([A-Z]\w+) ", errors.__doc__, re.MULTILINE)
    parents: dict[int, str] = {}
    tree = {}
    for indent, name in drawn:
        if name not in vars(errors):
            continue
        depth = len(indent) // 4
        parents[depth] = name
        tree[name] = parents.get(depth - 1, "Exception")
    real = {
        name: kind.__bases__[0].__name__
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, WolfsmokeError)
    }
    root = next(iter(tree.values()))
    assert root == "Exception"
    assert tree == real


def test_a_caller_tells_device_errors_by_their_kind():
    with pytest.raises(errors.DeviceError):
        raise DeviceTimeout("no answer within 2 s")


def test_a_config_error_lists_every_problem():
    error = ConfigError(
        [Problem("a.toml", 3, "agent.name", "missing", 'write name = "…"'), Problem("a.toml", 0, "", "no device")]
    )
    assert str(error) == (
        '2 problems in the configuration:\na.toml:3: agent.name: missing\n    write name = "…"\na.toml: no device'
    )
    assert str(ConfigError(error.problems[:1])).startswith("1 problem in")
