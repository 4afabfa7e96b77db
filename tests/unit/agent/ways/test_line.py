"""The settings of lines and hosts from outside, and the URLs of what is asked: every mistake with its way out."""

import msgspec
import pytest

from agent.__main__ import main
from agent.config import parse as parse_config
from agent.neighbours import Nobody
from agent.probing import Target
from agent.ways import from_url, target
from agent.ways.base import Context
from agent.ways.line import Line
from agent.ways.probe import Probe
from contract import settings
from contract.errors import ConfigError, UsageError

WHOLE = """
carrier = "telecom"
interface = "eth1"
source = "192.0.2.2"
gateway = "192.0.2.1"
gateway_is = "carrier's"
hop = "198.51.100.1"
far_ends = "together"
equipment = { address = "192.0.2.9", device = "cpe" }
port = { device = "core-switch", name = "Gi0/24" }
power = { device = "ups-1" }
count = 2
window = "2m"
probes = ["ping://203.0.113.1", "tcp://203.0.113.1:443?timeout=2", "dns://203.0.113.53/www.example.com?expect=192.0.2.80",
  "https://www.example.com/a?b=c#contains=OK&status=200,204&timeout=5&verify=no", "sip://203.0.113.5:5062?transport=tcp"]
[degraded]
loss = 3
delay = 150
jitter = 30
"""


def line(text):
    return settings.load(Line, text, file="line.toml")


def problems(kind, text):
    with pytest.raises(ConfigError) as raised:
        settings.load(kind, text, file="x.toml")
    return [f"{problem.line} {problem.key}: {problem.what} | {problem.hint}" for problem in raised.value.problems]


def test_all_that_can_be_said_of_a_line_reaches_its_driver():
    setup = line(WHOLE).setup()
    assert [each.scheme for each in setup.far] == ["ping", "tcp", "https", "sip"]
    assert [each.scheme for each in setup.dns] == ["dns"]
    assert setup.far[0] == Target(scheme="ping", host="203.0.113.1", count=2)
    assert setup.far[2] == Target(
        scheme="https",
        host="www.example.com",
        port=443,
        path="/a?b=c",
        timeout=5.0,
        expect="OK",
        codes=(200, 204),
        verify=False,
    )
    assert (setup.far[3].port, setup.far[3].transport) == (5062, "tcp")
    assert (setup.route.interface, setup.route.source) == ("eth1", "192.0.2.2")
    assert (setup.setting.gateway_is_carriers, setup.setting.apart) == (True, False)
    assert (setup.limits.loss, setup.limits.delay, setup.limits.jitter) == (3, 150, 30)
    assert (setup.equipment, setup.equipment_device, setup.port.name, setup.power.device) == (
        "192.0.2.9",
        "cpe",
        "Gi0/24",
        "ups-1",
    )
    assert line(WHOLE).driver(Context(kind="line", neighbours=Nobody())).identity.profile == ""


def test_one_far_host_is_one_place_whatever_the_settings_say():
    assert not line('probes = ["ping://192.0.2.1", "tcp://192.0.2.1:80"]').setup().setting.apart
    assert line('probes = ["ping://192.0.2.1", "ping://192.0.2.2"]').setup().setting.apart


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["probes: missing"]),
        ("probes = []", ["no far target"]),
        ('probes = ["dns://192.0.2.1/a.b"]', ["no far target"]),
        ('probes = ["ping://a", "ping://a"]', ["ping://a twice"]),
        ('probes = ["pong://a", "tcp://a"]', ["no protocol 'pong'", "which port?"]),
        ('probes = ["ping://a"]\ngateway = "router"', ["'router' is no address"]),
        ('probes = ["ping://a"]\nwindow = "1s"', ["too short or too long"]),
        ('probes = ["ping://a"]\ninterface = "an/interface"', ["no interface"]),
        ('probes = ["ping://a"]\nequipment = {}', ["which equipment?"]),
        ('probes = ["ping://a"]\npower = { device = "x", flag = "MAINS" }', ["go together"]),
        ('probes = ["ping://a"]\ngateway_is = "mine"', ["carrier's"]),
        ('probes = ["ping://a"]\ncarier = "x"', ["did you mean 'carrier'?"]),
    ],
)
def test_mistakes_in_a_line_are_told_with_what_to_write(text, said):
    told = problems(Line, text)
    assert len(told) == len(said), told
    assert all(any(word in problem for problem in told) for word in said), told
    assert all(not problem.endswith("| ") for problem in told), told


def test_all_mistakes_of_a_line_are_told_at_once_with_their_lines():
    text = 'gateway = "router"\nwindow = "1s"\nprobes = [\n  "ping://192.0.2.1",\n  "tcp://192.0.2.1",\n]\n'
    assert [problem.split(":")[0] for problem in problems(Line, text)] == ["1 gateway", "2 window", "5 probes[1]"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ('host = "seat-7"', ["ping://seat-7"]),
        ('host = "h"\ntcp = [22, 443]\nssh = true', ["tcp://h:22", "tcp://h:443", "ssh://h"]),
        ('host = "h"\nping = true\ntcp = [22]', ["ping://h", "tcp://h:22"]),
        ('host = "h"\nalso = ["http://h/health"]', ["http://h/health"]),
        ('also = ["sip://h"]', ["sip://h"]),
    ],
)
def test_what_is_asked_of_a_host(text, asked):
    assert [each.text for each in settings.load(Probe, text, file="x").targets()] == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no host"),
        ("tcp = [22]\nalso = ['ping://h']", "tcp of which host?"),
        ('host = "h"\nping = false', "nothing is asked"),
        ('host = "h"\ntcp = [99999]', "1 to 65535"),
        ('host = "h"\nalso = ["ping://h:1"]', "a ping has no port"),
    ],
)
def test_mistakes_in_a_host_are_told(text, said):
    assert any(said in problem for problem in problems(Probe, text))


def test_a_site_has_lines_and_hosts_beside_its_ups(tmp_path):
    text = """
[agent]
site = "hq"
name = "room"
[broker]
host = "127.0.0.1"
[[device]]
id = "line-1"
[device.line]
carrier = "telecom"
probes = ["ping://192.0.2.1", "ping://192.0.2.2"]
[[device]]
id = "seat-7"
probe = { host = "192.0.2.7" }
"""
    config = parse_config(text, tmp_path / "agent.toml", secrets=settings.no_secrets)
    first, second = config.devices
    assert (first.what, first.interval, second.what, second.interval) == ("line", 5.0, "endpoint", 10.0)
    down = next(condition for condition in first.conditions if condition.name == "line-down")
    assert (down.flag, down.clears, down.on_delay) == ("DOWN", ("UP",), 45.0)


def test_a_neighbour_that_there_is_not_is_told(tmp_path):
    text = """
[agent]
site = "hq"
name = "room"
[broker]
host = "127.0.0.1"
[[device]]
id = "ups-1"
megatec = { port = "/dev/ttyS0" }
[[device]]
id = "line-1"
[device.line]
probes = ["ping://192.0.2.1"]
power = { device = "ups-l" }
port = { device = "switch", name = "Gi0/1" }
equipment = { device = "ups-1" }
"""
    with pytest.raises(ConfigError) as raised:
        parse_config(text, tmp_path / "agent.toml", secrets=settings.no_secrets)
    told = [(problem.line, problem.key, problem.hint) for problem in raised.value.problems]
    assert told == [
        (14, "device[1].line.power.device", "did you mean 'ups-1'?"),
        (15, "device[1].line.port.device", "known here: line-1, ups-1"),
    ]


WRONG = {
    "ping://": "a host is missing",
    "ping://u@h": "nobody logs in here",
    "ping://h/x": "nothing stands behind the host",
    "ping://h#x": "nothing stands behind a #",
    "ping://h?count=0": "1 to 20",
    "ping://h?timeout=99": "up to 10",
    "ping://h?cuont=1": "did you mean 'count'?",
    "tcp://h": "which port?",
    "dns://192.0.2.53": "no name to ask for",
    "dns://192.0.2.53/a..b": "no name to ask for",
    "http://h/ä": "plain ASCII",
    "http://h/#contain=x": "did you mean 'contains'?",
    "http://h/#top": "no option 'top' behind the #",
    "http://h/#status=ok": "no status of HTTP",
    "https://h/#verify=maybe": "verify is yes or no",
    "https://h/#contains=a&contains=b": "there twice",
    "sip://h?transport=tls": "transport is udp or tcp",
    "line://h": "no protocol 'line'",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_url_ends_with_2_and_one_line(url, capsys):
    assert main(["read", url]) == 2
    out, err = capsys.readouterr()
    assert WRONG[url] in err
    assert (out, err.count("\n")) == ("", 1)


def test_every_example_is_right_and_leads_to_a_driver():
    for example in target.EXAMPLES.values():
        assert target.parse(example).scheme == example.partition(":")[0]
        assert from_url(example).identity.profile == ""
    with pytest.raises(UsageError, match="no kind 'line' over this protocol"):
        from_url("ping://h", kind="line")
    assert msgspec.structs.asdict(target.parse("dns://h/a.b"))["path"] == "a.b"
