"""The way of a message: compose it, then through the stages, in this order, to the channel.

That nobody is told twice is not decided here: a message has its place in the journal before it comes (``gateway.post``).
"""

import functools
from collections.abc import Callable, Mapping, Sequence

from gateway import links
from gateway.board.views import Card
from gateway.contacts import Person
from gateway.incident import Incident, Mail, Source
from gateway.notify.letter import Channel, Letter, Onward, Report, Stage
from gateway.notify.message import Text, compose, facts
from gateway.notify.retry import Retry
from gateway.notify.route import Route
from gateway.notify.several import several
from gateway.outside import Outside
from gateway.plan.model import Clause
from gateway.ports import Outcome

Offset = Callable[[str, float], float]
"""A site and a wall time → how far its clock is ahead of UTC then, in seconds."""


def standard_stages(channels: Mapping[str, Channel]) -> list[Stage]:
    """Return the stages, in the order in which a letter passes them."""
    return [
        Route(channels.keys()),  # by which channel, and by which next
        Retry(),  # a channel that is away is tried again
    ]


async def carry(letter: Letter, channels: Mapping[str, Channel], stages: Sequence[Stage], report: Report) -> None:
    """Take a letter through the stages to a channel, and report what became of it."""

    async def hand_over(routed: Letter) -> Outcome:
        answer = await channels[routed.channel].send(routed)
        return Outcome(channel=routed.channel, accepted=True, text=answer)

    onward: Onward = hand_over
    for stage in reversed(stages):
        onward = functools.partial(stage, onward=onward, report=report)
    await report(await onward(letter))


class Notifier:
    """Tells people of incidents."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        stages: Sequence[Stage],
        *,
        secret: bytes,
        public_url: str = "",
        utc_offset: float | Offset,
        name: Callable[[str], str] = str,
        card: Callable[[Source, str], Card | None] = lambda _source, _language: None,
        outside: Callable[[str, str], Sequence[Outside]] = lambda _clause, _device: (),
    ) -> None:
        """Keep what is passed.

        Args:
            channels: ``email``, ``webhook:<name>`` → channel.
            stages: what a letter passes, the first outermost.
            secret: of the links.
            public_url: where people reach the board; without it, messages hold no link.
            utc_offset: of every site, in seconds; or a site and a wall time → its offset.
            name: a person's id → their name.
            card: a device and a language → what is known of it now.
            outside: a clause and a device → whom to telephone outside.
        """
        self._outside = outside
        self._name = name
        self._card = card
        self._channels = channels
        self._stages = stages
        self._secret = secret
        self._public_url = public_url
        self._utc_offset = utc_offset if callable(utc_offset) else lambda _site, _at: utc_offset

    async def tell(
        self,
        incident: Incident,
        clause: Clause,
        mail: Mail,
        person: Person,
        *,
        again: bool,
        report: Report,
        also: Sequence[tuple[Incident, Clause]] = (),
    ) -> None:
        """See ``incidents.Teller``; ``also`` are incidents that the message speaks of besides (``gathering``)."""
        text, link = self._text(incident, clause, mail, person)
        if also:
            others = [self._text(*one, mail, person) for one in also]
            text = several(text, others, mail.purpose, person.language)
        said = facts(incident, clause, mail.purpose, link=link)
        if also:
            said["also"] = [one.code for one, _ in also]
        letter = Letter(
            id=mail.id,
            code=incident.code,
            purpose=mail.purpose.value,
            person=person,
            subject=text.subject,
            body=text.body,
            facts=said,
        )
        await carry(letter.resent() if again else letter, self._channels, self._stages, report)

    def _text(self, incident: Incident, clause: Clause, mail: Mail, person: Person) -> tuple[Text, str]:
        """Return the message about one incident, and the link to it."""
        link = links.url(self._public_url, self._secret, incident.code, person.id)
        text = compose(
            incident,
            clause,
            mail.purpose,
            person.language,
            link=link,
            utc_offset=self._utc_offset(incident.source.site, mail.at),
            about=mail.about,
            name=self._name,
            card=self._card(incident.source, person.language),
            outside=self._outside(clause.clause, incident.source.device),
        )
        return text, link
