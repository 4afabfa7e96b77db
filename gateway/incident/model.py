"""An incident as it stands: where it is, what is wrong, who was told, who has it. Pure.

Times are the gateway's wall clock, seconds since 1970.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec

from gateway.event import Event, is_exercise
from gateway.incident.deadlines import Deadline
from gateway.incident.headquarters import Headquarters
from gateway.plan.countdown import Countdown
from gateway.reports import Reported

SOON: Final = 600.0
"""Seconds: what comes back within them, and unchecked, is the same trouble."""


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    OWNED = "owned"
    GONE = "gone"
    CHECKED = "checked"
    CLOSED = "closed"
    CLOSED_STANDING = "closed-standing"
    """Closed by a person with a reason, and its alarm stands all the same."""


class Purpose(StrEnum):
    """Why a person is told."""

    PAGE = "page"
    WORSE = "worse"
    WARNING = "warning"
    """Half of a time limit is gone, or 80 %."""
    OVERDUE = "overdue"
    RECOVERY = "recovery"
    HANDOVER = "handover"
    """Somebody wants to hand it over to them."""
    HANDED_OVER = "handed-over"
    """Somebody else has it now."""
    HANDED_BACK = "handed-back"
    """What they handed over was not taken: it is theirs still."""
    PROGRESS = "progress"
    """They have it, and nobody has heard of any progress."""
    EXPIRED = "owner-expired"
    """They had it, and it was taken back: they are paged for it again."""
    AFFECTED = "affected"
    """Another clause's people have to act too, because of what the root cause took with it."""
    APPROVAL = "approval"
    """It waits for their approval; who is told so is paged by it."""
    DECIDED = "decided"
    """What they reported is approved, or refused."""
    ADVICE = "advice"
    """More has to be switched off, or sooner, so that the battery lasts."""
    HEADQUARTERS = "headquarters"
    """It is major: head and deputies form the headquarters."""
    COMMAND = "temporary-commander"
    """Head or deputy has authorised them to command."""
    ACTING = "acting-contact"
    """Nobody of the headquarters answers: they are whom to ring, and command nothing."""
    STOOD_DOWN = "stood-down"
    """The level was lowered: the headquarters is over."""


PAGING: Final = (Purpose.PAGE, Purpose.EXPIRED, Purpose.APPROVAL)
"""Who hears one of these is paged by it."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The device that an incident is about."""

    site: str = ""
    agent: str = ""
    device: str = ""
    title: str = ""
    room: str = ""
    kind: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Site, agent, device."""
        return self.site, self.agent, self.device

    @property
    def place(self) -> str:
        """Where it is, for people: the room once, though a title may begin with it."""
        name = self.title or self.device
        return name if name.startswith(self.room) else f"{self.room} {name}"


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm occurrence of an incident. Times are the gateway's wall clock."""

    id: str = ""
    condition: str = ""
    severity: str = ""
    """The plan's."""
    rank: int = 0
    level: str = ""
    title_zh: str = ""
    title_en: str = ""
    quantity: str = ""
    value: Any = None
    since: float = 0.0
    page_at: float = 0.0
    """When people are told of it, the paging delay and working hours taken in."""
    ready: float = 0.0
    """When the paging delay is over."""
    wake: str = ""
    """When people may be woken for it, by the plan."""
    active: bool = True
    ended: float = 0.0
    source: Source = Source()
    """The device, where it is not the incident's: its trouble follows from the root cause."""
    clause: str = ""
    """The clause for that device."""
    of: str = ""
    """The root cause, as the plan's dependencies name it."""
    settle: float = 0.0
    """Seconds that it may stand after its root cause is over."""
    fleeting: bool = False
    """It ended before its paging delay was over."""
    aside: str = ""
    """``shelved``, ``out-of-service`` or ``suppressed``: put aside, it pages nobody. Empty: it speaks."""
    chattering: int = 0
    """How often it has come while it chatters; 0: it does not."""

    @property
    def follows(self) -> bool:
        """Whether it is of another device, and follows from the root cause."""
        return bool(self.source.device)


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person, and what became of it."""

    id: str
    person: str
    purpose: Purpose
    at: float
    rank: int = 0
    accepted: bool = False
    failed: bool = False
    """By every channel of the person."""
    about: tuple[str, ...] = ()
    """Which time limits, and how much of each is gone: ``clause:80``."""
    again: bool = False
    """Sent once more after a restart, marked 重发: its outcome was not known. It never goes a third time."""
    clause: str = ""
    """Which clause it is about, where that is not the incident's."""

    @property
    def pending(self) -> bool:
        """Whether nobody knows yet what became of it."""
        return not (self.accepted or self.failed)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """How the owner holds it. Wall times."""

    since: float = 0.0
    """Since when somebody has it without a break: the escalation stands still since then."""
    progress: float = 0.0
    """The owner's last deed."""
    after: int = 0
    """How many messages of the round went before that deed."""


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that somebody wanted to hand it over, and what came of it."""

    giver: str
    taker: str
    at: float
    words: str = ""
    """The giver's sentence."""
    answer: str = ""
    """Kind of the event that ended it; empty while it is open."""
    answer_words: str = ""
    """The taker's sentence, if they declined."""

    @property
    def pending(self) -> bool:
        """Whether it waits for the taker."""
        return not self.answer


class Notice(msgspec.Struct, frozen=True):
    """What a person has to hear once; ``after`` is how many messages of the round went before it."""

    person: str
    purpose: Purpose
    after: int


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Where an incident stands, and how it came there."""

    code: str
    clause: str = ""
    title_zh: str = ""
    title_en: str = ""
    source: Source = Source()
    opened: float = 0.0
    deadline: float = 0.0
    """Of the clause; 0 for none."""
    overdue: bool = False
    counts_from: float = 0.0
    """Since when time limits run in this round; 0 while there are only findings."""
    deadlines: tuple[Deadline, ...] = ()
    """The limits in force, that of the clause and those of its steps."""
    round: float = 0.0
    """When the trouble began, the last time."""
    symptoms: tuple[Symptom, ...] = ()
    mails: tuple[Mail, ...] = ()
    """Those of this round."""
    seen: tuple[str, ...] = ()
    owner: str = ""
    owned_rank: int = 0
    """How bad it was when the owner took it on."""
    hold: Hold = Hold()
    handover: Handover | None = None
    expired: str = ""
    """Who had it last, if it was taken back from them and nobody has it since."""
    notices: tuple[Notice, ...] = ()
    rungs: tuple[int, ...] = ()
    """The rungs that the ladder has climbed, above its first."""
    climb: int = 0
    """How many messages of the round went before the ladder was taken up again."""
    climbed: float = 0.0
    """Seconds of the ladder that were behind it when it was taken up again."""
    steps: tuple[int, ...] = ()
    gone: float | None = None
    checked: float | None = None
    closed: float | None = None
    held: bool = False
    """Reopened by a person though no alarm stands: only a person closes it."""
    recurs: str = ""
    """The incident before, with the same cause, by its code."""
    recurred: str = ""
    """The one after it."""
    count: int = 1
    """Which one in such a row it is."""
    countdowns: tuple[Countdown, ...] = ()
    """Of each of its UPSes while it is on battery."""
    report: Reported | None = None
    """What a person reported; None: it was opened by an alarm."""
    confirmed: tuple[str, str, int] | None = None
    """The level that a person gave it in this round, and at least how severe that is: level, severity, rank."""
    lowered: dict[str, str] = {}
    """Condition → the level to which a person has lowered it in this round."""
    headquarters: Headquarters = Headquarters()
    late: bool = False
    """It began and ended before anybody here knew of it: it pages nobody."""
    waits: float = 0.0
    """Nobody is told before then: it may follow from something else."""
    of: str = ""
    """The incident of the root cause from which it was left over."""
    moved: str = ""
    """The incident of the root cause, of which all that it was is part now."""
    timeline: tuple[Event, ...] = ()

    @property
    def exercise(self) -> bool:
        """Whether it is a drill's: CAP status Exercise, not Actual."""
        return is_exercise(self.code)

    @property
    def state(self) -> IncidentState:
        """Where it stands."""
        if self.closed is not None:
            return IncidentState.CLOSED_STANDING if self.stands_closed else IncidentState.CLOSED
        if self.checked is not None:
            return IncidentState.CHECKED
        if self.gone is not None:
            return IncidentState.GONE
        return IncidentState.OWNED if self.owner else IncidentState.OPEN

    @property
    def active(self) -> tuple[Symptom, ...]:
        """The symptoms that stand now."""
        return tuple(symptom for symptom in self.symptoms if symptom.active)

    @property
    def pressing(self) -> tuple[Symptom, ...]:
        """What people are called for: what stands and is not put aside; of what a person holds open, all that ever stood."""
        return self.aloud or (self.symptoms if self.held and not self.active else ())

    @property
    def major(self) -> bool:
        """Whether something that people are called for is major."""
        return any(symptom.level == "major" for symptom in self.pressing)

    @property
    def aloud(self) -> tuple[Symptom, ...]:
        """Those that stand, and that nobody and no rule has put aside."""
        return tuple(symptom for symptom in self.symptoms if symptom.active and not symptom.aside)

    @property
    def put_aside(self) -> bool:
        """Whether all that stands is put aside."""
        return bool(self.active) and not self.aloud

    @property
    def over(self) -> bool:
        """Whether nothing of it stands any more, and that is not yet on record."""
        ended = bool(self.symptoms) and not self.active
        return ended and self.gone is None and self.closed is None and not self.held

    @property
    def stands_closed(self) -> bool:
        """Whether it is closed and an alarm of it stands; what no sensor sees ends with a person's word."""
        return self.closed is not None and any(symptom.active and symptom.quantity for symptom in self.symptoms)

    @property
    def worst(self) -> Symptom:
        """The gravest symptom: of those that are not put aside, else of those that stand, else of all."""
        return max(self.aloud or self.active or self.symptoms or (Symptom(),), key=lambda symptom: symptom.rank)

    def where(self, symptom: Symptom) -> Source:
        """Return the device of a symptom."""
        return symptom.source if symptom.follows else self.source

    @property
    def head(self) -> Symptom:
        """What it is called by: the gravest alarm of its own device, of those that stand, else of all."""
        own = [symptom for symptom in self.symptoms if not symptom.follows]
        standing = [symptom for symptom in own if symptom.active]
        return max(standing or own, key=lambda symptom: symptom.rank, default=self.worst)

    def affected(self, clause: str = "") -> tuple[Source, ...]:
        """Return the other devices that its root cause took with it and that are not back; those of a clause only."""
        of = (one for one in self.active if one.follows and clause in {"", one.clause})
        return tuple(dict.fromkeys(one.source for one in of if one.source.key != self.source.key))

    @property
    def speaking(self) -> tuple[Symptom, ...]:
        """The symptoms for which people are told: what only follows from a root cause is silent once that is over.

        Not while that is put aside: what was meant to be quiet is the root cause alone.
        """
        found = self.pressing
        return found if any(not symptom.follows for symptom in self.active or found) else ()

    @property
    def pages(self) -> tuple[Mail, ...]:
        """The pages of the ladder's present way up."""
        return tuple(mail for mail in self.mails[self.climb :] if mail.purpose in PAGING)

    @property
    def told(self) -> dict[str, tuple[float, ...]]:
        """Person → when they were paged in this round; messages under way count, so that nobody is told twice.

        Once it was taken back from an owner, only what they were told since then counts.
        Of pages that failed by every channel only the last counts: it says when to try again, and uses up no repeat.
        """
        times: dict[str, tuple[float, ...]] = {}
        failed: dict[str, float] = {}
        for mail in self.pages:
            if mail.failed:
                failed[mail.person] = mail.at
            else:
                times[mail.person] = (*times.get(mail.person, ()), mail.at)
        for person, at in failed.items():
            if at > max(times.get(person, ()), default=0.0):
                times[person] = (*times.get(person, ()), at)
        return times

    def comes_back(self, at: float) -> bool:
        """Say whether trouble now is the same trouble again: it had gone, unchecked, and not for long."""
        return self.gone is not None and self.checked is None and self.closed is None and at - self.gone < SOON

    def reached(self) -> tuple[str, ...]:
        """Return those whom a message of this round reached, as far as is known, in order."""
        return tuple(dict.fromkeys(mail.person for mail in self.mails if mail.accepted))

    @property
    def unheard(self) -> bool:
        """Whether people were told in this round, and no message came to anybody, as far as is known."""
        answered = self.owner or self.seen or self.closed is not None
        return not answered and bool(self.mails) and all(mail.failed for mail in self.mails)

    def unreachable(self, person: str) -> bool:
        """Say whether the last message to a person failed by every channel."""
        last = next((mail for mail in reversed(self.mails) if mail.person == person), None)
        return last is not None and last.failed
