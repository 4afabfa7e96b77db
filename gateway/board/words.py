"""What the board says, in Chinese and in English. One table, so that neither language is forgotten."""

import math
from collections.abc import Mapping
from typing import Final

from gateway.board.catalogue import TEXT

LANGUAGES: Final = {"zh": "中文", "en": "English"}
"""Language → its own name."""


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        """Take ``zh`` or ``en``; anything else reads Chinese."""
        self.language = language if language in LANGUAGES else "zh"
        self._at = list(LANGUAGES).index(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """Return a text of the catalogue.

        Raises:
            KeyError: the catalogue has no such text: a mistake of ours, found by the tests.
        """
        text = TEXT[key][self._at]
        return text.format(**values) if values else text

    def name(self, group: str, code: str) -> str:
        """Return what a code of a group is called; a code that the catalogue does not know speaks for itself."""
        texts = TEXT.get(f"{group}.{code}")
        return texts[self._at] if texts else code

    def either(self, zh: str, en: str) -> str:
        """Return the one of two given texts that is ours; the other one when ours is empty."""
        return (en or zh) if self.language == "en" else (zh or en)

    def age(self, seconds: float) -> str:
        """Return how long ago something was; what lies a moment ahead (clocks differ) is now."""
        n, unit = _coarse(seconds)
        return self("age-now") if unit == "s" and n < 2 else self(f"age-{unit}", n=n)

    def span(self, seconds: float) -> str:
        """Return a duration in its two largest units."""
        whole = _whole(seconds)
        parts = [("d", whole // 86400), ("h", whole // 3600 % 24), ("m", whole // 60 % 60), ("s", whole % 60)]
        first = next((at for at, (_, n) in enumerate(parts) if n), 3)
        return " ".join(self(f"span-{unit}", n=n) for unit, n in parts[first : first + 2] if n or unit == "s")

    def for_script(self) -> Mapping[str, str]:
        """Return what the page's own script says: it counts the ages between two updates."""
        keys = ("age-now", "age-s", "age-m", "age-h", "age-d", "live", "cut-short", "loading-failed", "chart-none")
        return {key: TEXT[key][self._at] for key in keys} | {"quality-stale": TEXT["quality.stale"][self._at]}


def _coarse(seconds: float) -> tuple[int, str]:
    """Return an age in its largest unit. ``static/board.js`` counts by the same steps."""
    whole = _whole(seconds)
    if whole < 120:
        return whole, "s"
    if whole < 7200:
        return whole // 60, "m"
    if whole < 172800:
        return whole // 3600, "h"
    return whole // 86400, "d"


def _whole(seconds: float) -> int:
    """Return whole seconds, 0 at the least; a device may have sent any number."""
    return max(0, int(seconds)) if math.isfinite(seconds) else 0


def pairs() -> Mapping[str, tuple[str, str]]:
    """Return the whole catalogue, for the tests."""
    return TEXT
