from pathlib import Path

import pytest

from agent.config import parse
from agent.drivers.tables.driver import TablesDriver
from agent.ways import from_url
from agent.ways import parse as parse_url
from contract.errors import ConfigError, UsageError

CONFIG = """\
[agent]
site = "s"
name = "a"
[broker]
host = "localhost"
[[device]]
id = "core"
kind = "{kind}"
[device.snmp]
host = "192.0.2.1"
community = {{ file = "c" }}
{more}
"""


def config(kind: str, more: str = ""):
    return parse(CONFIG.format(kind=kind, more=more), Path("/x/agent.toml"), secrets=lambda _ref: "public")


@pytest.mark.parametrize("kind", ["network", "trunk", "host"])
def test_a_url_leads_to_the_driver_of_its_kind(kind):
    assert isinstance(from_url("snmp://public@192.0.2.1", kind=kind), TablesDriver)


def test_a_url_may_name_ports_and_a_reserve():
    way = parse_url("snmp://public@192.0.2.1?ports=Gi0/1,Te*&reserve=4&vrrp=VI_1")
    assert way.ports == ("Gi0/1", "Te*")
    assert way.reserve == 4
    assert way.vrrp == "VI_1"


@pytest.mark.parametrize("reserve", ["-1", "four", "99999"])
def test_a_reserve_that_is_no_number_of_ports_is_a_sentence(reserve):
    with pytest.raises(UsageError, match="number of ports"):
        parse_url(f"snmp://public@192.0.2.1?reserve={reserve}")


@pytest.mark.parametrize("kind", ["network", "trunk"])
def test_settings_with_ports(kind):
    device = config(kind, 'ports = ["Gi0/1", "Te*"]\nreserve = 2').devices[0]
    assert device.what == kind
    assert device.snmp.ports == ("Gi0/1", "Te*")
    names = {condition.name for condition in device.conditions}
    assert {"spare-low", "fan-failed", "restarted", "contact-lost"} <= names


def test_mistakes_are_said_with_their_line():
    with pytest.raises(ConfigError) as caught:
        config("network", 'ports = [""]\nreserve = -1\nprots = ["x"]')
    said = str(caught.value)
    assert "ports" in said
    assert "reserve" in said
    assert "prots" in said


def test_a_family_may_be_named():
    assert "huawei" in parse_url("snmp://public@192.0.2.1").profiles("network")
    with pytest.raises(UsageError, match="acme"):
        from_url("snmp://public@192.0.2.1", kind="network", profile="acme")


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("ups", 'ports = ["Gi0/1"]', "a ups has no ports"),
        ("host", "reserve = 2", "a host has no reserve"),
        ("trunk", 'vrrp = "VI_1"', "a trunk has no vrrp"),
    ],
)
def test_what_a_kind_has_no_use_for_is_said_at_once(kind, more, said):
    with pytest.raises(ConfigError, match=said):
        config(kind, more)
