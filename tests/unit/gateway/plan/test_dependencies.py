"""What depends on what: whose fault it is, and every mistake of the file named with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ConfigError
from gateway.plan.dependencies import Cause, Link, Tree, load_dependencies, strangers


class Look:
    """Who says that it is lost, and who holds on."""

    def __init__(self, *bad: str, holds: str = "") -> None:
        self._bad, self._holds = set(bad), holds

    def bad(self, node: str, _link: Link) -> bool:
        return node in self._bad

    def holds(self, node: str) -> bool:
        return node == self._holds


CHAIN = """
settle = "2m"

[[dependency]]
of = "mains"
children = ["ups-a", "ups-b"]

[[dependency]]
all_of = ["ups-a", "ups-b"]
children = ["rack"]

[[dependency]]
of = "rack"
children = ["switch"]
settle = "3m"

[[dependency]]
of = "switch"
children = ["host", "hq/order-room"]
"""


def cause(look: Look, node: str = "host", condition: str = "contact-lost") -> str:
    found = load_dependencies(CHAIN).cause(node, condition, look)
    return found.node if found else ""


def test_the_topmost_that_says_so_itself_is_the_root_cause():
    assert cause(Look("switch")) == "switch"
    assert cause(Look("switch", "ups-a")) == "switch"  # the other one feeds it still
    assert cause(Look("switch", "ups-a", "ups-b")) == "ups-a"
    assert cause(Look("ups-a", "ups-b")) == "ups-a"  # whatever the switch says, or does not say yet
    assert cause(Look("mains")) == "mains"
    assert cause(Look("mains", holds="ups-a")) == ""
    assert cause(Look()) == ""
    assert cause(Look("switch"), node="nobody-knows-it") == ""


def test_what_follows_from_nothing_speaks_for_itself():
    assert cause(Look("switch"), condition="smoke") == ""
    assert cause(Look("switch"), condition="host-hot") == ""


def test_each_link_says_how_long_its_children_may_take():
    tree = load_dependencies(CHAIN)
    assert tree.cause("switch", "contact-lost", Look("ups-a", "ups-b")) == Cause("ups-a", 180.0)
    assert tree.cause("host", "contact-lost", Look("switch")) == Cause("switch", 120.0)


def test_a_device_is_known_by_its_id_only_if_it_is_the_only_one():
    tree = load_dependencies(CHAIN)
    host = ("hq", "hall", "host")
    assert tree.node_of(host, lambda _: [host]) == "host"
    assert tree.node_of(host, lambda _: [host, ("hq", "depot", "host")]) == ""
    assert tree.node_of(("hq", "order-room", "seat-1"), lambda _: []) == "hq/order-room/seat-1"  # by its agent
    assert tree.node_of(("hq", "order-room", "@order-room"), lambda _: []) == "hq/order-room"
    assert tree.node_of(("", "", "@broker"), lambda _: []) == ""


def test_only_what_could_be_to_blame_has_to_be_looked_at():
    tree = load_dependencies(CHAIN)
    known = {"switch": False, "rack": None, "ups-a": True, "ups-b": False, "mains": None}
    assert tree.doubts("host", "contact-lost", known.get) == ("switch",)
    assert tree.doubts("switch", "contact-lost", known.get) == ()  # one of the two supplies is well
    assert tree.doubts("switch", "contact-lost", {**known, "ups-a": False}.get) == ("ups-a", "ups-b")
    assert tree.doubts("host", "smoke", known.get) == ()


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ('of = "mains"', 'off = "mains"', 5, "did you mean 'of'?"),
        ('of = "mains"', "", 4, "on what do they depend?"),
        ('of = "mains"', 'of = "mains"\nany_of = ["grid"]', 4, "on what do they depend?"),
        ('children = ["rack"]', "children = []", 10, "nothing depends on it"),
        ('children = ["rack"]', 'children = ["rack", "ups-a"]', 10, "'ups-a' depends on itself"),
        ('settle = "3m"', "settle = 180", 15, 'write "180s" for 180 seconds'),
        ('children = ["host", "hq/order-room"]', 'children = ["host", "Rack 1"]', 19, "'Rack 1' does not fit"),
        ('children = ["host", "hq/order-room"]', 'children = ["mains"]', 19, "a circle: "),
        ('settle = "2m"', 'wait = "2h"', 2, "nobody would hear of a failure for so long"),
    ],
)
def test_a_mistake_is_named_with_its_line(right, wrong, line, said):
    with pytest.raises(ConfigError) as raised:
        load_dependencies(CHAIN.replace(right, wrong, 1))
    assert (line, True) in [(problem.line, said in str(problem)) for problem in raised.value.problems], str(
        raised.value
    )


def test_all_mistakes_are_named_at_once_and_a_circle_by_its_path():
    text = (
        CHAIN.replace('"3m"', "3").replace('["rack"]', "[]").replace('["host", "hq/order-room"]', '["mains", "ups-b"]')
    )
    with pytest.raises(ConfigError) as raised:
        load_dependencies(text)
    assert len(raised.value.problems) >= 2
    with pytest.raises(ConfigError, match="a circle: ups-a → rack → switch → mains → ups-a"):
        load_dependencies(CHAIN.replace('["host", "hq/order-room"]', '["mains"]'))


def test_names_that_no_inventory_has_are_found():
    text = """
[[dependency]]
of = "hq/hall/ups-1"
children = ["ups-2", "hq/hall/swich-1", "rack-7"]
explains = ["output-of"]
"""
    devices = {
        ("hq", room, name): {"output-off"} for room in ("hall", "desk") for name in ("ups-1", "ups-2", "switch-1")
    }
    found = [(one.line, one.what, one.hint) for one in strangers(text, devices)]
    assert found == [
        (4, "several devices are called 'ups-2'", "write which one: hq/desk/ups-2, hq/hall/ups-2"),
        (4, "no agent reports 'hq/hall/swich-1'", "did you mean 'hq/hall/switch-1'?"),
        (5, "no device has a condition 'output-of'", "did you mean 'output-off'?"),
    ]


def test_agents_that_watch_each_others_switches_make_no_circle():
    tree = load_dependencies(
        '[[dependency]]\nof = "hq/a/sw"\nchildren = ["hq/b"]\n[[dependency]]\nof = "hq/b/sw"\nchildren = ["hq/a"]\n'
    )
    assert tree.cause("hq/a/host", "contact-lost", Look("hq/b/sw")) == Cause("hq/b/sw", 300.0)


@given(st.data())
def test_a_root_cause_says_so_itself_and_follows_from_nothing_that_stands(data):
    names = [f"n-{index}" for index in range(12)]
    links: dict[str, tuple[Link, ...]] = {}
    for index, name in enumerate(names[1:], 1):
        for _ in range(data.draw(st.integers(0, 2))):
            parents = tuple(data.draw(st.sets(st.sampled_from(names[:index]), min_size=1, max_size=3)))
            link = Link(parents=parents, redundant=data.draw(st.booleans()), settle=1.0)
            links[name] = (*links.get(name, ()), link)
    tree = Tree(links)
    bad = data.draw(st.sets(st.sampled_from(names)))
    look = Look(*bad)
    for name in names:
        found = tree.cause(name, "contact-lost", look)
        if found is not None:
            assert found.node in bad
            assert found.node in tree.above(name)
            assert tree.cause(found.node, "contact-lost", look) is None
        if not bad & set(tree.above(name)):
            assert found is None
