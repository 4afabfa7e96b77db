"""Which channels, in which order: the person's preferred one first, the next one when it fails."""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from gateway.contacts import Person
from gateway.notify.letter import Letter, Onward, Report
from gateway.ports import Outcome


class Route:
    """Tries the person's channels until one accepts; reports each try that failed before."""

    def __init__(self, channels: Collection[str]) -> None:
        """Take the names of the channels that are configured."""
        self._channels = channels

    async def __call__(self, letter: Letter, onward: Onward, report: Report) -> Outcome:
        """See ``Stage``."""
        ways = [way for way in addresses(letter.person) if way[0] in self._channels]
        if not ways:
            text = f"no channel of {letter.person.id} is configured"
            return Outcome(channel="", accepted=False, text=text, last=True)
        for channel, address in ways[:-1]:
            outcome = await onward(replace(letter, channel=channel, address=address))
            if outcome.accepted:
                return outcome
            await report(outcome)
            letter = letter.resent() if outcome.unknown else letter
        channel, address = ways[-1]
        outcome = await onward(replace(letter, channel=channel, address=address))
        return outcome if outcome.accepted else replace(outcome, last=True)


def addresses(person: Person) -> Iterator[tuple[str, str]]:
    """Yield channel and address, the preferred one first."""
    ways = []
    if person.webhook:
        ways.append((f"webhook:{person.webhook}", person.id))
    if person.email:
        ways.append(("email", person.email))
    yield from sorted(ways, key=lambda way: not way[0].startswith(person.prefer))
