"""How far each standing occurrence came: taken, told, owned. The gateway says it; it is kept with the conditions."""

import logging
from collections.abc import Callable, Mapping

from contract.alarm import Occurrence, Standing

_log = logging.getLogger(__name__)
_ORDER = list(Standing)


class Standings:
    """What the gateway said of the occurrences that stand here."""

    def __init__(
        self, standing: Callable[[], list[Occurrence]], note: Callable[[Mapping[str, Standing | None]], None]
    ) -> None:
        """Take who knows what stands, and who keeps what is known of it."""
        self.known: dict[str, Standing] = {}
        """Occurrence → how far it came."""
        self._standing = standing
        self._note = note

    def restore(self, known: Mapping[str, Standing]) -> None:
        """Go on from what an earlier process knew."""
        self.known = {**known, **self.known}

    def take(self, said: Mapping[str, Standing]) -> None:
        """Take what a gateway says; it never falls back, and strange occurrences are left aside."""
        if not said:
            return
        for occurrence in self._standing():
            new, old = said.get(occurrence.id), self.known.get(occurrence.id)
            if new is None or (old is not None and _ORDER.index(new) <= _ORDER.index(old)):
                continue
            self.known[occurrence.id] = new
            self._note({occurrence.id: new})
            _log.info("%s: %s: %s", occurrence.device, occurrence.condition, new.value)

    def tick(self) -> None:
        """Forget the occurrences that stand no longer."""
        if not self.known:
            return
        standing = {occurrence.id for occurrence in self._standing()}
        gone = [occurrence for occurrence in self.known if occurrence not in standing]
        for occurrence in gone:
            del self.known[occurrence]
        if gone:
            self._note(dict.fromkeys(gone))
