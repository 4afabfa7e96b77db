"""What a correction of the gateway's clock does to an incident. Pure."""

import msgspec

from gateway import reports
from gateway.event import Event
from gateway.incident import deadlines, headquarters
from gateway.incident.model import Incident
from gateway.plan import countdown


def corrected(incident: Incident, event: Event) -> Incident:
    """Return an incident after the gateway's clock was put right: an open one with all its times moved.

    Args:
        incident: any; one that is closed stays as it was told, unless it still stands.
        event: of the kind ``CLOCK``.
    """
    by = float(event.data.get("shift", 0.0))
    told = incident.closed is not None and not incident.stands_closed
    if told or by == 0.0:
        return incident
    change = msgspec.structs.replace
    pages = event.data.get("pages", {})

    def moved(at: float) -> float:
        return at + by if at else at  # 0: there is none

    symptoms = (
        change(
            one,
            since=moved(one.since),
            ready=moved(one.ready),
            page_at=float(pages.get(one.id, moved(one.page_at))),
            ended=moved(one.ended),
        )
        for one in incident.symptoms
    )
    limits = deadlines.moved(incident.deadlines, by, event.data.get("limits", {}).get(incident.code, ()))
    offer = incident.handover
    hold = incident.hold
    return change(
        incident,
        opened=moved(incident.opened),
        deadline=next((one.at for one in limits if one.key == deadlines.CLAUSE), moved(incident.deadline)),
        counts_from=moved(incident.counts_from),
        deadlines=limits,
        round=moved(incident.round),
        waits=moved(incident.waits),
        symptoms=tuple(symptoms),
        mails=tuple(change(mail, at=moved(mail.at)) for mail in incident.mails),
        hold=change(hold, since=moved(hold.since), progress=moved(hold.progress)),
        handover=None if offer is None else change(offer, at=offer.at + by),
        gone=None if incident.gone is None else incident.gone + by,
        checked=None if incident.checked is None else incident.checked + by,
        countdowns=tuple(countdown.moved(one, by) for one in incident.countdowns),
        closed=None if incident.closed is None else incident.closed + by,
        headquarters=headquarters.moved(incident.headquarters, by),
        report=reports.moved(incident.report, by),
        timeline=(*(change(past, at=moved(past.at)) for past in incident.timeline), event),
    )
