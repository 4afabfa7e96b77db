"""What the pages show, made from what the gateway knows. Pure: the time is an argument."""

from collections.abc import Sequence
from typing import Final

import msgspec

from contract.alarm import AlarmState
from contract.quantities import Kind, find
from contract.reading import Quality, Reading
from gateway.board import kinds
from gateway.board.ports import AlarmView, DeviceView, LastReading, LiveView
from gateway.board.words import Words

CONTACT: Final = "x.contact"
VERDICT: Final = "x.selfcheck.verdict"
FINDINGS: Final = "x.selfcheck.findings"
LONG: Final = 16
"""Characters that stay on one line."""
MAX_OVER: Final = 10
"""Alarms that are over and that nobody has acknowledged: the newest are enough."""
MAX_LINES: Final = 8
"""Lines in one chart: more cannot be told apart."""
_SPANS: Final = frozenset(
    {
        "battery.runtime", "x.ups.on-battery.time", "device.uptime", "host.uptime", "agent.uptime", "agent.room",
        "backup.age", "backup.#.age", "backup.left", "backup.tape.age",
    }
)  # fmt: skip
_SIZES: Final = frozenset({"B", "B/s"})
_SEVERITIES: Final = ("minor", "moderate", "severe", "extreme")


class Row(msgspec.Struct, frozen=True):
    """One reading. ``limit`` is the age, in seconds, from which it is no longer fresh."""

    quantity: str
    label: str
    text: str
    unit: str
    quality: Quality
    at: float
    limit: float

    @property
    def long(self) -> bool:
        """Whether it is a text that may need more than one line."""
        return len(self.text) > LONG


class Flag(msgspec.Struct, frozen=True):
    """One flag of a status."""

    label: str
    bad: bool


class Card(msgspec.Struct, frozen=True):
    """One device. ``state`` is fine, alarm, pending, away (its agent), mute (it answers no more), stale, unsure or silent.

    Pending: a flag says trouble and no alarm stands, as while an on-delay runs. ``at`` is when it last said something that can be believed. That the agent reports each second that nothing answers
    is no news of the device; without a status that can be believed it is not fine.
    """

    key: str
    title: str
    place: str
    state: str
    at: float
    limit: float
    kind: str = ""
    flags: tuple[Flag, ...] = ()
    main: tuple[Row, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def blind(self) -> bool:
        """Whether nothing is known of it now."""
        return self.state not in ("fine", "alarm", "pending")


class AlarmRow(msgspec.Struct, frozen=True):
    """One alarm."""

    id: str
    title: str
    place: str
    condition: str
    severity: str
    state: str
    active: bool
    since: float
    why: str = ""
    """Who has put it aside, and why."""
    until: float = 0.0
    """When its shelving ends; 0: it is not shelved."""


class Line(msgspec.Struct, frozen=True):
    """One line that a chart can draw."""

    site: str
    agent: str
    device: str
    title: str


class Chart(msgspec.Struct, frozen=True):
    """What can be charted of one quantity."""

    quantity: str
    label: str
    unit: str
    lines: tuple[Line, ...]


class Ages(msgspec.Struct, frozen=True):
    """From which age on a reading is stale, in seconds."""

    slow: float = 90.0
    """A quantity of the slow lane: three of its polls."""
    least: float = 15.0
    """A device as a whole, however often it is polled."""
    polls: float = 5.0
    """… or this many of its polls, when that is longer."""

    def device(self, interval: float) -> float:
        """Return the limit for a device polled this often."""
        return max(self.least, self.polls * interval)

    def reading(self, interval: float) -> float:
        """Return the limit for one reading: the slow lane may lag behind the device."""
        return max(self.slow, self.device(interval))


def card(live: LiveView, key: tuple[str, str, str], words: Words, ages: Ages, now: float) -> Card | None:
    """Return one device; None when there is none of this site, agent and name."""
    view = live.devices.get(key)
    if view is None:
        return None
    presence = live.agents.get(key[:2])
    alarmed = any((one.site, one.agent, one.alarm.occurrence.device) == key for one in live.standing() if _active(one))
    return _card(key, view, words, ages, now, away=presence is None or not presence.online, alarm=alarmed)


def cards(live: LiveView, words: Words, ages: Ages, now: float) -> list[Card]:
    """Return every device, those in trouble first."""
    alarmed = {(view.site, view.agent, view.alarm.occurrence.device) for view in live.standing() if _active(view)}
    made = []
    for (site, agent, device), view in live.devices.items():
        presence = live.agents.get((site, agent))
        away = presence is None or not presence.online
        made.append(
            _card((site, agent, device), view, words, ages, now, away=away, alarm=(site, agent, device) in alarmed)
        )
    order = ("alarm", "pending", "away", "mute", "stale", "unsure", "silent", "fine")
    return sorted(made, key=lambda card: (order.index(card.state), card.place, card.title))


def _card(
    key: tuple[str, str, str], view: DeviceView, words: Words, ages: Ages, now: float, *, away: bool, alarm: bool
) -> Card:
    site, agent, device = key
    limit = ages.device(view.interval)
    contact = view.readings.get(CONTACT)
    mute = contact is not None and contact.reading.value == 0
    statuses = [last.reading for name, last in view.readings.items() if _is_flags(name)]
    at = max((last.at for name, last in view.readings.items() if last.reading.good and name != CONTACT), default=0.0)
    stale = not _fresh(at, now, limit)
    said = [flag for status in statuses if status.good and isinstance(status.value, tuple) for flag in status.value]
    flags = tuple(Flag(words.name("flag", flag), flag not in kinds.CALM) for flag in said)
    if alarm:
        state = "alarm"
    elif not at:
        state = "silent"
    elif away:
        state = "away"
    elif mute:
        state = "mute"
    elif stale:
        state = "stale"
    elif not all(status.good for status in statuses):
        state = "unsure"
    else:
        state = "pending" if any(flag.bad for flag in flags) else "fine"
    blind = stale or away or mute
    rows = {
        name: _row(name, last, words, limit=ages.reading(view.interval), now=now, blind=blind)
        for name, last in sorted(view.readings.items())
    }
    return Card(
        key=f"{site}/{agent}/{device}",
        title=view.title or device,
        place=_place(view.room, site, agent),
        state=state,
        at=at,
        limit=limit,
        kind=view.kind,
        flags=flags,
        main=tuple(rows[name] for name in kinds.first(view.kind, rows) if _is_said(view.kind, view.readings[name])),
        rows=tuple(rows.values()),
    )


def _is_said(kind: str, last: LastReading) -> bool:
    """Say whether a reading stands among the first: what is said only sometimes may have nothing to say."""
    return last.reading.value is not None or last.reading.quantity not in kinds.SOMETIMES.get(kind, ())


def _is_flags(quantity: str) -> bool:
    known = find(quantity)
    return known is not None and known.kind is Kind.FLAGS


def _place(room: str, site: str, agent: str) -> str:
    return " · ".join(part for part in (room, f"{site}/{agent}" if agent else "") if part)


def _row(name: str, last: LastReading, words: Words, *, limit: float, now: float, blind: bool) -> Row:
    reading = last.reading
    old = blind or not _fresh(last.at, now, limit)
    quality = Quality.STALE if reading.good and old else reading.quality
    known = find(name)
    unit = "" if known is None or known.name in _SPANS or known.unit in _SIZES else known.unit
    return Row(name, label(name, words), text(reading, words), unit.replace("degC", "°C"), quality, last.at, limit)


def _fresh(at: float, now: float, limit: float) -> bool:
    """Say whether it is young enough; what claims to be from the future is no better than what is old."""
    return abs(now - at) <= limit


def label(quantity: str, words: Words) -> str:
    """Return what a quantity is called; in English the dictionary's meaning where the catalogue has no word.

    One with numbers in its name has its template's word, and the numbers behind it.
    """
    known = find(quantity)
    named = words.name("quantity", quantity)
    numbers = [part for part in quantity.split(".") if part.isdigit()]
    if named == quantity and numbers:
        template = ".".join("#" if part.isdigit() else part for part in quantity.split("."))
        word = words.name("quantity", template)
        return quantity if word == template else " ".join([word, *numbers])
    return known.meaning if named == quantity and known is not None and words.language == "en" else named


def text(reading: Reading, words: Words) -> str:
    """Return a value as people read it."""
    match reading.value:
        case None:
            return "—"
        case tuple() as flags:
            return words("comma").join(words.name("flag", flag) for flag in flags) or "—"
        case str() as said if reading.quantity == VERDICT:
            return words.name("verdict", said)
        case str() as said if reading.quantity == FINDINGS:
            return _findings(said, words)
        case str() as said:
            return words.name("said", said)
        case number if (known := find(reading.quantity)) and known.name in _SPANS and reading.good:
            return words.span(number)
        case number if known and known.unit in _SIZES:
            return _size(number) + known.unit
        case number if reading.quantity == CONTACT:
            return words("yes" if number else "no")
        case number:
            return f"{round(number, 2):.10g}"


def _findings(said: str, words: Words) -> str:
    """Return what the steps of a self-check found: ``port ok eth1 up; gateway bad 192.0.2.1 no-answer`` in words."""
    steps = []
    for step in said.split("; "):
        name, _, rest = step.partition(" ")
        mark, _, note = rest.partition(" ")
        steps.append(" ".join(filter(None, (words.name("step", name), words.name("mark", mark), note))))
    return words("semicolon").join(steps)


def _size(number: float) -> str:
    """Return a size up to where its unit begins: ``12.5 Gi``."""
    for prefix, factor in (("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if abs(number) >= factor:
            return f"{round(number / factor, 1):g} {prefix}"
    return f"{number:.10g} "


_ASIDE: Final = frozenset({AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE})


def alarms(live: LiveView, words: Words, now: float) -> list[AlarmRow]:
    """Return the alarms: what stands before what is over, the worst first, then the newest."""
    made = []
    for view in live.standing():
        occurrence = view.alarm.occurrence
        device = live.devices.get((view.site, view.agent, occurrence.device))
        state = view.alarm.state(now)
        if state is AlarmState.NORMAL:
            continue
        made.append(
            AlarmRow(
                id=occurrence.id,
                title=(device.title if device is not None else "")
                or occurrence.device.removeprefix("@").partition(":")[0],
                place=_place(device.room if device else "", view.site, view.agent),
                condition=words.name("condition", occurrence.condition),
                severity=occurrence.severity.value,
                state=state.value,
                active=occurrence.active,
                since=occurrence.since.wall,
                why=view.alarm.why,
                until=view.alarm.shelved_until or 0.0,
            )
        )
    made.sort(key=lambda row: (not row.active, row.state in _ASIDE, -_SEVERITIES.index(row.severity), -row.since))
    standing = sum(1 for row in made if row.active)
    return made[: standing + MAX_OVER]


def _active(view: AlarmView) -> bool:
    return view.alarm.occurrence.active


def charts(live: LiveView, words: Words) -> list[Chart]:
    """Return what can be charted: for each quantity the devices that have it."""
    made = []
    for quantity in kinds.CHARTED:
        lines = [
            Line(site, agent, device, view.title or device)
            for (site, agent, device), view in sorted(live.devices.items())
            if quantity in view.readings
        ]
        if lines:
            known = find(quantity)
            unit = "" if known is None else known.unit.replace("degC", "°C")
            made.append(Chart(quantity, label(quantity, words), unit, tuple(lines[:MAX_LINES])))
    return made


def thinned(
    points: Sequence[tuple[float, float]], *, buckets: int, gap: float
) -> tuple[list[float], list[float | None]]:
    """Return the points as two columns, thinned, with a hole wherever nothing came for longer than ``gap`` seconds.

    Each bucket of time keeps its lowest and its highest value, so that a short dip is not lost.
    """
    times: list[float] = []
    values: list[float | None] = []
    if not points:
        return times, values
    width = max((points[-1][0] - points[0][0]) / buckets, 1e-9)
    kept: list[tuple[float, float]] = []
    bucket: list[tuple[float, float]] = []
    for point in points:
        if bucket and int((point[0] - points[0][0]) / width) != int((bucket[0][0] - points[0][0]) / width):
            kept += _extremes(bucket)
            bucket = []
        bucket.append(point)
    kept += _extremes(bucket)
    for at, value in kept:
        if times and at - times[-1] > gap:
            times.append((times[-1] + at) / 2)
            values.append(None)
        times.append(at)
        values.append(value)
    return times, values


def _extremes(bucket: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    chosen = {min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])}
    return sorted(chosen)
