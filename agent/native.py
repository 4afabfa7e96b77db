"""What native libraries write to standard error by themselves, set apart from what we say.

gufo-snmp's Rust code panics on some malformed answers. The link catches that and says it in a sentence, but a report was
written to file descriptor 2 before: with a device that answers nonsense at every poll, some lines each second, for ever.
"""

import faulthandler
import io
import logging
import os
import sys
import threading
from typing import Final

_log = logging.getLogger(__name__)
STDERR: Final = 2


def set_apart() -> None:
    """Let ``sys.stderr`` go where it went; take what is written to the descriptor itself, and log it at DEBUG.

    Once a process. Where somebody has replaced ``sys.stderr`` already, nothing is done.
    """
    try:
        if sys.stderr.fileno() != STDERR:
            return
    except (io.UnsupportedOperation, ValueError):
        return
    sys.stderr = os.fdopen(os.dup(STDERR), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    faulthandler.enable(sys.stderr)  # a crash, or the watchdog's SIGABRT, still says where we were
    reading, writing = os.pipe()
    os.dup2(writing, STDERR)
    os.close(writing)
    threading.Thread(target=_drain, args=(reading,), name="native", daemon=True).start()


def _drain(reading: int) -> None:
    with os.fdopen(reading, encoding="utf-8", errors="backslashreplace") as lines:
        for line in lines:
            if line.strip():
                _log.debug("native code says: %s", line.rstrip())
