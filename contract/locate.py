"""Which line of a TOML text a key stands on. ``tomllib`` does not say, and a person with a typing error needs it."""

import re
import tomllib
from bisect import bisect_right
from typing import Final

Path = tuple[str | int, ...]
"""Keys and, for arrays, indexes: ``("device", 0, "snmp", "host")``."""

_GAP: Final = re.compile(r"(?:\s|#[^\n]*)*")
_STRING: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")'  # up to two quotes may stand right before the end
    r"|'''.*?'''(?!')"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN: Final = re.compile(r"[^,\]}\n#]*")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")


class Locator:
    """The lines of one text, which ``tomllib`` has found to be TOML."""

    def __init__(self, text: str) -> None:
        """Scan the text once."""
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer(r"\n", text))]
        self._lines: dict[Path, int] = {}
        self._scan()

    def line(self, path: Path) -> int:
        """Return the line of a key, or of the nearest thing around it that has one; 0 when there is none."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 0

    def _scan(self) -> None:
        here: Path = ()
        counts: dict[Path, int] = {}
        while self._peek():
            if self._take("[["):
                here = self._open(self._keys(), counts, array=True)
                self._take("]]")
            elif self._take("["):
                here = self._open(self._keys(), counts, array=False)
                self._take("]")
            else:
                self._pair(here)

    def _open(self, keys: list[str], counts: dict[Path, int], *, array: bool) -> Path:
        """Return the path of a table header; ``counts`` knows the last index of each array of tables."""
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if array and position == len(keys) - 1:
                counts[path] = counts.get(path, -1) + 1
                self._note(path)
            if path in counts:
                path = (*path, counts[path])
            self._note(path)
        return path

    def _pair(self, here: Path) -> None:
        path = here
        for key in self._keys():
            path = (*path, key)
            self._note(path)
        self._take("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._take("["):
            index = 0
            while self._peek() not in ("]", ""):
                self._note((*path, index))
                self._value((*path, index))
                self._take(",")
                index += 1
            self._take("]")
        elif self._take("{"):
            while self._peek() not in ("}", ""):
                self._pair(path)
                self._take(",")
            self._take("}")
        else:
            match = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
            self._at = match.end() if match else len(self._text)

    def _keys(self) -> list[str]:
        """Read a dotted key."""
        keys = []
        while True:
            self._peek()
            if word := _WORD.match(self._text, self._at):
                keys.append(word[0])
                self._at = word.end()
            elif quoted := _STRING.match(self._text, self._at):
                keys.append(tomllib.loads(f"key = {quoted[0]}")["key"])
                self._at = quoted.end()
            else:  # not TOML: end here, and nothing more is found
                self._at = len(self._text)
            if not self._take("."):
                return keys

    def _peek(self) -> str:
        """Skip space and comments; return the next character, or an empty text at the end."""
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, mark: str) -> bool:
        self._peek()
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found

    def _note(self, path: Path) -> None:
        """Remember the line; of a key that comes again (``a.b``, ``a.c``), the first."""
        self._lines.setdefault(path, bisect_right(self._starts, self._at))


def dotted(path: Path) -> str:
    """Write a path for people: ``device[0].snmp.host``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
