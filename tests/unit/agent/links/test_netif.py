"""What the kernel says of its own network, from files that stand as its own do; and from its own."""

import pytest

from agent.links.netif import Interface, Network

ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	01010A0A	0003	0	0	100	00000000	0	0	0
eth1	00000000	014DA8C0	0003	0	0	200	00000000	0	0	0
eth2	004DA8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
*	0A50000A	00000000	0205	0	0	0	FFFFFFFF	0	0	0
broken line
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
192.168.77.1     0x1         0x2         02:00:00:00:00:01     *        eth2
192.168.77.9     0x1         0x0         00:00:00:00:00:00     *        eth2
192.168.77.9     0x1         0x2         02:00:00:00:00:09     *        eth3
half a line
"""


@pytest.fixture
def network(tmp_path):
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/route").write_text(ROUTES)
    (tmp_path / "proc/net/arp").write_text(ARP)
    for name, flags, carrier, state in (
        ("up0", "0x1003", "1", "up"),
        ("out0", "0x1003", "0", "down"),
        ("off0", "0x1002", None, "down"),
        ("odd0", "?", "?", ""),
    ):
        folder = tmp_path / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "flags").write_text(f"{flags}\n")
        (folder / "operstate").write_text(f"{state}\n")
        if carrier is not None:
            (folder / "carrier").write_text(f"{carrier}\n")
    return Network(tmp_path)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("up0", Interface(there=True, admin=True, carrier=True, state="up")),
        ("out0", Interface(there=True, admin=True, carrier=False, state="down")),
        ("off0", Interface(there=True, admin=False, carrier=None, state="down")),
        ("odd0", Interface(there=True)),
        ("none0", Interface(there=False)),
        ("../net/up0", Interface(there=False)),
        ("", Interface(there=False)),
    ],
)
def test_an_interface_is_as_the_kernel_says(network, name, found):
    assert network.interface(name) == found


@pytest.mark.parametrize(
    ("address", "interface"),
    [("8.8.8.8", "eth0"), ("192.168.77.5", "eth2"), ("10.0.80.10", "eth0"), ("2001:db8::1", ""), ("a name", "")],
)
def test_the_way_of_the_longest_prefix_and_the_lowest_metric_is_taken(network, address, interface):
    assert network.towards(address) == interface


@pytest.mark.parametrize(
    ("address", "interface", "router"),
    [
        ("8.8.8.8", "", "10.10.1.1"),
        ("8.8.8.8", "eth1", "192.168.77.1"),
        ("a.name", "eth1", "192.168.77.1"),
        ("192.168.77.5", "", ""),
        ("8.8.8.8", "eth2", ""),
        ("2001:db8::1", "", ""),
    ],
)
def test_the_next_hop_is_that_of_the_interface(network, address, interface, router):
    assert network.via(address, interface) == router


@pytest.mark.parametrize(
    ("address", "interface", "found"),
    [
        ("192.168.77.1", "", True),
        ("192.168.77.1", "eth9", None),
        ("192.168.77.9", "eth2", False),
        ("192.168.77.9", "eth3", True),
        ("192.168.77.3", "", None),
    ],
)
def test_a_neighbour_answers_arp_or_not_or_was_not_asked(network, address, interface, found):
    assert network.arp(address, interface) is found


def test_the_loopback_of_this_machine_is_up():
    assert Network().interface("lo").carrier is True


def test_files_that_are_not_there_say_nothing(tmp_path):
    nothing = Network(tmp_path)
    assert (nothing.interface("lo").there, nothing.towards("127.0.0.1"), nothing.arp("127.0.0.1")) == (False, "", None)
