"""Whose fault is it: what the steps of a line's self-check found, and the verdict. Pure: a table, no network.

The steps go from here outwards: local port, local equipment, its power, gateway, the carrier's hop, far end, DNS. Two
rules stand over the table: what answers further out proves that what is nearer forwards, though it be silent itself;
and the carrier is never named unless something says that our own side is well, and nothing that it is not.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

MOST = 256
"""Characters that a text may have (contract/quantities)."""


class Step(StrEnum):
    """A step, in its order."""

    PORT = "port"
    """Our end of the cable: the interface here, or the port of a switch."""
    EQUIPMENT = "equipment"
    """Modem, converter or router on our side."""
    POWER = "power"
    """What feeds it."""
    GATEWAY = "gateway"
    """The next hop."""
    HOP = "hop"
    """The first hop that is the carrier's."""
    FAR = "far"
    DNS = "dns"


class Mark(StrEnum):
    """What a step found."""

    OK = "ok"
    WEAK = "weak"
    """It works, badly: loss, delay; on battery; one of several name servers does not answer."""
    PART = "part"
    """Of the far end: some of its targets answer as they should, others do not."""
    BAD = "bad"
    DOUBTFUL = "doubtful"
    """It answers, and too few were asked to say whether it loses what the far end loses."""
    UNKNOWN = "unknown"
    """Not configured, could not be asked, or never answered in good times either."""


_ANSWERS = (Mark.OK, Mark.WEAK, Mark.DOUBTFUL)


class Finding(msgspec.Struct, frozen=True):
    """What one step found; ``note`` is short, in words that are the same in every language."""

    step: Step
    mark: Mark
    note: str = ""


class Verdict(StrEnum):
    """Whose fault it is, in the words of clause 3.1.4."""

    NONE = "none"
    LOCAL_PORT = "local-port"
    LOCAL_EQUIPMENT = "local-equipment"
    LOCAL_POWER = "local-power"
    CARRIER = "carrier"
    FAR_END = "far-end"
    DNS = "dns"
    UNCLEAR = "unclear"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What the table must know of a line besides."""

    gateway_is_carriers: bool = False
    """The gateway is the carrier's own router, as on a leased line; else it is ours."""
    border: bool = True
    """It is known where our side ends: by the settings, or by the carrier's hop that was found. Else the carrier is not
    named for what is behind the next hop: there may be another router of ours."""
    apart: bool = True
    """The far targets are at several places: all of them silent is no far end's fault."""


FLAGS: Mapping[Verdict, str] = {
    Verdict.LOCAL_PORT: "WHY-PORT",
    Verdict.LOCAL_EQUIPMENT: "WHY-EQUIPMENT",
    Verdict.LOCAL_POWER: "WHY-POWER",
    Verdict.CARRIER: "WHY-CARRIER",
    Verdict.FAR_END: "WHY-FAR-END",
    Verdict.DNS: "WHY-DNS",
    Verdict.UNCLEAR: "WHY-UNCLEAR",
}
"""Verdict → its flag in ``x.line.status``."""


def decide(findings: Iterable[Finding], setting: Setting) -> Verdict:
    """Return whose fault it is.

    Args:
        findings: one of each step; a step that is missing is unknown.
        setting: of the line.
    """
    marks = dict.fromkeys(Step, Mark.UNKNOWN) | {finding.step: finding.mark for finding in findings}
    passes = marks[Step.FAR] in (Mark.OK, Mark.WEAK, Mark.PART)
    if marks[Step.PORT] is Mark.BAD:
        if passes or marks[Step.HOP] is Mark.OK:
            return Verdict.UNCLEAR  # a port that is down carries nothing: what says so looks at another one, or is old
        return Verdict.LOCAL_POWER if marks[Step.POWER] is Mark.BAD else Verdict.LOCAL_PORT
    return _carries(marks, setting) if passes else _cut(marks, setting)


def _cut(marks: Mapping[Step, Mark], setting: Setting) -> Verdict:
    """Nothing at the far end answers, or nothing is known of it."""
    hop, gateway = marks[Step.HOP], marks[Step.GATEWAY]
    if marks[Step.FAR] is not Mark.BAD:  # doubtful is a finding of nearer steps
        return Verdict.UNCLEAR
    if hop in _ANSWERS:
        return Verdict.CARRIER if setting.apart else Verdict.FAR_END
    gateway_answers = gateway in _ANSWERS
    ours_answers = gateway_answers and not setting.gateway_is_carriers
    equipment_answers = marks[Step.EQUIPMENT] in _ANSWERS
    if not (ours_answers or gateway_answers or equipment_answers):
        return _ours(marks, setting)
    if gateway is Mark.BAD:  # it did answer once; equipment in front of it does now
        return Verdict.CARRIER if setting.gateway_is_carriers else Verdict.LOCAL_EQUIPMENT
    if hop is Mark.BAD:
        return Verdict.CARRIER
    return Verdict.CARRIER if setting.apart and setting.border else Verdict.UNCLEAR


def _ours(marks: Mapping[Step, Mark], setting: Setting) -> Verdict:
    """Nothing answers at all, not even what is ours."""
    equipment = marks[Step.EQUIPMENT]
    if not setting.gateway_is_carriers and equipment is Mark.UNKNOWN:
        equipment = marks[Step.GATEWAY]
    if equipment is Mark.BAD:
        return Verdict.LOCAL_POWER if marks[Step.POWER] in (Mark.BAD, Mark.WEAK) else Verdict.LOCAL_EQUIPMENT
    if marks[Step.POWER] is Mark.BAD:
        return Verdict.LOCAL_POWER
    if setting.gateway_is_carriers and marks[Step.GATEWAY] is Mark.BAD and marks[Step.PORT] is Mark.OK:
        # equipment that cannot be asked, a port with something at its other end, and the carrier's router away
        return Verdict.CARRIER if marks[Step.POWER] is not Mark.WEAK else Verdict.UNCLEAR
    return Verdict.UNCLEAR


def _carries(marks: Mapping[Step, Mark], setting: Setting) -> Verdict:
    """The far end answers, perhaps badly."""
    if marks[Step.FAR] is Mark.WEAK and marks[Step.HOP] is Mark.OK:
        return _weak_beyond(marks, setting)  # a router that is slow to answer for itself may pass on well
    if marks[Step.FAR] is Mark.WEAK:
        ours = (Step.EQUIPMENT,) if setting.gateway_is_carriers else (Step.EQUIPMENT, Step.GATEWAY)
        if any(marks[step] is Mark.WEAK for step in ours):
            return Verdict.LOCAL_EQUIPMENT
        if setting.gateway_is_carriers and marks[Step.GATEWAY] is Mark.WEAK:
            well = Mark.OK in (marks[Step.EQUIPMENT], marks[Step.PORT])
            return Verdict.CARRIER if well else Verdict.UNCLEAR
        if marks[Step.GATEWAY] is not Mark.OK and any(marks[step] is Mark.DOUBTFUL for step in ours):
            return Verdict.UNCLEAR  # what is well further out clears what is nearer, and nothing else does
        return _weak_beyond(marks, setting)
    if marks[Step.DNS] in (Mark.BAD, Mark.WEAK):
        return Verdict.DNS
    return Verdict.FAR_END if marks[Step.FAR] is Mark.PART else Verdict.NONE


def _weak_beyond(marks: Mapping[Step, Mark], setting: Setting) -> Verdict:
    """Our side is not known to be weak, the far end is."""
    well = Mark.OK in (marks[Step.GATEWAY], marks[Step.EQUIPMENT], marks[Step.HOP])
    if marks[Step.HOP] is Mark.WEAK:
        return Verdict.CARRIER if well else Verdict.UNCLEAR
    if not setting.apart:
        return Verdict.FAR_END if marks[Step.HOP] is Mark.OK else Verdict.UNCLEAR
    return Verdict.CARRIER if well and setting.border else Verdict.UNCLEAR


def told(findings: Iterable[Finding]) -> str:
    """Return the findings as one text: ``port ok eth1; gateway bad 192.0.2.1 no-answer; …``, never longer than a text may be."""
    texts = [" ".join(filter(None, (each.step, each.mark, each.note))) for each in findings]
    whole = "; ".join(texts)
    if len(whole) <= MOST:
        return whole
    bare = [f"{each.step} {each.mark}" for each in findings]
    room = (MOST - len("; ".join(bare))) // max(1, len(bare)) - 1
    return "; ".join(
        f"{short} {each.note[:room]}".rstrip() if room > 0 else short
        for short, each in zip(bare, findings, strict=True)
    )
