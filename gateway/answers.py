"""What people answer, as events: whether a person may say it now, and what is kept of it. Pure.

Each function returns the event's kind, text and data, or None where it is on record already. What cannot be done is an
``IncidentError`` in both languages.
"""

from typing import Any, Final

import msgspec

from gateway import refusals
from gateway.contacts import Contacts
from gateway.incident import Incident
from gateway.plan import limits
from gateway.plan.model import Clause, loads_of
from gateway.worktime.hours import WorkTime

MOST: Final = 2000
"""Characters of a sentence; the rest is cut off."""


class Answer(msgspec.Struct, frozen=True):
    """What is kept of an answer."""

    kind: str
    text: str = ""
    data: dict[str, Any] = {}


def seen(incident: Incident, person: str) -> Answer | None:
    """收到: the person knows; repeats to them stop."""
    _open(incident)
    return None if person in incident.seen else Answer("seen")


def mine(incident: Incident, person: str) -> Answer | None:
    """我处理: the person takes it on. Who takes it over from another is on the record; the owner takes a handover back."""
    _open(incident)
    offer = incident.handover
    if offer is not None and offer.pending and offer.taker == person:
        return accept(incident, person)
    if incident.owner == person and not (offer is not None and offer.pending):
        return None
    return Answer("mine", data={"from": incident.owner} if incident.owner not in ("", person) else {})


def handover(incident: Incident, person: str, to: str, words: str, contacts: Contacts) -> Answer | None:
    """移交: the owner asks another to take it over. It stays theirs until the other has accepted.

    Raises:
        IncidentError: it is not theirs, there is nobody of this id, or nothing is said.
    """
    _open(incident)
    if incident.owner != person:
        raise refusals.not_yours(incident)
    contacts.find(to)
    if to == person:
        raise refusals.to_yourself()
    text = _sentence(words)
    if not text:
        raise refusals.no_handover_words()
    offer = incident.handover
    if offer is not None and offer.pending and (offer.taker, offer.words) == (to, text):
        return None
    return Answer("handover", text, {"to": to})


def accept(incident: Incident, person: str) -> Answer:
    """接手: the person takes over what was handed to them."""
    _asked(incident, person)
    return Answer("accepted-handover", data={"from": incident.owner})


def decline(incident: Incident, person: str, words: str = "") -> Answer:
    """不接手: it stays with the one who wanted to hand it over, who is told."""
    _asked(incident, person)
    return Answer("declined-handover", _sentence(words), {"from": incident.owner})


def progress(incident: Incident, person: str, words: str = "") -> Answer:
    """进展: the owner says that they work on it, and how far they are."""
    _open(incident)
    if incident.owner != person:
        raise refusals.not_yours(incident)
    return Answer("progress", _sentence(words))


def note(words: str) -> Answer:
    """备注: a person's words for the timeline; closed ones take them too."""
    text = _sentence(words)
    if not text:
        raise refusals.no_words()
    return Answer("noted", text)


def step(incident: Incident, clause: Clause | None, index: int) -> Answer | None:
    """A step of the plan is done; ``index`` is 0 for the first."""
    _open(incident)
    count = len(clause.step) if clause else 0
    if clause is None or not 0 <= index < count:
        raise refusals.no_step(incident.clause, index, count)
    if index in incident.steps:
        return None
    words = clause.step[index].text
    return Answer("step", data={"index": index, "zh": words.zh, "en": words.en})  # as they were: the plan may change


def shed(incident: Incident, clause: Clause | None, index: int) -> Answer | None:
    """A load of the clause's list is switched off; ``index`` is 0 for the first."""
    _open(incident)
    loads = loads_of(clause)
    if not incident.countdowns or not 0 <= index < len(loads):
        raise refusals.no_load(incident, index, len(loads))
    if all(index in one.done for one in incident.countdowns):
        return None
    return Answer("shed", data={"index": index, "zh": loads[index].zh, "en": loads[index].en})


def close(incident: Incident, reason: str = "") -> Answer:
    """关闭: once the cause is gone and checked, else with a reason. That its alarm still stood is kept with it."""
    _open(incident)
    text = _sentence(reason)
    if incident.checked is None and not text:
        raise refusals.not_over(incident)
    standing = [one.condition for one in incident.active if one.quantity]
    data: dict[str, Any] = {"checked": incident.checked is not None}
    return Answer("closed", text, data | ({"standing": standing} if standing else {}))


def reopen(
    incident: Incident, reason: str, clause: Clause | None, now: float, time: WorkTime, going_on: str = ""
) -> Answer:
    """重新打开: a person says that it is not over.

    Args:
        incident: a closed one.
        reason: why.
        clause: its clause; None when the plan no longer has it.
        now: the gateway's wall clock.
        time: when people of its site work.
        going_on: the code of an open incident of the same clause and device; empty where there is none.

    Raises:
        IncidentError: it is open, another one stands for it, or nothing is said.
    """
    if incident.closed is None:
        raise refusals.not_closed(incident.code)
    if going_on:
        raise refusals.goes_on(incident.code, going_on)
    text = _sentence(reason)
    if not text:
        raise refusals.no_reason(incident.code)
    return Answer("reopened", text, reopening(clause, now, time))


def reopening(clause: Clause | None, now: float, time: WorkTime) -> dict[str, Any]:
    """Return the data of ``reopened``: its time limits begin anew."""
    return {"limits": limits.of_clause(clause, now, time)} if clause else {}


def _open(incident: Incident) -> None:
    if incident.closed is not None:
        raise refusals.closed(incident.code)


def _asked(incident: Incident, person: str) -> None:
    _open(incident)
    offer = incident.handover
    if offer is None or not offer.pending or offer.taker != person:
        raise refusals.not_asked(incident.code)


def _sentence(text: str) -> str:
    return text.strip()[:MOST]
