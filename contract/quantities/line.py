"""Lines to the world outside, what answers at their far ends, and the self-check that names whose fault it is."""

from typing import Final

from contract.quantities.entry import flags, number, text

LINE_STATUS: Final = (
    "UP",  # a far target answers: seen before a line that was down counts as mended
    "DOWN",  # every far target is silent
    "DEGRADED",  # it carries, and loses or delays too much
    "NO-TARGET",  # a far target is silent, others answer
    "NO-SERVICE",  # a far target answers, and not as it should
    "NO-DNS",  # no name server answers as it should
    "NO-GATEWAY",  # the next hop is silent, and nothing behind it answers
    "UNPROBED",  # a probe could not be sent: what it would have said is unknown
    "WHY-PORT",  # from here on: where the self-check found the cause
    "WHY-EQUIPMENT",
    "WHY-POWER",
    "WHY-CARRIER",
    "WHY-FAR-END",
    "WHY-DNS",
    "WHY-UNCLEAR",
)
"""Flags of ``x.line.status``."""

PROBE_STATUS: Final = (
    "UP",  # something answers
    "NO-PING",
    "NO-PORT",  # a port that should be open is refused or silent
    "NO-SERVICE",  # it answers, and not as it should: HTTP, SSH, SIP, DNS
    "UNPROBED",
)
"""Flags of ``x.probe.status``."""

SIP_STATUS: Final = (
    "ANSWERS",
    "REFUSES",  # 3xx, 4xx: it lives, and does not know us or the method
    "ERROR",  # 5xx, 6xx
    "BUSY",  # 503 with Retry-After: overloaded or in maintenance, and says for how long
)
"""Flags of ``x.sip.status``."""

PLAIN: Final = (
    flags("x.line.status", LINE_STATUS, "how a line is, and where the self-check found the cause"),
    text("x.line.carrier", "whose line it is"),
    number("x.line.loss", "%", 0, 100, "probes lost over the window, to the far target that loses least"),
    number("x.line.delay", "ms", 0, 60000, "round trip over the window, median, to the far target that loses least"),
    number("x.line.jitter", "ms", 0, 60000, "mean difference of one round trip to the next, to that target"),
    number("x.line.drops.recent", "", 0, 1e4, "times that the line went down in the last hour"),
    number("x.line.gateway.loss", "%", 0, 100, "probes lost on the way to the gateway, over the window"),
    number("x.line.gateway.delay", "ms", 0, 60000, "round trip to the gateway, median over the window"),
    text("x.line.gateway.address", "next hop, as configured or found"),
    text("x.line.hop.address", "the carrier's first hop, as configured or found while the line was good"),
    text("x.selfcheck.verdict", "whose fault it is: see the words of the verdicts; none while nothing is wrong"),
    text("x.selfcheck.findings", "what each step of the last self-check found"),
    text("x.selfcheck.at", "when the last self-check was made, by the agent's clock"),
    flags("x.probe.status", PROBE_STATUS, "what of a host answers when it is asked from outside"),
    number("x.probe.delay", "ms", 0, 60000, "the quickest answer of the last poll"),
    number("x.probe.loss", "%", 0, 100, "pings lost in the last poll"),
    text("x.probe.fault", "what the first target that is not well said"),
    flags("x.sip.status", SIP_STATUS, "what a SIP trunk or gateway says to OPTIONS"),
    number("x.sip.code", "", 100, 699, "response code to OPTIONS"),
    number("x.sip.delay", "ms", 0, 60000, "time to the response to OPTIONS"),
    number("x.sip.retry", "s", 0, 1e9, "when it asks to be tried again (Retry-After)"),
    number("x.tls.days", "d", -36500, 36500, "days until the certificate that ends first does; below 0 it has ended"),
)

NUMBERED: Final = tuple(
    entry
    for group in ("x.line.#", "x.probe.#")
    for entry in (
        text(f"{group}.target", "what is asked"),
        number(f"{group}.answers", "", 0, 1, "1 where it answered as it should at the last time, 0 where not"),
        number(f"{group}.loss", "%", 0, 100, "probes lost"),
        number(f"{group}.delay", "ms", 0, 60000, "median time to an answer"),
        number(f"{group}.jitter", "ms", 0, 60000, "mean difference of one round trip to the next"),
        number(f"{group}.code", "", 0, 999, "response code of HTTP, SIP or DNS"),
        text(f"{group}.says", "what it answered, or why there is no answer"),
    )
)
