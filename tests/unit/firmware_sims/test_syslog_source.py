import asyncio

import pytest

from agent.links.syslog import SyslogPort
from agent.signs.syslog import parse
from firmware_sims.faults import Fault
from firmware_sims.syslog_source import SyslogSource, Talk


@pytest.fixture
async def wire():
    taken, more = [], asyncio.Event()

    def take(_, data):
        taken.append(parse(data))
        more.set()

    port = SyslogPort("127.0.0.1", 0, take, tcp=False)
    await port.open()
    source = SyslogSource(Talk(every=60.0), "127.0.0.1", port.port, clock=lambda: 1.8e9)
    await source.start()

    async def wait_for(count):
        async with asyncio.timeout(10):
            while len(taken) < count:
                more.clear()
                await more.wait()
        return taken

    yield source, wait_for
    await source.stop()
    await port.close()


@pytest.mark.parametrize("new", [True, False])
async def test_it_speaks_as_the_standards_say(wire, new):
    source, wait_for = wire
    source.talk.new = new
    source.fail(1)
    news, error = await wait_for(2)
    assert (news.severity, news.host, news.program, news.text) == (6, "sw-1", "lag", "link state unchanged")
    assert (error.severity, error.text) == (3, "interface 0 down: no carrier")


async def test_its_faults_are_those_of_a_wire(wire):
    source, wait_for = wire
    for fault in (Fault.SILENCE, Fault.GARBAGE, Fault.HALF, Fault.ADDRESS, Fault.SENTINELS):
        await source.set_fault(fault)
        source.say("text that is long enough to be cut in halves", 3)
    messages = await wait_for(5)
    assert [message.host for message in messages[3:]] == ["another", ""]
    assert messages[1].severity == 5  # what is no syslog has the priority of what has none
    assert messages[4].text == ""
