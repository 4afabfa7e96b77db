import pytest

from agent.scan import bounds
from contract.errors import UsageError


def test_a_range_is_its_hosts_in_order_each_once():
    assert bounds.addresses(["192.0.2.8/30", "192.0.2.1", "192.0.2.9/32"]) == ["192.0.2.1", "192.0.2.9", "192.0.2.10"]
    assert len(bounds.addresses(["127.0.0.0/28"])) == 14
    assert len(bounds.addresses(["10.0.0.0/22"])) == 1022
    assert len(bounds.addresses(["2001:db8::/118"])) == 1023
    assert bounds.addresses(["2001:db8::5", "192.0.2.1"]) == ["192.0.2.1", "2001:db8::5"]


@pytest.mark.parametrize(
    ("ranges", "limit"),
    [
        (["10.0.0.0/21"], 1024),
        (["10.0.0.0/8"], 1024),
        (["::/0"], 1024),
        (["10.0.0.0/23", "10.0.2.0/23", "10.0.4.0/28"], 1024),
        (["10.0.0.0/24"], 20),
        (["10.0.0.0/24"], 0),
        (["10.0.0.0/24"], 5000),
        (["192.0.2.5/24"], 1024),
        (["224.0.0.0/28"], 1024),
        (["255.255.255.255"], 1024),
        (["ups.example"], 1024),
        (["10.0.0.0/33"], 1024),
    ],
)
def test_what_is_too_much_or_no_range_is_refused_with_a_hint(ranges, limit):
    with pytest.raises(UsageError) as caught:
        bounds.addresses(ranges, limit)
    assert caught.value.hint


def test_rates_and_ports_are_read_strictly():
    assert [bounds.rate(text) for text in ("20/s", "20", "0.5/s", "200")] == [20.0, 20.0, 0.5, 200.0]
    assert bounds.ports("nut, snmp:1161") == {"nut": 3493, "snmp": 1161}
    for text in ("0", "-1", "201/s", "1e9", "20/m", "nan", ""):
        with pytest.raises(UsageError):
            bounds.rate(text)
    for text in ("", "http", "snmp:0", "snmp:70000", "snmp:x"):
        with pytest.raises(UsageError):
            bounds.ports(text)
