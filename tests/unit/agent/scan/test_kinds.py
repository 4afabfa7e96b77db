"""What a device is proposed as: by what it has, and not by its name alone."""

import asyncio

import pytest

from agent.links import ber
from agent.profiles import load_profiles
from agent.scan.net import Pace
from agent.scan.propose import proposed
from agent.scan.snmp import SnmpFinder
from agent.scan.sweep import Sweep

APC, LINUX = "1.3.6.1.4.1.318.1.3.27", "1.3.6.1.4.1.8072.3.2.10"
SERVICES, INTERFACES, PROCESSES = "1.3.6.1.2.1.1.7.0", "1.3.6.1.2.1.2.1.0", "1.3.6.1.2.1.25.1.6.0"


def sign(profile):
    """One object by which a profile knows its devices."""
    return next(each.confirm[0] for each in load_profiles() if each.name == profile)


class Agent(asyncio.DatagramProtocol):
    """Answers from a dict of numbers, as v2c does, or refuses as v1 does."""

    def __init__(self, name, numbers, *, old=False):
        self.values = {"1.3.6.1.2.1.1.2.0": ber.oid(name), "1.3.6.1.2.1.1.1.0": ber.octets(b"a box")}
        self.values |= {"1.3.6.1.2.1.1.5.0": ber.octets(b"box-1")}
        self.values |= {oid: ber.integer(number) for oid, number in numbers.items()}
        self.old = old

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        message = ber.Reader(data).inside()
        version = message.integer()
        if version != (0 if self.old else 1):
            return
        community = message.octets()
        pdu = message.inside(0xA0)
        request = pdu.integer()
        pdu.integer(), pdu.integer()
        rows, oids = pdu.inside(), []
        while rows.more:
            oids.append(rows.inside().oid())
        refused = self.old and any(oid not in self.values for oid in oids)
        absent = ber.tlv(ber.NULL) if self.old else ber.tlv(0x80)
        said = [ber.tlv(0x30, ber.oid(oid), absent if refused else self.values.get(oid, absent)) for oid in oids]
        answer = ber.tlv(
            0xA2, ber.integer(request), ber.integer(2 * refused), ber.integer(refused), ber.tlv(0x30, *said)
        )
        self.transport.sendto(ber.tlv(0x30, ber.integer(version), ber.octets(community), answer), addr)


async def scanned(agent):
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: agent, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    sweep = Sweep(["127.0.0.1"], [SnmpFinder(["public"])], {"snmp": port}, Pace(200.0), rate=200.0, wait=0.3)
    await sweep.run()
    transport.close()
    return sweep.found


@pytest.mark.parametrize("old", [False, True], ids=["v2c", "v1"])
async def test_a_card_that_is_two_things_is_proposed_as_both_the_ups_first(old):
    found = await scanned(Agent(APC, {sign("apc-environment"): 1, sign("apc"): 2}, old=old))
    assert [(each.kind, each.profile) for each in found] == [("ups", "apc"), ("environment", "apc-environment")]
    tables = [line for line in proposed(found).splitlines() if "[[device]]" in line]
    assert tables == ["[[device]]", "# [[device]]"]


@pytest.mark.parametrize(
    ("name", "numbers", "kind"),
    [
        ("1.3.6.1.4.1.9.1.366", {SERVICES: 6, INTERFACES: 28, PROCESSES: 80}, "network"),
        (LINUX, {SERVICES: 72, INTERFACES: 2, PROCESSES: 230}, "host"),
        ("1.3.6.1.4.1.11.2.3.9.1", {SERVICES: 72, INTERFACES: 1}, ""),
        (APC, {}, ""),
    ],
)
async def test_who_is_in_no_profile_is_what_it_serves(name, numbers, kind):
    (found,) = await scanned(Agent(name, numbers))
    assert (found.kind, found.profile) == (kind, "")
    assert bool(found.missing) is (kind == "")
