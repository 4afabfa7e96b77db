"""Two agents under one name, as of a cloned card. Pure: the time is an argument.

Each process start of an agent is an epoch, and a later hello replaces the one before. An epoch that was replaced and yet
goes on speaking, while the other does too, is another agent. A restart, a line that comes back, a backlog of old epochs,
or a message that was long under way is none.
"""

from typing import Final

import msgspec

SPREAD: Final = 15.0
"""Seconds that an epoch has to go on speaking after it was replaced: longer than a heartbeat. What comes late comes at once."""
QUIET: Final = 300.0
"""Seconds without a word after which an epoch is over."""
_REPLACED: Final = 50
"""Epochs remembered of one agent."""

Key = tuple[str, str]
"""Site, agent."""


class _Name(msgspec.Struct):
    """What was heard under one name; all times are boottimes of the gateway."""

    current: str = ""
    """The epoch that spoke for the first time last."""
    heard: dict[str, float] = {}
    """Epoch → when it last spoke."""
    replaced: dict[str, None] = {}
    """Epochs that another one has replaced, in that order."""
    back: dict[str, float] = {}
    """Replaced epoch → since when it speaks again."""


class Twins:
    """Knows which names two agents use at once. ``now`` is the gateway's boottime, seconds."""

    def __init__(self) -> None:
        """Know nothing."""
        self._names: dict[Key, _Name] = {}

    def hello(self, site: str, agent: str, epoch: str, now: float) -> None:
        """Take that an epoch said hello."""
        self._speaks((site, agent), epoch, now)

    def state(self, site: str, agent: str, epoch: str, now: float) -> None:
        """Take an epoch's heartbeat: one that was not retained, and that says it is there. A last will says nothing."""
        self._speaks((site, agent), epoch, now)

    def standing(self, now: float) -> set[Key]:
        """Return the names under which two speak."""
        return {key for key, name in self._names.items() if len(_both(name, now)) > 1}

    def epochs(self, site: str, agent: str, now: float) -> tuple[str, ...]:
        """Return the epochs that speak under a name; one, unless there are two agents of that name."""
        name = self._names.get((site, agent), _Name())
        return tuple(sorted(_both(name, now))) or ((name.current,) if name.current else ())

    def _speaks(self, key: Key, epoch: str, now: float) -> None:
        if not epoch:
            return
        name = self._names.setdefault(key, _Name())
        _forget(name, now)
        name.heard[epoch] = now
        if epoch in name.replaced:
            name.back.setdefault(epoch, now)
        elif epoch != name.current:
            if name.current:
                name.replaced[name.current] = None
            name.current = epoch
            while len(name.replaced) > _REPLACED:
                gone = next(iter(name.replaced))
                del name.replaced[gone]
                name.back.pop(gone, None)


def _both(name: _Name, now: float) -> set[str]:
    """Return the epochs that go on speaking side by side, empty where there is only one."""
    alive = {epoch for epoch, at in name.heard.items() if now - at <= QUIET}
    found: set[str] = set()
    for epoch, since in name.back.items():
        others = {other for other in alive if other != epoch and name.heard[other] > since}
        if epoch in alive and name.heard[epoch] - since >= SPREAD and others:
            found |= {epoch, *others}
    return found


def _forget(name: _Name, now: float) -> None:
    """Forget who is over. Where only a replaced one is left, it is the current one again."""
    for epoch in [epoch for epoch, at in name.heard.items() if now - at > QUIET]:
        del name.heard[epoch]
        name.back.pop(epoch, None)
    if name.back and name.current not in name.heard:
        name.replaced[name.current] = None
        name.current = min(name.back, key=name.back.__getitem__)
        del name.replaced[name.current], name.back[name.current]
