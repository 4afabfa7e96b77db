"""The verdict: a golden table of what the steps found and whose fault it is, and what must hold for all findings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.selfcheck import FLAGS, MOST, Finding, Mark, Setting, Step, Verdict, decide, told
from contract.quantities import QUANTITIES

CARRIERS = Setting(gateway_is_carriers=True)
TOGETHER = Setting(apart=False)
NO_BORDER = Setting(border=False)
WORDS = {"few": Mark.DOUBTFUL, "ok": Mark.OK, "weak": Mark.WEAK, "part": Mark.PART, "bad": Mark.BAD, "?": Mark.UNKNOWN}


def findings(text):
    """Seven marks, from here outwards: port, equipment, power, gateway, hop, far end, DNS."""
    return [Finding(step, WORDS[word]) for step, word in zip(Step, text.split(), strict=True)]


#          port  equip power gateway hop far dns
GOLDEN = {
    ("ok    ok    ok    ok    ok    ok    ok", Setting()): Verdict.NONE,
    # the cable is out: nothing answers, and the port says why
    ("bad   bad   ok    bad   bad   bad   ?", Setting()): Verdict.LOCAL_PORT,
    ("bad   ?     ?     ?     ?     bad   ?", Setting()): Verdict.LOCAL_PORT,
    ("bad   ?     ?     ?     ?     ?     ?", Setting()): Verdict.LOCAL_PORT,
    ("bad   bad   weak  bad   bad   bad   bad", Setting()): Verdict.LOCAL_PORT,
    # what feeds the equipment is off, and takes the port with it
    ("bad   bad   bad   bad   bad   bad   ?", Setting()): Verdict.LOCAL_POWER,
    ("ok    bad   bad   bad   bad   bad   ?", Setting()): Verdict.LOCAL_POWER,
    ("ok    bad   weak  bad   bad   bad   ?", Setting()): Verdict.LOCAL_POWER,
    ("ok    ?     bad   ?     ?     bad   ?", Setting()): Verdict.LOCAL_POWER,
    # on battery, and the equipment lives: the power is not to blame
    ("ok    ok    weak  ok    bad   bad   bad", Setting()): Verdict.CARRIER,
    # our equipment is dead
    ("ok    bad   ok    bad   bad   bad   ?", Setting()): Verdict.LOCAL_EQUIPMENT,
    ("ok    ?     ?     bad   bad   bad   ?", Setting()): Verdict.LOCAL_EQUIPMENT,
    ("?     ok    ok    bad   bad   bad   ?", Setting()): Verdict.LOCAL_EQUIPMENT,
    # our side is well, the carrier's is not
    ("ok    ok    ok    ok    bad   bad   ?", Setting()): Verdict.CARRIER,
    ("?     ?     ?     ok    ?     bad   ?", Setting()): Verdict.CARRIER,
    ("?     ok    ?     ?     ?     bad   ?", Setting()): Verdict.CARRIER,
    ("ok    ok    ok    ok    ok    bad   bad", Setting()): Verdict.CARRIER,
    ("ok    ok    ok    bad   bad   bad   ?", CARRIERS): Verdict.CARRIER,
    ("ok    ?     ok    bad   bad   bad   ?", CARRIERS): Verdict.CARRIER,
    ("?     ?     ?     bad   bad   bad   ?", CARRIERS): Verdict.UNCLEAR,
    ("ok    ?     weak  bad   bad   bad   ?", CARRIERS): Verdict.UNCLEAR,
    ("ok    bad   ok    bad   bad   bad   ?", CARRIERS): Verdict.LOCAL_EQUIPMENT,
    # where our side ends is not known: perhaps another router of ours
    ("ok    ok    ok    ok    ?     bad   ?", NO_BORDER): Verdict.UNCLEAR,
    ("ok    ok    ok    ok    ?     weak  ok", NO_BORDER): Verdict.UNCLEAR,
    ("ok    ?     ok    bad   ?     bad   ?", NO_BORDER): Verdict.LOCAL_EQUIPMENT,
    # one place at the far end: the carrier is named only where its own hop is silent
    ("ok    ok    ok    ok    ok    bad   bad", TOGETHER): Verdict.FAR_END,
    ("ok    ok    ok    ok    bad   bad   bad", TOGETHER): Verdict.CARRIER,
    ("ok    ok    ok    ok    ?     bad   bad", TOGETHER): Verdict.UNCLEAR,
    # it carries
    ("ok    ok    ok    ok    ok    ok    bad", Setting()): Verdict.DNS,
    ("ok    bad   ?     bad   bad   ok    bad", Setting()): Verdict.DNS,
    ("ok    ok    ok    ok    ok    part  ok", Setting()): Verdict.FAR_END,
    ("ok    ok    ok    ok    ok    part  bad", Setting()): Verdict.DNS,
    ("ok    bad   ?     bad   ?     part  ?", Setting()): Verdict.FAR_END,
    # it carries badly
    ("ok    ok    ok    weak  weak  weak  ok", Setting()): Verdict.LOCAL_EQUIPMENT,
    ("ok    ok    ok    ok    weak  weak  ok", Setting()): Verdict.CARRIER,
    ("ok    ok    ok    ok    ok    weak  ok", Setting()): Verdict.CARRIER,
    ("ok    ok    ok    ok    ok    weak  ok", TOGETHER): Verdict.FAR_END,
    # a gateway that answers badly for itself, and passes on well
    ("ok    ok    ok    weak  ok    weak  ok", Setting()): Verdict.CARRIER,
    ("ok    ok    ok    weak  ok    weak  ok", TOGETHER): Verdict.FAR_END,
    ("ok    ok    ok    weak  ?     weak  ok", Setting()): Verdict.LOCAL_EQUIPMENT,
    ("ok    ok    ok    weak  weak  weak  ok", CARRIERS): Verdict.CARRIER,
    ("?     ?     ?     weak  weak  weak  ok", CARRIERS): Verdict.UNCLEAR,
    ("?     ?     ?     ?     ?     weak  ok", Setting()): Verdict.UNCLEAR,
    # so few were asked that our router may lose as the far end does, or not at all
    ("ok    ?     ok    few   few   weak  ok", Setting()): Verdict.UNCLEAR,
    ("ok    ok    ok    few   ?     weak  ok", Setting()): Verdict.UNCLEAR,
    ("ok    ok    ok    few   weak  weak  ok", Setting()): Verdict.UNCLEAR,
    ("ok    few   ok    ?     ?     weak  ok", Setting()): Verdict.UNCLEAR,
    ("ok    few   ok    weak  few   weak  ok", Setting()): Verdict.LOCAL_EQUIPMENT,
    # what is well further out clears what is nearer
    ("ok    ?     ok    few   ok    weak  ok", Setting()): Verdict.CARRIER,
    ("ok    few   ok    ok    few   weak  ok", Setting()): Verdict.CARRIER,
    ("ok    ok    ok    few   weak  weak  ok", CARRIERS): Verdict.CARRIER,
    ("ok    few   ok    few   weak  weak  ok", CARRIERS): Verdict.UNCLEAR,
    ("ok    few   ok    ok    few   weak  ok", CARRIERS): Verdict.CARRIER,
    ("ok    few   ok    few   bad   bad   ?", Setting()): Verdict.CARRIER,
    # contradictions, and nothing known
    ("bad   ok    ok    ok    ok    ok    bad", Setting()): Verdict.UNCLEAR,
    ("?     ?     ?     ?     ?     bad   ?", Setting()): Verdict.UNCLEAR,
    ("?     ?     ?     ?     ?     ?     ?", Setting()): Verdict.UNCLEAR,
    ("ok    ok    ok    ok    ok    ?     ?", Setting()): Verdict.UNCLEAR,
}


@pytest.mark.parametrize("case", GOLDEN)
def test_the_verdict_names_whose_fault_it_is(case):
    text, setting = case
    assert decide(findings(text), setting) is GOLDEN[case]


some_findings = st.lists(
    st.builds(Finding, st.sampled_from(Step), st.sampled_from(Mark), st.text(max_size=60)),
    unique_by=lambda finding: finding.step,
)
some_setting = st.builds(Setting, gateway_is_carriers=st.booleans(), apart=st.booleans(), border=st.booleans())


def marks(found):
    return dict.fromkeys(Step, Mark.UNKNOWN) | {each.step: each.mark for each in found}


@given(some_findings, some_setting)
def test_the_carrier_is_never_blamed_while_the_local_port_is_down(found, setting):
    port_down = [each for each in found if each.step is not Step.PORT] + [Finding(Step.PORT, Mark.BAD)]
    assert decide(port_down, setting) not in (Verdict.CARRIER, Verdict.FAR_END, Verdict.DNS)


@given(some_findings, some_setting)
def test_the_carrier_is_blamed_only_where_something_says_that_our_side_is_well(found, setting):
    if decide(found, setting) is Verdict.CARRIER:
        seen = marks(found)
        nearer = (Step.PORT, Step.EQUIPMENT, Step.GATEWAY, Step.HOP)
        assert any(seen[step] in (Mark.OK, Mark.WEAK, Mark.DOUBTFUL) for step in nearer)
        assert seen[Step.FAR] in (Mark.BAD, Mark.WEAK)


@given(some_findings, some_setting)
def test_loss_is_nobodys_while_our_router_may_lose_it(found, setting):
    ours = Step.EQUIPMENT if setting.gateway_is_carriers else Step.GATEWAY
    doubtful = [each for each in found if each.step not in (ours, Step.HOP, Step.FAR, Step.PORT)]
    doubtful += [Finding(ours, Mark.DOUBTFUL), Finding(Step.HOP, Mark.DOUBTFUL), Finding(Step.FAR, Mark.WEAK)]
    gateway = marks(found)[Step.GATEWAY] if setting.gateway_is_carriers else Mark.DOUBTFUL
    if gateway is not Mark.WEAK:
        assert decide(doubtful, setting) not in (Verdict.CARRIER, Verdict.FAR_END) or gateway is Mark.OK


@given(some_findings, some_setting)
def test_nobody_is_blamed_for_what_is_not_known_to_be_wrong(found, setting):
    verdict, seen = decide(found, setting), marks(found)
    if not any(mark in (Mark.BAD, Mark.WEAK, Mark.PART) for mark in seen.values()):
        assert verdict in (Verdict.NONE, Verdict.UNCLEAR)
    if verdict is Verdict.NONE:
        assert seen[Step.FAR] is Mark.OK
    if verdict is Verdict.LOCAL_POWER:
        assert seen[Step.POWER] in (Mark.BAD, Mark.WEAK)


@given(some_findings)
def test_the_findings_always_fit_a_text(found):
    text = told(found)
    assert len(text) <= MOST
    assert all(f"{each.step} {each.mark}" in text for each in found)


def test_every_verdict_has_its_flag():
    assert set(FLAGS) == set(Verdict) - {Verdict.NONE}
    assert set(FLAGS.values()) <= set(QUANTITIES["x.line.status"].flags)
