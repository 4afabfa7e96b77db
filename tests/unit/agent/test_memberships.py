"""Settings of pairs and groups: what people get wrong, all of it at once and with its line."""

from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.config import parse
from contract.errors import ConfigError
from contract.settings import no_secrets

HEAD = """
[agent]
site = "hq"
name = "a"

[broker]
host = "mqtt.example.net"
"""
HOSTS = "".join(f'\n[[device]]\nid = "{name}"\nmegatec = {{ port = "/dev/tty{name}" }}\n' for name in ("a", "b", "c"))


def device(way, **keys):
    lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
    return f'\n[[device]]\nid = "made"\n[device.{way}]\n{lines}\n'


def load(*parts):
    return parse(HEAD + HOSTS + "".join(parts), Path("/etc/agent.toml"), secrets=no_secrets)


def problems(*parts):
    with pytest.raises(ConfigError) as caught:
        load(*parts)
    return [(problem.key, f"{problem.what} | {problem.hint}", problem.line) for problem in caught.value.problems]


PAIR = {"members": '["a", "b"]', "active": '{ quantity = "pair.role", is = "master" }'}
GROUP = {"members": '["a", "b"]', "spares": '["c"]'}


@pytest.mark.parametrize(
    "text",
    [
        device("pair", **PAIR),
        device(
            "pair", **PAIR, standby='{ quantity = "pair.lag", test = "below", setpoint = 30 }', exercise_every='"90d"'
        ),
        device("pair", **PAIR, standby='{ command = ["/bin/true", "{member}"] }', drilled='"2026-11-02"'),
        device("pair", **PAIR | {"active": '{ address = "192.0.2.1", at = ["192.0.2.2", "192.0.2.3"] }'}),
        device("pair", **PAIR | {"active": '{ url = "https://h:8443/whoami", json = "host", names = ["x", "y"] }'}),
        device("pair", **PAIR | {"active": '{ urls = ["http://a/r", "http://b/r"], is = "active" }'}),
        device(
            "pair",
            **PAIR | {"active": '{ command = ["/bin/who"] }'},
            standby='{ url = "http://{member}/l", below = 9 }',
        ),
        device("group", **GROUP),
        device("group", members='["a", "b", "c"]', need="2", spare="1", ready='{ quantity = "ups.status", is = "OL" }'),
        device("group", count='{ device = "a", quantity = "x.psu.count" }', need="2"),
    ],
)
async def test_what_the_documents_show_loads_and_reads(text):
    made = load(text).devices[-1]
    assert (made.interval, made.full_interval) == (2.0, 2.0)
    driver = made.driver(_Nobody(), SystemClock())
    if "http" not in text and "command" not in text:
        said = {each.quantity: each.value for each in await driver.read()}
        assert "UNKNOWN" in next(value for name, value in said.items() if name.endswith(".status"))
    await driver.close()


class _Nobody:
    def heard(self, _device):
        return None


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (device("pair", **PAIR | {"members": '["a"]'}), "members", "a pair has two; more are a group"),
        (device("pair", **PAIR | {"members": '["a", "bb"]'}), "members[1]", "no device 'bb' here | "),
        (device("pair", **PAIR | {"members": '["a", "a"]'}), "members[1]", "'a' twice"),
        (device("pair", **PAIR | {"members": '["a", "made"]'}), "members[1]", "a member of itself"),
        (device("pair", **PAIR | {"active": "{}"}), "active", "write one of quantity, address, url, urls, command"),
        (
            device("pair", **PAIR | {"active": '{ quantity = "pair.rol", is = "x" }'}),
            "active.quantity",
            "did you mean 'pair.role'?",
        ),
        (device("pair", **PAIR | {"active": '{ quantity = "pair.role" }'}), "active", 'write is = "…"'),
        (device("pair", **PAIR | {"active": '{ quantity = "pair.lag", is = "x" }'}), "active.is", "says no words"),
        (device("pair", **PAIR | {"active": '{ url = "ftp://h" }'}), "active.url", "http://host:port/path"),
        (
            device("pair", **PAIR | {"active": '{ url = "http://h", command = ["/bin/x"] }'}),
            "active.command",
            "two ways: url and command",
        ),
        (device("pair", **PAIR | {"active": '{ command = ["who"] }'}), "active.command[0]", "there is no shell"),
        (device("pair", **PAIR | {"active": '{ urls = ["http://a"], is = "x" }'}), "active.urls", "write two"),
        (
            device("pair", **PAIR | {"active": '{ urls = ["http://a", "http://b"] }'}),
            "active.urls",
            'write is = "active"',
        ),
        (
            device("pair", **PAIR | {"active": '{ address = "fe80::1", at = ["192.0.2.2", "192.0.2.3"] }'}),
            "active.address",
            "is no IPv4 address",
        ),
        (device("pair", **PAIR | {"active": '{ address = "192.0.2.1" }'}), "active", "write at = [ … ]"),
        (device("pair", **PAIR, standby='{ url = "http://h" }'), "standby", 'write is = "…", or below = seconds'),
        (device("pair", **PAIR, drilled='"yesterday"'), "drilled", "is no date"),
        (device("group", members="[]"), "group", "of whom?"),
        (device("group", **GROUP, need="4"), "need", "4 are needed, and there are 3"),
        (device("group", **GROUP, spare="2"), "spare", "2 spares, and there can be 1"),
        (device("group", **GROUP | {"spares": '["d"]'}), "spares[0]", "no device 'd' here"),
        (
            device("group", count='{ device = "z", quantity = "x.psu.count" }', need="1"),
            "count.device",
            "no device 'z'",
        ),
        (
            device("group", count='{ device = "a", quantity = "ups.model" }', need="1"),
            "count.quantity",
            "is not a number",
        ),
        (device("group", count='{ device = "a", quantity = "x.psu.count" }'), "count", "how many are needed?"),
        (device("group", **GROUP, ready='{ quantity = "ups.status", is = "XX" }'), "ready.is", "unknown flag 'XX'"),
        (device("group", **GROUP, ready='{ quantity = "ups.load", test = "above" }'), "ready.test", "which setpoint?"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_way_out(text, key, said):
    found = problems(text)
    assert len(found) == 1, found
    assert found[0][0].endswith(key)
    assert said in found[0][1]
    assert found[0][2] > 0


def test_all_mistakes_are_said_at_once():
    wrong = device("group", members='["x", "y"]', spares='["a", "a"]', need="9")
    assert len(problems(wrong)) == 4


def test_a_circle_is_found():
    one = '\n[[device]]\nid = "one"\ngroup = { members = ["a", "two"] }\n'
    two = '\n[[device]]\nid = "two"\ngroup = { members = ["b", "one"] }\n'
    found = problems(one, two)
    assert [key for key, _, _ in found] == ["device[3].group.members[1]", "device[4].group.members[1]"]
    assert "a circle has no beginning" in found[0][1]


def test_groups_of_pairs_are_no_circle():
    pair = '\n[[device]]\nid = "p"\n[device.pair]\nmembers = ["a", "b"]\nactive = { command = ["/bin/x"] }\n'
    load(pair, '\n[[device]]\nid = "g"\ngroup = { members = ["p", "c"] }\n')


@pytest.mark.parametrize(
    ("line", "said"),
    [('promise = "5h"\nmegatec = { port = "/dev/x" }', ""), ('promise = "5s"\nmegatec = { port = "/dev/x" }', "5h")],
)
def test_a_promise_is_for_a_ups(line, said):
    text = f'\n[[device]]\nid = "u"\n{line}\n'
    if said:
        assert said in problems(text)[0][1]
    else:
        assert load(text).devices[-1].promise == 5 * 3600.0
    assert (
        "leave promise out" in problems('\n[[device]]\nid = "g"\npromise = "5h"\ngroup = { members = ["a"] }\n')[0][1]
    )
