"""A host from outside: what is contact, what is not, and what is only a part that is not well."""

import pytest

from agent.drivers.probe import ProbeDriver
from agent.probing import Outcome, State, Target
from contract.errors import DeviceTimeout, PortUnavailable
from contract.reading import Quality

PING = Target(scheme="ping", host="192.0.2.1", count=2)
TCP = Target(scheme="tcp", host="192.0.2.1", port=1521)
SIP = Target(scheme="sip", host="192.0.2.1", port=5060)
SSH = Target(scheme="ssh", host="192.0.2.1", port=22)
RIGHT = Outcome(state=State.RIGHT, sent=2, delays=(3.0, 1.0))
SILENT = Outcome(state=State.SILENT, sent=2, says="no answer")
REFUSED = Outcome(state=State.WRONG, delays=(2.0,), says="refused")
UNSENT = Outcome(state=State.UNSENT, sent=0, says="not permitted to ping", hint="CAP_NET_RAW")


class Says:
    def __init__(self, said):
        self.said = said

    async def probe(self, target):
        return self.said[target]

    async def trace(self, host, most):  # noqa: ARG002 - see Prober
        return ()


async def read(said):
    return {reading.quantity: reading for reading in await ProbeDriver(list(said), Says(said)).read()}


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ({PING: RIGHT}, ("UP",)),
        ({PING: SILENT, TCP: RIGHT}, ("NO-PING", "UP")),
        ({PING: RIGHT, TCP: REFUSED}, ("NO-PORT", "UP")),
        ({PING: RIGHT, TCP: SILENT}, ("NO-PORT", "UP")),
        ({TCP: REFUSED}, ("NO-PORT", "UP")),
        ({PING: UNSENT, SSH: RIGHT}, ("UNPROBED", "UP")),
        ({PING: RIGHT, SSH: REFUSED}, ("NO-SERVICE", "UP")),
        ({PING: RIGHT, SIP: SILENT}, ("NO-SERVICE", "UP")),
    ],
)
async def test_what_answers_is_contact_and_the_rest_is_flagged(said, flags):
    readings = await read(said)
    assert readings["x.probe.status"].value == flags
    assert ("x.probe.fault" in readings) is (flags != ("UP",))
    assert not [reading for reading in readings.values() if reading.quality is Quality.IMPLAUSIBLE]


async def test_what_sip_says_for_itself_is_told_there():
    readings = await read({SIP: Outcome(state=State.WRONG, delays=(2.0,), code=503, says="503 Later", retry=30.0)})
    assert readings["x.probe.status"].value == ("UP",)
    assert readings["x.sip.status"].value == ("ANSWERS", "BUSY")


async def test_the_quickest_answer_and_the_loss_are_told():
    readings = await read({PING: Outcome(state=State.RIGHT, sent=4, delays=(9.0, 3.0, 5.0)), TCP: RIGHT})
    assert readings["x.probe.delay"].value == 1.0
    assert readings["x.probe.loss"].value == 25.0


async def test_silence_of_all_is_no_contact():
    with pytest.raises(DeviceTimeout, match=r"ping://192.0.2.1: no answer \(nor from tcp://192.0.2.1:1521\)"):
        await read({PING: SILENT, TCP: SILENT})


async def test_nothing_that_could_be_sent_says_what_is_missing():
    with pytest.raises(PortUnavailable, match=r"not permitted to ping \(CAP_NET_RAW\)"):
        await read({PING: UNSENT})
