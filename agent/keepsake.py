"""A small file in the agent's folder: what a device's driver remembers over a restart. A disk that fails stops nothing."""

import logging
import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

_log = logging.getLogger(__name__)
_MOST = 4 << 20
"""Bytes that are read."""


class Keepsake(Generic[T]):
    """One struct in one file, as JSON. Both calls block a little."""

    def __init__(self, path: Path | None, kind: type[T]) -> None:
        """Take the file (None: nothing is kept) and what is in it."""
        self.path = path
        self._kind = kind
        self._kept = b""
        self._failed = False

    def load(self) -> T:
        """Return what is kept; an empty one where there is none, or it cannot be read."""
        if self.path is None:
            return self._kind()
        try:
            with self.path.open("rb") as file:
                self._kept = file.read(_MOST)
            return msgspec.json.decode(self._kept, type=self._kind)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.warning("%s cannot be used, and is begun anew: %s", self.path, error)
        return self._kind()

    def save(self, value: T) -> None:
        """Keep it, in one step, if it is another than before."""
        text = msgspec.json.encode(value)
        if self.path is None or text == self._kept:
            return
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            if not self._failed:
                _log.warning("%s cannot be written: %s", self.path, error)
            self._failed = True
            return
        self._kept, self._failed = text, False
