"""The message of the day: what is fine, what is not, what is open. It comes every day, so that its absence says something.

It goes out by every channel of each person who gets it, and so tries the channels before an alarm needs them. A channel
that fails is told by those that work.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from contract.errors import StorageError
from gateway.alarms.aside import Aside
from gateway.board import views
from gateway.board.words import Words
from gateway.contacts import Contacts, Person
from gateway.event import Event
from gateway.incident import Incident
from gateway.live import Live
from gateway.notify.letter import Channel, Letter, outside
from gateway.notify.message import Text, clock_time
from gateway.notify.retry import Retry
from gateway.notify.route import addresses
from gateway.ports import Keeper, Outcome

_log = logging.getLogger(__name__)
KIND: Final = "digest"


def compose(
    live: Live,
    incidents: Iterable[Incident],
    language: str,
    *,
    now: float,
    utc_offset: float,
    aside: Iterable[Aside] = (),
) -> Text:
    """Return the message of the day.

    Args:
        live: what is known now.
        incidents: all of them.
        language: ``zh`` or ``en``.
        now: the gateway's wall clock.
        utc_offset: of the site, in seconds.
        aside: what people have put aside: it is shown each day, so that nobody forgets it.
    """
    words = Words(language)
    cards = views.cards(live, words, views.Ages(), now)
    wrong = [card for card in cards if card.state != "fine"]
    away = sorted(f"{agent.site}/{agent.name}" for agent in live.agents.values() if not agent.online)
    running = [one for one in incidents if one.closed is None or one.stands_closed]
    fine = words("sum-fine", count=len(cards) - len(wrong)) if cards else words("sum-none")
    parts = [fine]
    parts += [words("sum-wrong", count=len(wrong))] if wrong else []
    parts += [words("sum-away", count=len(away))] if away else []
    parts += [words("sum-incidents", count=len(running))] if running else []
    mark = words("digest-calm") if cards and len(parts) == 1 else words("digest-look")
    lines = [words("digest", at=clock_time(now, utc_offset)), *parts]
    rows = [f"{card.title} · {card.place}: {words.name('state', card.state)}" for card in wrong]
    rows += [f"{words('agent')} {name}: {words.name('state', 'away')}" for name in away]
    for one in running:
        owner = f"{words('owner')} {one.owner}" if one.owner else words("nobody")
        title = words.either(one.head.title_zh, one.head.title_en)
        rows.append(f"{one.code} {title} · {one.source.place}: {words.name('incident', one.state.value)} · {owner}")
    for entry in aside:
        until = f" {words('until', at=clock_time(entry.until, utc_offset))}" if entry.until is not None else ""
        state = words.name("alarm", entry.state.value)
        rows.append(f"{state}{words('colon')}{entry.target} · {entry.who} · {entry.why}{until}")
    lines += ["", *(f"- {row}" for row in rows)] if rows else []
    return Text(f"{mark}{words('comma').join(parts)}", "\n".join(lines) + "\n")


class Digest:
    """Sends the message of the day."""

    def __init__(
        self,
        live: Live,
        incidents: Callable[[], Iterable[Incident]],
        contacts: Contacts,
        channels: Mapping[str, Channel],
        journal: Keeper,
        wall: Callable[[], float],
        *,
        retry: Retry | None = None,
        aside: Callable[[], Iterable[Aside]] = tuple,
    ) -> None:
        """Take what it tells of, who gets it, by what, where its outcome is kept, the clock, and how it tries again."""
        self._live = live
        self._incidents = incidents
        self._contacts = contacts
        self._channels = channels
        self._journal = journal
        self._wall = wall
        self._retry = retry or Retry()
        self._aside = aside

    @property
    def wanted(self) -> bool:
        """Whether anybody gets it."""
        return bool(self._contacts.digest.people)

    async def last(self) -> float | None:
        """Return when it was last sent (wall seconds, by the clock as it was then); None for never."""
        events = list(await self._journal.events(""))
        return next((event.at for event in reversed(events) if event.kind == KIND), None)

    async def send(self) -> None:
        """Send it to everybody who gets it, by every channel they have."""
        failed: list[str] = []
        working: list[tuple[Person, str, str]] = []
        for person in map(self._contacts.find, self._contacts.digest.people):
            now = self._wall()
            offset = self._contacts.hours.offset(now)
            text = compose(
                self._live, self._incidents(), person.language, now=now, utc_offset=offset, aside=self._aside()
            )
            for channel, address in addresses(person):
                outcome = await self._tell(person, channel, address, text)
                if outcome.accepted:
                    working.append((person, channel, address))
                else:
                    failed.append(f"{channel} → {person.name}: {outcome.text}")
                    _log.error("the message of the day did not go out: %s", failed[-1])
        await self._keep(failed, [f"{channel} → {person.name}" for person, channel, _ in working])
        told: set[str] = set()
        for person, channel, address in working if failed else []:
            if person.id not in told:
                words = Words(person.language)
                told.add(person.id)
                await self._tell(person, channel, address, Text(words("digest-broken"), "\n".join(failed) + "\n"))

    async def _tell(self, person: Person, channel: str, address: str, text: Text) -> Outcome:
        if channel not in self._channels:
            return Outcome(channel=channel, accepted=False, text="not configured")
        letter = outside(person, channel, address, purpose=KIND, subject=text.subject, body=text.body)

        async def onward(letter: Letter) -> Outcome:
            return Outcome(channel=channel, accepted=True, text=await self._channels[channel].send(letter))

        async def report(outcome: Outcome) -> None:
            _log.warning("the message of the day is tried again: %s: %s", outcome.channel, outcome.text)

        return await self._retry(letter, onward, report)

    async def _keep(self, failed: Sequence[str], accepted: Sequence[str]) -> None:
        event = Event(at=self._wall(), kind=KIND, data={"accepted": list(accepted), "failed": list(failed)})
        try:
            await self._journal.record_event(event)
        except StorageError as error:
            _log.error("that the message of the day was sent is not on record: %s", error)
