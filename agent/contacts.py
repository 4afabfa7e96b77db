"""Contacts: what the inputs of a module or a card mean on this site, and the extremes over all probes of a room.

A module knows that input 3 is closed; that a smoke detector hangs on it is known to the one who wired it::

    [[device.contact]]
    input = 3
    means = "smoke"
    alarm = "closed"                  # or "open": the state that is the alarm
    title = "烟感 1 (ceiling)"

    [[device.contact]]                # a supervised loop on an analog input, with a resistor at its end
    input = 1
    means = "smoke"
    loop = { measures = "current", normal = [0.004, 0.008], alarm = [0.012, 0.022] }  # else BREAK: cut, or short

States come from ``ambient.contacts.#.status``, ``ambient.#.contacts.#.status`` (with ``probe``) and
``ups.contacts.#.status``. A device that judges its contacts itself says "normal" or "abnormal": ``alarm`` then says
nothing. Pure but for what was known last: an input that is not known keeps its flag, and adds FAULT, because silence
ends no alarm and is none of health either.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from contract.quantities import find
from contract.reading import Reading, judged, unavailable
from contract.settings import Fault

STATUS: Final = "ambient.status"
ALARM: Final = "ambient.alarm"
QUIET: Final = "none"
"""What ``ambient.alarm`` says where all is well."""

Meaning = Literal[
    "smoke", "heat", "water", "gas", "door", "motion", "mains", "fault", "alarm", "surge-failed", "surge-open"
]
MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "smoke": (STATUS, "SMOKE"),
    "heat": (STATUS, "HEAT"),
    "water": (STATUS, "WATER"),
    "gas": (STATUS, "GAS"),
    "door": (STATUS, "DOOR"),
    "motion": (STATUS, "MOTION"),
    "mains": (STATUS, "MAINS"),
    "fault": (STATUS, "FAULT"),
    "alarm": (STATUS, "ALARM"),
    "surge-failed": ("x.surge.status", "FAULT"),
    "surge-open": ("x.surge.status", "OPEN"),
}
"""What a contact may mean → the quantity and its flag. The last two are the remote contact of a surge protector, and the
auxiliary contact of its backup switch."""

_ALARMED: Final = frozenset({"abnormal", "active", "alarm", "triggered", "tripped"})
_QUIET: Final = frozenset({"normal", "inactive", "ok", "quiet"})
_BROKEN: Final = frozenset({"break", "broken", "cut", "short", "tamper"})
_STATES: Final = {"open": "open", "opened": "open", "closed": "closed", "close": "closed"}

Band = tuple[float, float]


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """A supervised loop: two bands of what its input measures, in the unit of the quantity. Anything else is a break."""

    measures: Literal["voltage", "current"]
    normal: tuple[float, ...]
    """Lowest and highest at rest."""
    alarm: tuple[float, ...]
    """Lowest and highest while the detector says so."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        bands = {}
        for name in ("normal", "alarm"):
            band = getattr(draft, name)
            if not isinstance(band, tuple) or not all(isinstance(each, int | float) for each in band):
                continue
            if len(band) != 2 or band[0] >= band[1]:
                yield Fault("not a band", f"write {name} = [lowest, highest]", (name,))
            else:
                bands[name] = band
        if len(bands) == 2 and bands["normal"][0] <= bands["alarm"][1] and bands["alarm"][0] <= bands["normal"][1]:
            yield Fault("the two bands overlap", "leave room between them: what lies there is a break", ("alarm",))


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[[device.contact]]``."""

    input: Annotated[int, msgspec.Meta(ge=1, le=10000)]
    """Its number, as the device counts, from 1."""
    means: Meaning
    probe: Annotated[int, msgspec.Meta(ge=1, le=10000)] | None = None
    """Of cards with several boxes of contacts: the number of the box."""
    alarm: Literal["open", "closed"] = "closed"
    """The state that is the alarm. A wire that breaks looks open: ``open`` watches the wire too."""
    title: str = ""
    loop: Loop | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities that may hold its state, the likeliest first."""
        box = "" if self.probe is None else f"{self.probe}."
        if self.loop is not None:
            return (f"ambient.{self.input}.{self.loop.measures}",)
        if self.probe is not None:
            return (f"ambient.{box}contacts.{self.input}.status",)
        return (f"ambient.contacts.{self.input}.status", f"ups.contacts.{self.input}.status")

    @property
    def quantity(self) -> str:
        """What its flag goes into."""
        return MEANINGS[self.means][0]

    @property
    def flag(self) -> str:
        """What it raises."""
        return MEANINGS[self.means][1]

    @property
    def label(self) -> str:
        """What people call it."""
        box = "" if self.probe is None else f"{self.probe}."
        return self.title or f"{self.means} (input {box}{self.input})"

    def says(self, reading: Reading) -> frozenset[str] | None:
        """Return the flags that a reading of it stands for; None where it cannot be known."""
        value = reading.value
        if not reading.good or value is None:
            return None
        if self.loop is not None:
            return self._measured(self.loop, value)
        word = str(value).strip().lower()
        if word in _BROKEN:
            return frozenset({broken(self.quantity)})
        if word in _ALARMED or _STATES.get(word) == self.alarm:
            return frozenset({self.flag})
        return frozenset() if word in _QUIET or word in _STATES else None

    def _measured(self, loop: Loop, value: object) -> frozenset[str] | None:
        if not isinstance(value, int | float):
            return None
        if loop.normal[0] <= value <= loop.normal[1]:
            return frozenset()
        inside = loop.alarm[0] <= value <= loop.alarm[1]
        return frozenset({self.flag if inside else broken(self.quantity)})


def broken(quantity: str) -> str:
    """Return the flag of a wire that cannot speak: BREAK where the quantity has it, else FAULT."""
    known = find(quantity)
    return "BREAK" if known is not None and "BREAK" in known.flags else "FAULT"


def faults(contacts: Any) -> Iterable[Fault]:
    """Yield what is wrong between the ``[[device.contact]]`` tables of a device; drafts are left alone."""
    seen: dict[tuple[int | None, int, str], int] = {}
    for index, contact in enumerate(contacts if isinstance(contacts, tuple) else ()):
        if not isinstance(contact, Contact):
            continue
        key = (contact.probe, contact.input, contact.loop.measures if contact.loop else "")
        if key in seen:
            what = f"input {contact.input} has a meaning already, at contact[{seen[key]}]"
            yield Fault(what, "one input, one meaning", ("contact", index, "input"))
        seen.setdefault(key, index)


class _Known(msgspec.Struct):
    """What one source of flags said last."""

    flags: frozenset[str] = frozenset()
    sure: bool = False
    """The last time that it was asked, it could be known."""
    asked: bool = False


class Contacts:
    """The contacts of one device, and what each said last."""

    def __init__(self, settings: Sequence[Contact]) -> None:
        """Take what the site knows."""
        self.settings = tuple(settings)
        self._inputs = [_Known() for _ in self.settings]
        self._own: dict[str, _Known] = {}
        """By quantity: what the device says of itself."""
        self._own_alarm = QUIET
        self._said: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.settings)

    def take(self, readings: Sequence[Reading], *, full: bool) -> list[Reading]:
        """Return what follows from one poll, as ``mapped`` does."""
        by_name = {reading.quantity: reading for reading in readings}
        touched = {name for name in self._quantities() if name in by_name}
        for contact, known in zip(self.settings, self._inputs, strict=True):
            said = [by_name[name] for name in contact.names if name in by_name]
            if said or full:
                known.asked = True
                flags = next((flags for each in said if (flags := contact.says(each)) is not None), None)
                known.sure = flags is not None
                known.flags = known.flags if flags is None else flags
                touched.add(contact.quantity)
        for name in touched:
            self._take_own(name, by_name.get(name), full=full)
        alarm = by_name.get(ALARM)
        if alarm is not None and alarm.good and isinstance(alarm.value, str):
            self._own_alarm = alarm.value
        made = {name: judged(name, self._flags(name)) for name in sorted(touched)}
        if touched or alarm is not None:
            made[ALARM] = judged(ALARM, self._text())
        return [*(reading for reading in readings if reading.quantity not in made), *made.values()]

    def _quantities(self) -> set[str]:
        return {contact.quantity for contact in self.settings}

    def _take_own(self, name: str, reading: Reading | None, *, full: bool) -> None:
        known = self._own.setdefault(name, _Known())
        if reading is None:
            if full and known.asked:  # it said so before, and does no longer
                known.sure = False
            return
        known.asked = True
        known.sure = reading.good and isinstance(reading.value, tuple)
        if isinstance(reading.value, tuple) and known.sure:
            known.flags = frozenset(reading.value)

    def _flags(self, name: str) -> tuple[str, ...]:
        sources = [
            known for contact, known in zip(self.settings, self._inputs, strict=True) if contact.quantity == name
        ]
        sources.append(self._own[name])
        flags = {flag for known in sources for flag in known.flags}
        if any(known.asked and not known.sure for known in sources):
            flags.add("FAULT")
        return tuple(sorted(flags))

    def _text(self) -> str:
        parts = [] if self._own_alarm == QUIET else [self._own_alarm]
        for contact, known in zip(self.settings, self._inputs, strict=True):
            if known.asked and not known.sure:
                parts.append(f"{contact.label}: no state")
            elif known.flags:
                parts.append(contact.label if contact.flag in known.flags else f"{contact.label}: wire")
        return "; ".join(parts)[:256] or QUIET


def mapped(readings: Sequence[Reading], contacts: Contacts, *, full: bool = True) -> list[Reading]:
    """Return readings with what the contacts mean in them: ``ambient.status``, ``ambient.alarm``, ``x.surge.status``.

    What the device says in these itself stays, and is added to. An input that the device does not know, or that it
    has not got, keeps the flag it had and adds FAULT.

    Args:
        readings: of one poll.
        contacts: of this device; without any, the readings stay as they are.
        full: whether everything was asked; in a fast lane, what is missing was only not asked for.
    """
    return contacts.take(readings, full=full) if contacts else list(readings)


_AGGREGATES: Final = ("temperature", "humidity")


def aggregates(readings: Sequence[Reading]) -> list[Reading]:
    """Return ``x.ambient.temperature.maximum`` and its like over all probes of these readings.

    Only good readings count; where probes were asked and none has a good one, the extremes are unavailable. Nothing
    comes of readings without probes. Give it all probes of a device, or a maximum jumps with the lane.
    """
    found: list[Reading] = []
    for what in _AGGREGATES:
        probes = [reading for reading in readings if _is_probe(reading.quantity, what)]
        if not probes:
            continue
        values = [float(each.value) for each in probes if each.good and isinstance(each.value, int | float)]
        for word, extreme in (("maximum", max), ("minimum", min)):
            name = f"x.ambient.{what}.{word}"
            found.append(judged(name, extreme(values)) if values else unavailable(name))
    return found


def _is_probe(quantity: str, what: str) -> bool:
    """Say whether a name is ``ambient.temperature`` or ``ambient.#.temperature``."""
    if quantity == f"ambient.{what}":
        return True
    first, _, rest = quantity.partition(".")
    number, _, last = rest.partition(".")
    return first == "ambient" and number.isdigit() and last == what


def by_quantity(contacts: Iterable[Contact]) -> Mapping[str, frozenset[str]]:
    """Return the flags that these contacts may raise, by quantity: what a device is to be watched for because of them."""
    found: dict[str, set[str]] = {}
    for contact in contacts:
        flags = found.setdefault(contact.quantity, set())
        flags |= {contact.flag, broken(contact.quantity), "FAULT"}
    return {name: frozenset(flags) for name, flags in found.items()}
