"""What an alarm costs at the desk does not grow with the alarms that stand: verdicts are counted, not seconds."""

import pytest

from contract.alarm import Alarm, Occurrence
from gateway.alarms.model import load_rules
from gateway.alarms.standing import Known
from gateway.alarms.suppression import Suppression
from gateway.incident import Source

RULES = """
[[suppress]]
conditions = ["contact-lost"]
why = { zh = "停电", en = "on battery" }
while = { conditions = ["on-battery"] }
same = "device"
"""


def known(number, condition):
    source = Source(site="hq", agent="a", device=f"ups-{number}", kind="ups")
    return Known(Alarm(Occurrence(id=f"{condition}-{number}", device=source.device, condition=condition)), source)


@pytest.mark.parametrize("standing", [10, 10_000])
def test_a_cause_concerns_the_alarms_that_it_quiets_and_no_others(standing):
    suppression = Suppression(load_rules(RULES), 0.0)
    for number in range(standing):
        assert suppression.began(known(number, "contact-lost"), cause=True) == set()
    assert suppression.began(known(3, "on-battery"), cause=True) == {"contact-lost-3"}
    assert suppression.why(known(3, "contact-lost"), 0.0).en == "on battery"
    assert suppression.why(known(4, "contact-lost"), 0.0) is None
    assert suppression.ended(known(3, "on-battery")) == {"contact-lost-3"}
