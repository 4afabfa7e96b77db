"""What people read, in Chinese and in English: one table in four files, so that neither language is forgotten."""

from typing import Final

from gateway.board.catalogue import conditions, flags, pages, quantities

PARTS: Final = (pages.TEXT, conditions.TEXT, flags.TEXT, quantities.TEXT)
TEXT: Final[dict[str, tuple[str, str]]] = {key: both for part in PARTS for key, both in part.items()}
"""Key → Chinese, English."""
