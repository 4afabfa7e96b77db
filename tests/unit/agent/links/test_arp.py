"""The kernel's ARP table."""

import pytest

from agent.links.arp import ask, cards
from contract.errors import PortUnavailable

TABLE = """\
IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:00:00:00:00:AA     *        eth0
192.0.2.2        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.3        0x1         0x6         02:00:00:00:00:bb     *        eth0
torn
"""


def test_only_addresses_that_answered_have_a_card(tmp_path):
    path = tmp_path / "arp"
    path.write_text(TABLE)
    assert cards(path) == {"192.0.2.1": "02:00:00:00:00:aa", "192.0.2.3": "02:00:00:00:00:bb"}


def test_a_table_that_is_not_there_is_an_error_of_ours(tmp_path):
    with pytest.raises(PortUnavailable):
        cards(tmp_path / "none")


def test_asking_never_fails():
    ask("192.0.2.1")
    ask("127.0.0.1")
