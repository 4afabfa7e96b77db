"""What people have put aside: shelved until a time, or out of service until put back. Pure: a fold of events.

A *target* is one occurrence, one condition of a device, or a device with all its conditions. As people write it::

    4f1c…                        an occurrence, by its id
    hq/order-room/ups-1/bypass   a condition of a device
    hq/order-room/ups-1          a device

Each target has one shelving and one removal from service at the most; the newer one counts.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from contract.alarm import AlarmState
from contract.errors import UsageError
from gateway.event import CLOCK, Event

SHELVED: Final = "shelved"
UNSHELVED: Final = "unshelved"
OUT: Final = "out-of-service"
BACK: Final = "in-service"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is put aside: ``occurrence``, or the device and perhaps one condition of it."""

    occurrence: str = ""
    site: str = ""
    agent: str = ""
    device: str = ""
    condition: str = ""

    def __str__(self) -> str:
        if self.occurrence:
            return self.occurrence
        return f"{self.site}/{self.agent}/{self.device}{self.condition and f'/{self.condition}'}"


def target_of(text: str) -> Target:
    """Return the target that a person wrote.

    Raises:
        UsageError: it is none.
    """
    hint = "an occurrence's id, SITE/AGENT/DEVICE, or SITE/AGENT/DEVICE/CONDITION; `alarm list` shows them"
    text = text.strip()
    if not text or len(text) > 300 or not text.isprintable():
        raise UsageError(f"{text[:80]!r} is no alarm", hint=hint)
    if "/" not in text:
        return Target(occurrence=text)
    parts = text.split("/")
    if not 3 <= len(parts) <= 4 or not all(parts[2:]):
        raise UsageError(f"{text!r} is no alarm", hint=hint)
    return Target(site=parts[0], agent=parts[1], device=parts[2], condition="".join(parts[3:]))


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """One thing put aside: by whom, why, since when; ``until`` is a wall time, None until a person puts it back."""

    target: Target
    state: AlarmState
    who: str
    why: str
    at: float
    until: float | None = None


Key = tuple[AlarmState, Target]


class Register(msgspec.Struct, frozen=True):
    """All that is put aside."""

    entries: dict[Key, Aside] = {}

    def find(self, occurrence: str, place: tuple[str, str, str], condition: str, now: float) -> Aside | None:
        """Return what keeps an alarm from people now: out of service before shelved; of the same, the narrower one."""
        if not self.entries:
            return None
        site, agent, device = place
        targets = (
            Target(occurrence=occurrence),
            Target(site=site, agent=agent, device=device, condition=condition),
            Target(site=site, agent=agent, device=device),
        )
        for state in (AlarmState.OUT_OF_SERVICE, AlarmState.SHELVED):
            for target in targets:
                entry = self.entries.get((state, target))
                if entry is not None and (entry.until is None or now < entry.until):
                    return entry
        return None

    def standing(self, now: float) -> list[Aside]:
        """Return what is put aside now, the oldest first."""
        return [entry for entry in self.entries.values() if entry.until is None or now < entry.until]

    def ends(self, now: float) -> Iterator[float]:
        """Yield when shelvings end by themselves."""
        return (entry.until for entry in self.entries.values() if entry.until is not None and entry.until > now)


def after(register: Register, event: Event) -> Register:
    """Return the register after an event; kinds that are not about it change nothing."""
    if event.kind == CLOCK:
        return _moved(register, float(event.data.get("shift", 0.0)))
    if event.kind not in (SHELVED, UNSHELVED, OUT, BACK):
        return register
    target = msgspec.convert(event.data.get("target", {}), Target)
    state = AlarmState.SHELVED if event.kind in (SHELVED, UNSHELVED) else AlarmState.OUT_OF_SERVICE
    entries = {
        key: entry
        for key, entry in register.entries.items()
        if key != (state, target) and (entry.until is None or entry.until > event.at)
    }
    if event.kind in (SHELVED, OUT):
        until = float(event.data["until"]) if event.kind == SHELVED else None
        entries[state, target] = Aside(
            target=target, state=state, who=event.who, why=event.text, at=event.at, until=until
        )
    return Register(entries)


def fold(events: Iterable[Event]) -> Register:
    """Return what is put aside, by the events of a journal."""
    register = Register()
    for event in events:
        register = after(register, event)
    return register


def _moved(register: Register, by: float) -> Register:
    """Return it after the gateway's clock was put right: a shelving lasts as long as it would have."""
    change = msgspec.structs.replace
    return Register(
        {
            key: change(entry, at=entry.at + by, until=None if entry.until is None else entry.until + by)
            for key, entry in register.entries.items()
        }
    )
