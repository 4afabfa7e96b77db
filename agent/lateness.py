"""How late the event loop is: what comes late here, every poll and every alarm comes late too."""

import asyncio
from collections import deque
from typing import Final

_STEP: Final = 0.25
"""Seconds between two looks."""
_WINDOW: Final = 60.0


class Lateness:
    """Keeps the worst lateness of the last minute, in seconds."""

    def __init__(self) -> None:
        """Start with none."""
        self._late: deque[tuple[float, float]] = deque()
        """When, and how late; later ones are always less late."""

    async def run(self) -> None:
        """Look for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _STEP
            await asyncio.sleep(_STEP)
            now = loop.time()
            self.take(now, now - due)

    def take(self, now: float, late: float) -> None:
        """Take one look, at this moment of a clock that never goes back."""
        while self._late and self._late[-1][1] <= late:
            self._late.pop()
        self._late.append((now, max(0.0, late)))
        self._drop(now)

    def worst(self, now: float) -> float:
        """Return the worst of the minute before this moment."""
        self._drop(now)
        return self._late[0][1] if self._late else 0.0

    def _drop(self, now: float) -> None:
        while self._late and now - self._late[0][0] > _WINDOW:
            self._late.popleft()
