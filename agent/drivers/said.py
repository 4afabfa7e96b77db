"""Texts of readings: short, and harmless whatever they are made of."""

from collections.abc import Sequence
from typing import Final

LONGEST: Final = 256
"""Characters of a text that the dictionary takes."""
NONE: Final = "none"
"""What a text says where there is nothing to say: an empty one would be implausible."""


def brief(text: str, most: int = LONGEST) -> str:
    """Return a text of so many characters at the most, without what would act on a terminal or in a log."""
    plain = harmless(text[: most + 1])
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def harmless(text: str) -> str:
    r"""Return a text in which controls, half characters and marks that turn the direction of writing stand as \x1b."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def joined(problems: Sequence[str]) -> str:
    """Return problems as one text; 'none' for none, and the number of those that have no room."""
    text, left = "", list(problems)
    while left:
        more = f"; {left[0]}" if text else left[0]
        if text and len(text) + len(more) > LONGEST - 12:
            return brief(f"{text}; +{len(left)} more")
        text += more
        del left[0]
    return brief(text) or NONE
