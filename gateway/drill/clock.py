"""A clock that runs faster than the real one, for a drill only: five hours of the plan in five minutes."""

from contract.clock import Clock, Stamp


class ScaledClock:
    """Begins at the real time, and runs ``speed`` times as fast. No step of the real clock touches it."""

    def __init__(self, real: Clock, speed: float) -> None:
        """Take the real clock, and how fast this one runs."""
        self._real = real
        self._speed = speed
        self._from = real.stamp()

    def stamp(self) -> Stamp:
        """Return this moment of the drill."""
        passed = self.boottime() - self._from.boottime
        return Stamp(self._from.wall + passed, self._from.boottime + passed, self._from.boot, trusted=True)

    def boottime(self) -> float:
        """Return seconds since the host booted, with those of the drill scaled."""
        return self._from.boottime + (self._real.boottime() - self._from.boottime) * self._speed
