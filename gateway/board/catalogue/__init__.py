"""What people read, in Chinese and in English: one table in several files, so that neither language is forgotten."""

from typing import Final

from gateway.board.catalogue import conditions, drill, flags, hands, headquarters, pages, plan, quantities, reports

PARTS: Final = (
    pages.TEXT,
    hands.TEXT,
    headquarters.TEXT,
    plan.TEXT,
    conditions.TEXT,
    flags.TEXT,
    quantities.TEXT,
    drill.TEXT,
    reports.TEXT,
)
TEXT: Final[dict[str, tuple[str, str]]] = {key: both for part in PARTS for key, both in part.items()}
"""Key → Chinese, English."""
