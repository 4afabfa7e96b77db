"""What a site that only lists its devices is watched for: no flag of trouble that nobody looks at."""

import pytest

from agent.kinds import kinds
from contract.condition import Test
from contract.quantities import QUANTITIES, Kind, find

CALM = {
    *("OL", "HB", "CHRG", "DISCHRG", "CAL", "TRIM", "BOOST", "ECO", "KEPT", "UP", "ANSWERS", "WRITING", "REBOOT"),
    *("SERVING", "SINGLE", "REDUNDANT", "ENOUGH", "WHOLE", "SPARED"),
}
"""Flags that are no trouble."""
WHY_NOT = {
    "x.battery.promise": {"UNKNOWN": "BROKEN is raised with it in an outage, and UNPROVEN says it on mains"},
    "ambient.status": {"MOTION": "people work there; a site that wants it adds a condition"},
    "x.surge.status": {"HEAT": "no table raises it; surge-hot is by temperature"},
    "host.status": {"SERVICE": "host.services.down"},
    "x.network.status": {"MISSING": "the flag of the part that is missing is raised with it"},
    "x.trunk.status": {
        "RAI-SENT": "what we send says that we receive nothing, which has a flag of its own",
        "AIS-SENT": "the same",
        "TS16-RAI-SENT": "the same",
        "TS16-AIS": "SIGNALLING is raised with it",
        "TS16-RAI": "SIGNALLING is raised with it",
        "TEST": "somebody tests",
        "DS2-AIS": "of lines of 6 Mbit/s",
        "DS2-ERRORS": "of lines of 6 Mbit/s",
    },
    "x.line.status": {
        "NO-GATEWAY": "why it is DOWN",
        **dict.fromkeys(("WHY-PORT", "WHY-EQUIPMENT", "WHY-POWER", "WHY-CARRIER", "WHY-FAR-END"), "why it is DOWN"),
        **dict.fromkeys(("WHY-DNS", "WHY-UNCLEAR"), "why it is DOWN, or else not well"),
    },
    "x.sip.status": {"REFUSES": "it lives; what it thinks of OPTIONS is its own"},
    "agent.status": {"HELD": "agent.held, and the room that is left"},
    "security.status": {"PORT": "security.ports.new", "SILENT": "security.syslog.silent"},
    "pair.status": {"SETTLING": "it has just begun, or just changed"},
}
"""Flags that no condition of a kind looks at, and what does instead."""


@pytest.mark.parametrize("quantity", [name for name, known in QUANTITIES.items() if known.kind is Kind.FLAGS])
def test_every_flag_of_trouble_is_watched_for_or_it_is_said_why_not(quantity):
    conditions = [each for kind in kinds().values() for each in kind.conditions if each.quantity == quantity]
    watched = {each.flag for each in conditions if each.test is Test.HAS}
    flags = set(find(quantity).flags) - CALM
    assert flags - watched == set(WHY_NOT.get(quantity, {}))


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_says_how_its_alarms_come_and_go(kind):
    """Numbers that may flutter have a deadband or an off-delay; contact is watched; nothing waits for ever."""
    names = [each.name for each in kinds()[kind].conditions]
    assert len(names) == len(set(names))
    assert "contact-lost" in names or kind == "agent", "an agent that is silent is its gateway's to say"
    for each in kinds()[kind].conditions:
        known = find(each.quantity)
        assert known is not None, each.name
        assert each.on_delay <= 86400.0, each.name
        assert each.off_delay <= 86400.0, each.name
        if each.test in (Test.ABOVE, Test.BELOW):
            ends = each.setpoint + (-each.deadband if each.test is Test.ABOVE else each.deadband)
            assert known.low <= ends <= known.high, each.name
        counted = known.unit == "" or each.quantity == "x.contact" or each.setpoint == 0.0
        if each.test in (Test.ABOVE, Test.BELOW) and not counted:
            assert each.deadband or each.off_delay or each.on_delay >= 60.0, f"{each.name} may flutter"
