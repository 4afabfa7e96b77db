"""How often alarms came: the fleeting and the chattering ones, which teach people to look away. Pure, from the incidents."""

from collections.abc import Iterable

import msgspec

from gateway.incident import Incident

DAY = 86400.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of one device."""

    place: str
    device: str
    """``site/agent/device``."""
    condition: str
    times: int = 0
    """Occurrences that came within the time."""
    fleeting: int = 0
    """Those of them that ended before their paging delay: nobody was told."""
    chattering: int = 0
    """How often it came while it chattered, beyond those."""


def figures(incidents: Iterable[Incident], since: float) -> list[Row]:
    """Return what came since a wall time, the most frequent first."""
    rows: dict[tuple[str, str], Row] = {}
    for incident in incidents:
        bursts = _bursts(incident, since)
        for symptom in incident.symptoms:
            if symptom.since < since and not bursts.get(symptom.id):
                continue
            source = incident.where(symptom)
            key = ("/".join(source.key), symptom.condition)
            row = rows.get(key) or Row(place=source.place, device=key[0], condition=key[1])
            rows[key] = msgspec.structs.replace(
                row,
                times=row.times + 1,
                fleeting=row.fleeting + symptom.fleeting,
                chattering=row.chattering + bursts.get(symptom.id, 0),
            )
    return sorted(rows.values(), key=lambda row: (-(row.times + row.chattering), row.device, row.condition))


def _bursts(incident: Incident, since: float) -> dict[str, int]:
    """Return how often each alarm came while it chattered: the last count of each time."""
    counts: dict[str, int] = {}
    running: dict[str, int] = {}
    for event in incident.timeline:
        if event.kind != "chattering" or event.at < since:
            continue
        name, count = str(event.data.get("id", "")), int(event.data.get("count", 0))
        running[name] = count
        if event.data.get("over"):
            counts[name] = counts.get(name, 0) + running.pop(name)
    for name, count in running.items():
        counts[name] = counts.get(name, 0) + count
    return counts
