"""A scan at net-snmp's snmpd."""

from agent.scan.net import Pace
from agent.scan.propose import proposed, refusal
from agent.scan.snmp import SnmpFinder
from agent.scan.sweep import Sweep


async def found(port, community):
    sweep = Sweep(["127.0.0.1"], [SnmpFinder([community])], {"snmp": port}, Pace(100.0), rate=100.0)
    await sweep.run()
    return sweep.found


async def test_an_agent_is_found_by_its_community_and_says_what_it_is(snmpd):
    (agent,) = await found(snmpd, "public")
    assert agent.protocol == "SNMP 2c"
    assert "(sysObjectID 1.3.6.1.4.1.8072.3.2.10)" in agent.says
    assert (agent.kind, agent.profile) == ("host", ""), "it has the sysObjectID of one profile, and is no UPS"
    assert refusal(proposed([agent])) == ""
    assert 'kind = "host"' in proposed([agent])


async def test_without_the_community_it_still_tells_its_engine(snmpd):
    (agent,) = await found(snmpd, "guess")
    assert agent.protocol == "SNMP 3"
    assert agent.says.startswith("engine 80001f88"), "net-snmp's own enterprise"
