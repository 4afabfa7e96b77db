"""The fold of events: whatever comes, in whatever order, it holds together."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.event import CLOCK, Event
from gateway.incident import IncidentState, Purpose, code_of, corrected, fold, take

SYMPTOM = st.builds(
    lambda name, rank, quantity: {"id": name, "condition": f"c-{name}", "rank": rank, "quantity": quantity},
    st.sampled_from("xyz"),
    st.integers(1, 4),
    st.sampled_from(["", "ups.status"]),
)
KINDS = {
    "opened": st.builds(
        lambda symptom, more: {"clause": "3.1.1", "symptom": symptom, "deadline": 9.0, **more},
        SYMPTOM,
        st.sampled_from([{}, {"recurrence": {"of": "A10", "count": 2}}]),
    ),
    "joined": st.builds(lambda symptom: {"symptom": symptom}, SYMPTOM),
    "ended": st.builds(lambda name: {"id": name}, st.sampled_from("xyz")),
    "cause-gone": st.just({}),
    "message": st.builds(
        lambda number, purpose: {"message": number, "purpose": purpose, "rank": 2},
        st.sampled_from("123"),
        st.sampled_from([*Purpose, "of a later version"]),
    ),
    "resent": st.builds(lambda number: {"message": number}, st.sampled_from("123")),
    "accepted": st.builds(lambda number: {"message": number}, st.sampled_from("123")),
    "failed": st.builds(lambda number, last: {"message": number, "last": last}, st.sampled_from("123"), st.booleans()),
    "seen": st.just({}),
    "mine": st.just({}),
    "handover": st.builds(lambda to: {"to": to}, st.sampled_from(["li", "wang", "zhao"])),
    "accepted-handover": st.just({}),
    "declined-handover": st.just({}),
    "lapsed-handover": st.just({}),
    "progress": st.just({}),
    "owner-expired": st.just({}),
    "reopened": st.just({"deadline": 12.0}),
    "escalated": st.builds(lambda rung: {"rung": rung, "department": "d"}, st.integers(1, 3)),
    "step": st.builds(lambda index: {"index": index}, st.integers(0, 3)),
    "overdue": st.just({}),
    "noted": st.just({}),
    "checked": st.just({"evidence": {}}),
    "closed": st.just({}),
    "from a later version": st.just({"what": "ever"}),
    "history": st.builds(lambda symptom: {"clause": "3.1.1", "symptom": {**symptom, "active": False}}, SYMPTOM),
}
EVENTS = st.lists(
    st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.builds(
            Event,
            kind=st.just(kind),
            incident=st.sampled_from(["A10", "B10"]),
            at=st.floats(0, 1e9),
            who=st.sampled_from(["li", "wang"]),
            data=KINDS[kind],
        )
    ),
    max_size=40,
)


@given(EVENTS, st.integers(0, 25))
def test_a_restart_anywhere_gives_the_same_incidents(events, cut):
    resumed = fold(events[:cut])
    for event in events[cut:]:
        take(resumed, event)
    assert resumed == fold(events)


@given(EVENTS)
def test_every_incident_holds_together(events):
    for code, incident in fold(events).items():
        mine = [event for event in events if event.incident == code]
        assert list(incident.timeline) == mine
        assert incident.state in IncidentState
        assert (incident.state in (IncidentState.CLOSED, IncidentState.CLOSED_STANDING)) == (
            incident.closed is not None
        )
        assert not incident.owner or incident.owner in incident.seen
        assert not (incident.owner and incident.expired)
        assert (incident.hold.progress == 0.0) or incident.owner
        offer = incident.handover
        assert offer is None or not offer.pending or (offer.giver == incident.owner and incident.closed is None)
        assert incident.climb <= len(incident.mails)
        assert all(notice.after <= len(incident.mails) for notice in incident.notices)
        assert not incident.held or incident.closed is None
        assert not incident.over or not incident.held
        assert all(not (mail.accepted and mail.failed) for mail in incident.mails)
        assert len({symptom.id for symptom in incident.symptoms}) == len(incident.symptoms)
        assert set(incident.reached()) <= {mail.person for mail in incident.mails}


@given(EVENTS)
def test_telling_the_outcome_twice_changes_nothing_but_the_timeline(events):
    doubled = [again for event in events for again in ([event] * 2 if event.kind in ("accepted", "ended") else [event])]
    for code, incident in fold(doubled).items():
        once = fold(events)[code]
        assert (incident.mails, incident.symptoms, incident.state) == (once.mails, once.symptoms, once.state)


@given(EVENTS, st.integers(0, 25), st.floats(-1e6, 1e6))
def test_a_correction_of_the_clock_anywhere_folds_as_it_was_believed(events, cut, by):
    """What the gateway holds in memory is what the next one reads, wherever it was stopped."""
    clock = Event(kind=CLOCK, at=5.0, data={"shift": by})
    believed = {code: corrected(one, clock) for code, one in fold(events[:cut]).items()}
    for event in events[cut:]:
        take(believed, event)
    all_events = [*events[:cut], clock, *events[cut:]]
    assert fold(all_events) == believed
    for code, incident in fold(events[:cut]).items():
        told = incident.closed is not None and not incident.stands_closed
        assert (corrected(incident, clock) == incident) == (told or by == 0.0), code


def test_a_message_that_one_channel_took_is_not_failed_by_another():
    def event(kind, **data):
        return Event(kind=kind, incident="A10", at=1.0, who="li", data={"message": "1", **data})

    sent = event("message", purpose="page", rank=2)
    taken, lost = event("accepted"), event("failed", last=True)
    for order in ([sent, taken, lost], [sent, lost, taken]):
        incident = fold(order)["A10"]
        assert incident.reached() == ("li",)
        assert not incident.unreachable("li")


def test_codes_are_short_and_never_the_same():
    codes = [code_of(number) for number in range(1, 60_000)]
    assert codes[:2] == ["A10", "B10"]
    assert len(set(codes)) == len(codes)
    assert max(map(len, codes)) == 5
    assert codes[24 * 90 - 1] == "Z99"
    assert codes[24 * 90] == "A100"
