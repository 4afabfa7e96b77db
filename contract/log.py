"""How both sides write their log."""

import logging
from typing import Final

FORMAT: Final = "%(levelname)s %(name)s: %(message)s"
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Level → syslog's priority."""


class Lines(logging.Formatter):
    """Lines of text; for the journal each begins with its priority (sd-daemon(3)), so that `journalctl -p` finds it."""

    def __init__(self, *, journal: bool) -> None:
        """Say whether the journal reads them, or a person."""
        super().__init__(FORMAT)
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter.format``."""
        text = super().format(record)
        if not self._journal:
            return text
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())
