"""Whether a nearer step of a line loses what the far end loses, by counts of echo requests: two exact tests. Pure.

Twenty pings of which three are lost are 3 % or 38 %: a share alone is no evidence. Sources: R. A. Fisher's exact test of two
shares (hypergeometric), and the binomial test of one.
"""

import math
from typing import Final

import msgspec

ERROR: Final = 0.005
"""How often, at the most, chance alone may make either finding."""
SOUND: Final = 0.02
"""What a step loses that is well: routers answer for themselves when they have time."""


class Counts(msgspec.Struct, frozen=True):
    """So many were sent, and so many of them had no answer."""

    sent: int = 0
    lost: int = 0

    @property
    def share(self) -> float:
        """Lost, of 1; 0 where nothing was sent."""
        return self.lost / self.sent if self.sent else 0.0


def fewer(near: Counts, far: Counts) -> float:
    """Return how likely the nearer step loses as few as it did, or fewer, if both lose alike."""
    sent, lost = near.sent + far.sent, near.lost + far.lost
    least = max(0, lost - far.sent)
    ways = sum(math.comb(near.sent, one) * math.comb(far.sent, lost - one) for one in range(least, near.lost + 1))
    return ways / math.comb(sent, lost)


def as_many(counts: Counts, share: float) -> float:
    """Return how likely so many are lost, or more, where this share is lost."""
    sent = counts.sent
    below = sum(math.comb(sent, one) * share**one * (1.0 - share) ** (sent - one) for one in range(counts.lost))
    return max(0.0, 1.0 - below)


def part(near: Counts, far: Counts) -> bool | None:
    """Say whether a nearer step has its part in what the far end loses; None where that cannot be told from so few.

    It has, where it loses more than a sound one does, and not clearly less than half of what the far end loses. It has
    not, where it loses less than the far end, and that is no chance.
    """
    loses = as_many(near, SOUND) < ERROR
    if fewer(near, far) < ERROR:
        return loses and near.share >= far.share / 2
    return True if loses else None
