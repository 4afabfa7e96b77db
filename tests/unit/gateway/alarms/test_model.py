"""``alarms.toml``: each mistake with its line and the way out; all at once."""

import pathlib

import pytest

from contract.errors import ConfigError
from gateway.alarms.model import Rules, load_rules
from gateway.plan.loader import load_plan

CONFIG = pathlib.Path(__file__).parents[4] / "config"
WHY = 'why = { zh = "因", en = "so" }\n'


def problems(text, **more):
    with pytest.raises(ConfigError) as raised:
        load_rules(text, **more)
    return raised.value.problems


def test_the_shipped_file_has_no_mistake_and_the_plan_knows_all_that_it_makes():
    texts = {path.name: path.read_text("utf-8") for path in (CONFIG / "plan").glob("*.toml")}
    plan = load_plan(texts)
    kinds = {kind for clause in plan.clauses for kind in clause.kinds}
    rules = load_rules((CONFIG / "alarms.toml").read_text("utf-8"), kinds=kinds)
    made = [(kind, rule.becomes) for rule in rules.worse for kind in rule.kinds]
    made += [(kind, rule.name) for rule in rules.count for kind in rule.kinds or kinds]
    assert [each for each in made if plan.match(*each) is None] == []


def test_its_examples_are_right_once_they_are_no_comments():
    text = (CONFIG / "alarms.toml").read_text("utf-8")
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith(("# [[", "# "))]
    examples = [line for line in lines if line.startswith("[[") or (" = " in line and line[0].islower())]
    examples = [line for line in examples if not line.startswith(("when", "devices are", "instead", "same device"))]
    rules = load_rules("\n".join(examples))
    assert (len(rules.suppress), len(rules.condition)) == (2, 1)


def test_an_empty_file_is_the_same_as_none():
    assert load_rules("") == Rules()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[[suppress]]\nconditions = ["bypass"]\n' + WHY, 1, "suppresses for ever"),
        ('[[suppress]]\nconditions = []\nbetween = ["22:00", "06:00"]\n' + WHY, 2, "suppresses nothing"),
        ('[[suppress]]\nconditions = ["bypass"]\nbetween = ["22:00", "24:00"]\n' + WHY, 3, "no time of the day"),
        ('[[suppress]]\nconditions = ["bypass"]\nbetween = ["22:00"]\n' + WHY, 3, "from when until when"),
        ('[[suppress]]\nconditions = ["bypass"]\nbetween = ["22:00", "06:00"]\n', 1, "missing"),
        ('[[suppress]]\nconditions = ["a"]\nwhile = { conditions = ["a"] }\n' + WHY, 1, "keep itself quiet"),
        (
            '[[suppress]]\nconditions = ["a"]\nwhile = { conditions = ["b"] }\n' + WHY
            + '[[suppress]]\nconditions = ["b"]\nwhile = { conditions = ["a"] }\n' + WHY, 5, "in turn",
        ),
        ('[[worse]]\ncondition = "a"\nafter = []\nbecomes = "b"\n', 3, "after nothing"),
        ('[[worse]]\ncondition = "a"\nafter = ["b"]\nbecomes = "a"\n', 4, "becomes itself"),
        ('[[condition]]\nname = "a"\nkinds = ["ups"]\nquantity = "ups.lod"\ntest = "above"\n', 4, "no quantity"),
        ('[[condition]]\nname = "a"\nquantity = "ups.load"\ntest = "above"\n', 1, "of which devices"),
        ('[[condition]]\nname = "a"\nkinds = ["ups"]\nquantity = "ups.load"\ntest = "has"\nflag = "OB"\n', 5, "above or below"),
        ('[[condition]]\nname = "a"\nkinds = ["ups"]\nquantity = "ups.status"\ntest = "has"\n', 5, "which flag"),
        ('[[condition]]\nname = "a"\nkinds = ["ups"]\nquantity = "ups.load"\ntest = "above"\nper = "2h"\n', 6, "an hour"),
        ('[[condition]]\nname = "a"\nkinds = ["ups"]\nquantity = "ups.load"\ntest = "above"\non_delay = 5\n', 6, '"5s"'),
        ('[[count]]\nname = "a"\nconditions = ["a"]\nat_least = 3\ntitle = { zh = "多", en = "many" }\n', 2, "counts itself"),
        ('[[count]]\nname = "a"\nconditions = ["b"]\nat_least = 1\ntitle = { zh = "多", en = "many" }\n', 4, "2"),
        ('[shelving]\nmost = "30d"\n', 2, "out of service"),
        ("[chater]\ntimes = 3\n", 1, "chatter"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_what_to_write(text, line, says):
    found = problems(text)
    assert any(one.line == line and says in f"{one.what} {one.hint}" for one in found), found


def test_all_of_them_are_told_at_once_and_kinds_that_no_clause_is_about_too():
    text = '[shelving]\nmost = "30d"\n[[worse]]\ncondition = "a"\nafter = []\nbecomes = "a"\n'
    assert len(problems(text)) == 3
    (one,) = problems('[[worse]]\ncondition = "a"\nkinds = ["upz"]\nafter = ["b"]\nbecomes = "c"\n', kinds={"ups"})
    assert (one.line, "did you mean 'ups'?") == (3, one.hint)
