"""The messages of an incident, and what became of each. Pure."""

import msgspec

from gateway.event import Event
from gateway.incident.model import Mail, Purpose


def mails_after(mails: tuple[Mail, ...], event: Event) -> tuple[Mail, ...]:
    """Return the messages of a round after an event about one of them."""
    data = event.data
    number = str(data.get("message", ""))
    if event.kind == "message":
        if any(mail.id == number for mail in mails):
            return mails
        try:
            purpose = Purpose(data.get("purpose", Purpose.PAGE))
        except ValueError:  # of a later version, which alone knows what to do with it
            return mails
        new = Mail(
            id=number,
            person=event.who,
            purpose=purpose,
            at=event.at,
            rank=int(data.get("rank", 0)),
            clause=str(data.get("clause", "")),
            about=tuple(map(str, data.get("about", ()))),
        )
        return (*mails, new)
    return tuple(_outcome(mail, event) if mail.id == number else mail for mail in mails)


def _outcome(mail: Mail, event: Event) -> Mail:
    """Return the message after news of it: one channel that took it counts for more than another's failure."""
    if event.kind == "resent":
        return msgspec.structs.replace(mail, again=True)
    if event.kind == "accepted":
        return msgspec.structs.replace(mail, accepted=True, failed=False)
    if event.data.get("last") and not mail.accepted:
        return msgspec.structs.replace(mail, failed=True)
    return mail
