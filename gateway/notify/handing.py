"""What messages say of who has an incident, and of its coming again. Pure."""

from collections.abc import Callable

from gateway.board.words import Words
from gateway.incident import Incident, Purpose


def said(incident: Incident, purpose: Purpose, words: Words, name: Callable[[str], str]) -> list[str]:
    """Return the sentences that stand above the facts of a message; none where the purpose says it all.

    Args:
        incident: as it is when the message goes out.
        purpose: of the message.
        words: the language.
        name: a person's id → their name.
    """
    offer = incident.handover
    match purpose:
        case Purpose.HANDOVER if offer is not None:
            text = words("say.handover", giver=name(offer.giver), words=offer.words)
        case Purpose.HANDED_OVER:
            text = words("say.handed-over", owner=name(incident.owner))
        case Purpose.HANDED_BACK if offer is not None and offer.answer == "declined-handover":
            text = words("say.declined", taker=name(offer.taker), words=offer.answer_words or words("no-words"))
        case Purpose.HANDED_BACK if offer is not None:
            text = words("say.lapsed", taker=name(offer.taker))
        case Purpose.PROGRESS:
            text = words("say.progress")
        case Purpose.EXPIRED | Purpose.PAGE if incident.expired:
            text = words("say.owner-expired", owner=name(incident.expired))
        case _:
            return []
    return [*text.split("\n"), ""]


def again(incident: Incident, words: Words) -> str:
    """Return which one in a row it is, and which was the last; empty for the first."""
    return words("recurrence", n=incident.count, code=incident.recurs) if incident.recurs else ""


def answer(code: str, purpose: Purpose, link: str, words: Words) -> str:
    """Return how the message is answered, where that is not 收到 or 我处理; empty otherwise."""
    match purpose:
        case Purpose.HANDOVER:
            return words("answer.take", link=link) if link else words("answer.take-code", code=code)
        case Purpose.PROGRESS | Purpose.HANDED_BACK:
            return words("answer.progress", link=link) if link else words("answer.progress-code", code=code)
        case Purpose.HANDED_OVER:
            return words("answer.look", link=link) if link else ""
        case _:
            return ""
