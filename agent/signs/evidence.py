"""The lines that tell of trouble, kept as they came: a ring of two files in the agent's folder, and the last ones in memory.

What strangers wrote is made harmless before it is written: one line stays one line, and no terminal is moved by it.
"""

import logging
import os
from collections import deque
from pathlib import Path
from typing import Final

from agent.drivers.said import LONGEST, brief, harmless

_log = logging.getLogger(__name__)
_LINE: Final = 2000
"""Characters of a line that are kept."""
_ROOM: Final = 500
"""Lines that are kept of a burst …"""
_MORE: Final = 5
"""… and with each write when it goes on: the rest is only counted, so that no flood wears the flash out."""
_SHOWN: Final = 3


class Evidence:
    """Keeps lines. Adding never blocks; ``write`` does, a little."""

    def __init__(self, path: Path | None, most: int) -> None:
        """Take the file (None: nothing is kept on disk) and how many bytes both may have."""
        self.path = path
        self._most = most // 2
        self._waiting: deque[str] = deque()
        self._last: deque[str] = deque(maxlen=_SHOWN)
        self._room = _ROOM
        """How many more lines may be kept."""
        self._left_out = 0
        self._failed = False

    def add(self, when: str, source: str, line: str) -> None:
        """Keep a line.

        Args:
            when: the moment, for people.
            source: where it comes from.
            line: what it says.
        """
        text = harmless(line[:_LINE])
        self._last.append(text)
        if self._room > 0:
            self._room -= 1
            self._waiting.append(f"{when} {harmless(source)} {text}\n")
        else:
            self._left_out += 1

    @property
    def shown(self) -> str:
        """The last lines in one short text, the newest first; "" while there is none."""
        most = LONGEST // max(1, len(self._last)) - 3
        return " | ".join(brief(line, most) for line in reversed(self._last))

    def write(self) -> None:
        """Put what waits on disk. A disk that fails stops nothing: the lines in memory are still shown."""
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        left, self._left_out = self._left_out, 0
        self._room = min(_ROOM, self._room + _MORE)
        if left:
            lines.append(f"({left} more lines came too fast to be kept)\n")
        if not lines or self.path is None:
            return
        try:
            self._append("".join(lines))
        except OSError as error:
            if not self._failed:
                _log.warning("%s cannot be written: %s", self.path, error)
            self._failed = True
        else:
            self._failed = False

    def _append(self, text: str) -> None:
        assert self.path is not None  # noqa: S101 - see write
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            size = file.tell()
            file.write(text.encode("utf-8", "backslashreplace"))
        if size + len(text) > self._most:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
