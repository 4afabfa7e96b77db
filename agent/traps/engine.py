"""Our SNMP engine: its id, and how often it started (RFC 3414, 2.2). Who sends informs remembers both."""

import logging
import re
import secrets
from pathlib import Path
from typing import Final

from agent.traps.usm import Authority

_log = logging.getLogger(__name__)
_PREFIX: Final = bytes.fromhex("80007ed905")
"""An id by RFC 3411's rules: the enterprise 32473, which is for those without one (RFC 5612), and octets of our own."""
_LINE: Final = re.compile(r"([0-9a-f]{10,64}) (\d{1,10})\n?")
_LAST: Final = 2**31 - 1


def started(path: Path) -> Authority:
    """Return our engine after one more start, and keep it in a file.

    A file that cannot be read or written stops nothing: then the engine is a new one, which every sender accepts.
    """
    known = _read(path)
    boots = known.boots + 1 if known is not None else 1
    own = Authority(known.id, boots) if known is not None and boots < _LAST else _new()
    if not _write(path, own):
        return _new()
    return own


def _new() -> Authority:
    return Authority(_PREFIX + secrets.token_bytes(8), 1)


def _read(path: Path) -> Authority | None:
    try:
        match = _LINE.fullmatch(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("traps: %s cannot be read: %s; senders of informs find us anew", path, error)
        return None
    return Authority(bytes.fromhex(match[1]), int(match[2])) if match and len(match[1]) % 2 == 0 else None


def _write(path: Path, own: Authority) -> bool:
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(f"{own.id.hex()} {own.boots}\n", "ascii")
        fresh.replace(path)
    except OSError as error:
        _log.warning("traps: %s cannot be written: %s; senders of informs find us anew after each start", path, error)
        return False
    return True
