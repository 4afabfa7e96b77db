"""``wolfsmoke-gateway try PERSON``: a message by every channel of a person, so that an alarm is not the first to try it."""

from collections.abc import Mapping
from typing import Final

from contract.errors import NotifyError
from gateway.contacts import Person
from gateway.notify.letter import Channel, outside
from gateway.notify.route import addresses
from gateway.ports import Outcome

PURPOSE: Final = "trial"
_TEXTS: Final = {
    "zh": ("【测试】狼烟通知测试", "这是一条测试消息，不是报警：{name}，报警会从这里通知您。\n"),
    "en": ("[Test] wolfsmoke", "This is a test and no alarm: {name}, this is how you would hear of one.\n"),
}


async def trial(person: Person, channels: Mapping[str, Channel]) -> list[Outcome]:
    """Send one test message by each channel of a person, once; return what became of each."""
    outcomes = []
    subject, body = _TEXTS[person.language]
    body = body.format(name=person.name)
    for name, address in addresses(person):
        if name not in channels:
            outcomes.append(Outcome(channel=name, accepted=False, text="not configured"))
            continue
        letter = outside(person, name, address, purpose=PURPOSE, subject=subject, body=body)
        try:
            outcomes.append(Outcome(channel=name, accepted=True, text=await channels[name].send(letter)))
        except NotifyError as error:
            outcomes.append(Outcome(channel=name, accepted=False, text=str(error)))
    return outcomes
