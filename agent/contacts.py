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
nothing. Pure but for what was known last: an input that is not known keeps its flag, and puts FAULT into
``ambient.status``, because silence ends no alarm and is none of health either. So does a wire with BREAK, whatever hangs
on it: a protector whose contact cannot be read has not failed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

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

Said = frozenset[tuple[str, str]]
"""Quantities and their flags."""
_BREAK: Final[Said] = frozenset({(STATUS, "BREAK")})


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
    def label(self) -> str:
        """What people call it."""
        box = "" if self.probe is None else f"{self.probe}."
        return self.title or f"{self.means} (input {box}{self.input})"

    def says(self, reading: Reading) -> Said | None:
        """Return the quantities and flags that a reading of it stands for; None where it cannot be known."""
        value = reading.value
        if not reading.good or value is None:
            return None
        if self.loop is not None:
            return self._measured(self.loop, value)
        word = str(value).strip().lower()
        if word in _BROKEN:
            return _BREAK
        if word in _ALARMED or _STATES.get(word) == self.alarm:
            return frozenset({MEANINGS[self.means]})
        return frozenset() if word in _QUIET or word in _STATES else None

    def _measured(self, loop: Loop, value: object) -> Said | None:
        if not isinstance(value, int | float):
            return None
        if loop.normal[0] <= value <= loop.normal[1]:
            return frozenset()
        inside = loop.alarm[0] <= value <= loop.alarm[1]
        return frozenset({MEANINGS[self.means]}) if inside else _BREAK


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

    flags: Said = frozenset()
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
                if flags == _BREAK:  # a fire burns its wire too: what stood, stands
                    flags |= known.flags
                known.flags = known.flags if flags is None else flags
                touched |= {contact.quantity, STATUS}
        for name in touched:
            self._take_own(name, by_name.get(name), full=full)
        alarm = by_name.get(ALARM)
        if alarm is not None and alarm.good and isinstance(alarm.value, str):
            self._own_alarm = alarm.value
        made = {name: self._flags(name) for name in sorted(touched)}
        if touched or alarm is not None:
            made[ALARM] = judged(ALARM, self._text())
        return [*(reading for reading in readings if reading.quantity not in made), *made.values()]

    def _quantities(self) -> set[str]:
        return {STATUS, *(contact.quantity for contact in self.settings)}

    def _take_own(self, name: str, reading: Reading | None, *, full: bool) -> None:
        known = self._own.setdefault(name, _Known())
        if reading is None:
            if full and known.asked:  # it said so before, and does no longer
                known.sure = False
            return
        known.sure = reading.good and isinstance(reading.value, tuple)
        known.asked |= known.sure  # what it never knew, it has not got: that is no loss
        if isinstance(reading.value, tuple) and known.sure:
            known.flags = frozenset((name, flag) for flag in reading.value)

    def _flags(self, name: str) -> Reading:
        """Return a set of flags; where none is up, and not all is known, it cannot be called empty."""
        own = self._own[name]
        flags = {flag for known in (*self._inputs, own) for quantity, flag in known.flags if quantity == name}
        of_it = [known for contact, known in zip(self.settings, self._inputs, strict=True) if contact.quantity == name]
        lost = [known for known in ((*self._inputs, own) if name == STATUS else (*of_it, own)) if not known.sure]
        if any(known.asked for known in lost):
            if name != STATUS and not flags:
                return unavailable(name)
            flags |= {"FAULT"} if name == STATUS else set()
        return judged(name, tuple(flags))

    def _text(self) -> str:
        parts = [] if self._own_alarm == QUIET else [self._own_alarm]
        for contact, known in zip(self.settings, self._inputs, strict=True):
            if known.asked and not known.sure:
                parts.append(f"{contact.label}: no state")
            elif known.flags:
                parts.append(f"{contact.label}: wire" if known.flags >= _BREAK else contact.label)
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
    found: dict[str, frozenset[str]] = {}
    for contact in contacts:
        name, flag = MEANINGS[contact.means]
        found[name] = found.get(name, frozenset()) | {flag}
        found[STATUS] = found.get(STATUS, frozenset()) | {"BREAK", "FAULT"}
    return found
