"""The account of the numbers that were given out: how far each epoch came, what is settled, what will never be sent."""

import logging
from collections.abc import Iterable, Sequence

from agent.outbox.mark import Mark
from agent.outbox.spool import Account, Contents
from contract.message import Ack, Held, Voided
from contract.ranges import Ranges

_log = logging.getLogger(__name__)


class Ledger:
    """Numbers of the running epoch, and what is to be said of earlier ones until every gateway knows it."""

    def __init__(self, epoch: str, mark: Mark) -> None:
        """Take the running epoch, and where it is noted how far it came."""
        self.epoch = epoch
        self.last = 0
        """The highest number that was given out."""
        self.settled = 0
        self.voided: dict[tuple[str, str], Ranges] = {}
        """Epoch and reason → what will never be sent; merged, so that hello stays small."""
        self._journal = ""
        """The journal that acknowledged last."""
        self._mark = mark
        self._read = False
        """The disk could be read."""
        self._earlier = {account.epoch: account for account in mark.left}
        """How far the epochs before this one came, the oldest first."""
        self._told: set[str] = set()
        """Epochs that hello told of."""
        self._hello = int(epoch[:10], 16) << 12
        """The number of the last one; no two processes have the same."""
        self._confirmed: dict[str, set[str]] = {}
        """Epoch → who knows all that hello says of it."""
        self._grieved: set[str] = set()
        """Reasons for losses that were told."""

    def __contains__(self, epoch: str) -> bool:
        return epoch == self.epoch or epoch in self._earlier

    def highest(self, epoch: str) -> int:
        """Return the highest number of an epoch that is known to have been given out."""
        return self.last if epoch == self.epoch else self._earlier[epoch].last

    @property
    def ours(self) -> Account:
        """The account of the running epoch."""
        return Account(self.epoch, self.last, self.settled, self._journal)

    @property
    def earlier(self) -> list[Account]:
        """The accounts of the epochs before it."""
        return list(self._earlier.values())

    def open(self) -> None:
        """Note that the epoch is running."""
        self._note()

    def count(self) -> None:
        """Give out the next number: it is noted before anybody can hear of it."""
        self.last += 1
        self._note()

    def settle(self, lowest: int, journal: str = "") -> None:
        """Note the lowest number of this epoch that is still held, 0 for none, and the journal that took what is not."""
        self._journal = journal or self._journal
        self.settled = lowest - 1 if lowest else self.last
        self._note()

    def number(self) -> int:
        """Return the number of the next hello."""
        self._hello += 1
        return self._hello

    def held(self, holding: dict[str, Ranges]) -> tuple[Held, ...]:
        """Return what hello says of every epoch, the oldest first; it is told from now on.

        As long as the disk could not be read, nothing is said of earlier epochs: what is held of them is not known.
        """
        earlier = self._earlier if self._read else {}
        self._told = set(earlier)
        said = []
        for account in [*earlier.values(), self.ours]:
            spans = holding.get(account.epoch, Ranges())
            last = max(account.last, spans.highest)
            said.append(
                Held(account.epoch, tuple(spans), last, account.settled, account.journal, unsure=account.unsure)
            )
        return tuple(said)

    def lost(self) -> tuple[Voided, ...]:
        """Return what hello says of what will never be sent."""
        return tuple(Voided(epoch, tuple(spans), reason) for (epoch, reason), spans in self.voided.items())

    def void(self, voided: Voided) -> None:
        """Note what will never be sent, and say so; the same reason again is not said again."""
        self.remember(voided)
        self._told.discard(voided.epoch)  # the next hello has more to say of it
        self._confirmed.pop(voided.epoch, None)
        level = logging.DEBUG if voided.reason in self._grieved else logging.ERROR
        self._grieved.add(voided.reason)
        _log.log(
            level, "%d messages of epoch %s are lost: %s", Ranges(voided.spans).count(), voided.epoch, voided.reason
        )

    def remember(self, voided: Voided) -> None:
        """Note what will never be sent."""
        key = voided.epoch, voided.reason
        self.voided[key] = self.voided.get(key, Ranges()).union(voided.spans)

    def take_in(self, contents: Contents, held: dict[str, Ranges], done: Sequence[str]) -> None:
        """Take what the disk knows of earlier epochs; ``done`` are those of which nothing is to be said any more."""
        self._read = True
        known = {account.epoch: account for account in contents.accounts if account.epoch not in done}
        earlier = {epoch: self._earlier.get(epoch, account) for epoch, account in known.items()} | self._earlier
        self._earlier = {
            epoch: Account(
                epoch,
                max(account.last, held.get(epoch, Ranges()).highest),
                account.settled,
                account.journal,
                account.unsure,
            )
            for epoch, account in earlier.items()
        }

    def on_disk(self) -> None:
        """Take it that the disk knows of the earlier epochs: the mark need not any more."""
        if self._mark.left:
            self._mark.known()

    def perhaps(self) -> dict[str, Ranges]:
        """Return, for earlier epochs, what may have been on a disk that cannot be read any more."""
        return {account.epoch: Ranges([(account.settled + 1, account.last)]) for account in self._earlier.values()}

    def confirm(self, ack: Ack, names: Iterable[str]) -> bool:
        """Take an acknowledgement; say whether everybody who must knows of its epoch, which is an earlier one.

        Only one that answers the last hello: others say nothing of what it told.
        """
        if ack.epoch not in self._told or ack.hello != self._hello:
            return False
        who = self._confirmed.setdefault(ack.epoch, set())
        who.add(ack.gateway)
        return who.issuperset(names)

    def renewed(self, gateway: str) -> None:
        """Take it that a gateway knows nothing any more."""
        for who in self._confirmed.values():
            who.discard(gateway)

    def forget(self, epoch: str) -> None:
        """Say nothing more of an epoch."""
        del self._earlier[epoch]
        self._confirmed.pop(epoch, None)
        self._told.discard(epoch)
        for key in [key for key in self.voided if key[0] == epoch]:
            del self.voided[key]

    def close(self) -> None:
        """Let go of the mark; what is in it stays."""
        self._mark.close()

    def _note(self) -> None:
        self._mark.note(self.epoch, self.last, self.settled, self._journal)
