"""One message about several incidents: how many, the gravest in full, every other one by its line. Pure."""

from collections.abc import Sequence

from gateway.board.words import Words
from gateway.incident import Purpose
from gateway.notify.message import Text


def several(first: Text, others: Sequence[tuple[Text, str]], purpose: Purpose, language: str) -> Text:
    """Return the message.

    Args:
        first: about the gravest, in full.
        others: the message that each of the others would have been, and the link to it ("" for none).
        purpose: of all of them.
        language: ``zh`` or ``en``.
    """
    words = Words(language)
    count = len(others) + 1
    key = "several-over" if purpose is Purpose.RECOVERY else "several"
    lines = [words(key, count=count), ""]
    lines += [f"- {text.subject}{f' {link}' if link else ''}" for text, link in others]
    return Text(words(f"{key}-subject", count=count, first=first.subject), "\n".join([*lines, "", first.body]))
