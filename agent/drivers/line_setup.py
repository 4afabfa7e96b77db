"""What a line is, what a poll of it saw, and what is learned of it: the values that its driver and its self-check share."""

import msgspec

from agent import loss as losses
from agent.loss import Counts
from agent.probing import Outcome, Route, Target, Window
from agent.selfcheck import Mark, Setting


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Beyond these a line is degraded: %, ms, ms."""

    loss: float = 10.0
    delay: float = 500.0
    jitter: float = 100.0


class PortOf(msgspec.Struct, frozen=True, kw_only=True):
    """The port of a switch that the line hangs on: the device that says how it is, and the port's name or alias."""

    device: str
    name: str


class PowerOf(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds the equipment: a UPS; or a device that shows a flag when the power is gone."""

    device: str
    quantity: str = ""
    flag: str = ""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a line is."""

    far: tuple[Target, ...]
    dns: tuple[Target, ...] = ()
    route: Route = Route()
    carrier: str = ""
    gateway: str = ""
    hop: str = ""
    equipment: str = ""
    """Address of the equipment on our side."""
    equipment_device: str = ""
    """The same as a device of this agent."""
    port: PortOf | None = None
    power: PowerOf | None = None
    setting: Setting = Setting()
    window: float = 60.0
    limits: Limits = Limits()


class Weakness(msgspec.Struct, frozen=True, kw_only=True):
    """What of a line is beyond its limits, %, ms, ms; None for what is not."""

    loss: float | None = None
    delay: float | None = None
    jitter: float | None = None

    counts: Counts = Counts()
    """Of the far target whose loss it is."""

    def of(self, window: Window) -> Mark:
        """Say whether a nearer step has its part in it: of delay and jitter half; of loss, as far as chance does not explain it."""
        pairs = ((self.delay, window.delay), (self.jitter, window.jitter))
        if any(far is not None and near is not None and near >= far / 2 for far, near in pairs):
            return Mark.WEAK
        if self.loss is None:
            return Mark.OK
        has = losses.part(Counts(window.sent, window.lost), self.counts)
        return Mark.DOUBTFUL if has is None else Mark.WEAK if has else Mark.OK


class Learned(msgspec.Struct, frozen=True):
    """What a good line taught: kept over a restart, as one may come while the line is down."""

    gateway: str = ""
    hop: str = ""
    answered: tuple[str, ...] = ()
    setup: str = ""
    """What of the settings it was learned under: with others it is worth nothing."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the poll before it saw."""

    far: tuple[Outcome, ...]
    dns: tuple[Outcome, ...]
    weakness: Weakness | None = None
    """Of a line that carries badly."""
