"""Syslog, as it comes: RFC 5424, RFC 3164, and what only looks like them; over TCP in the frames of RFC 6587. Pure.

Whatever comes is a message: devices write what they like, and strangers write what they can. Nothing here raises, and
no more is kept than ``LONGEST`` bytes of a message.
"""

import re
from typing import Final

import msgspec

LONGEST: Final = 8192
"""Bytes of a message that are looked at; RFC 5424 wants 2048 at the least."""
ERROR: Final = 3
"""Severities are 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 informational, 7 debug."""
_NOTICE: Final = 13
"""user.notice: the priority of what has none (RFC 3164, 4.3.3)."""
_PRIORITY: Final = re.compile(r"(?:\d{1,7} )?<(\d{1,3})>")
"""Some senders put the length in front over UDP too."""
_NEW: Final = re.compile(r"1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ?")
_OLD: Final = re.compile(
    r"(?:(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{8,32})(?: [A-Z]{3,4})?:?) (\S{1,255}) "
)
_TAG: Final = re.compile(r"([\w./-]{1,48})(?:\[[^\]\s]{1,32}\])?: ?")
_DIGITS: Final = re.compile(rb"[1-9]\d{0,6} ")
_BLANK: Final = re.compile(rb"[\n\0\r]+")
_ENDS: Final = re.compile(rb"[\n\0]")


class Message(msgspec.Struct, frozen=True):
    """One message. What it says of itself is the sender's word: only the address that it came from is ours."""

    facility: int
    severity: int
    text: str
    """Without its header, where it had one."""
    host: str = ""
    program: str = ""


def parse(data: bytes) -> Message:
    """Return the message of one datagram, or of one frame."""
    text = data[:LONGEST].decode("utf-8", "replace").strip("\r\n\0 ")
    match = _PRIORITY.match(text)
    priority = int(match[1]) if match else -1
    if match is None or priority > 191:
        return Message(_NOTICE >> 3, _NOTICE & 7, text)
    rest = text[match.end() :]
    return _new(priority, rest) or _old(priority, rest)


def _new(priority: int, rest: str) -> Message | None:
    match = _NEW.match(rest)
    if match is None:
        return None
    host, program = (_value(match[2]), _value(match[3]))
    text = _behind_data(rest, match.end())
    return Message(priority >> 3, priority & 7, text.removeprefix("\ufeff").lstrip(" "), host, program)


def _value(text: str) -> str:
    return "" if text == "-" else text


def _behind_data(text: str, at: int) -> str:
    """Return what stands behind the structured data; all of it where the data does not end."""
    if text.startswith("-", at):
        return text[at + 1 :].removeprefix(" ")
    start = at
    while text.startswith("[", at):
        quoted = False
        at += 1
        while at < len(text):
            letter = text[at]
            if quoted and letter == "\\":
                at += 1
            elif letter == '"':
                quoted = not quoted
            elif letter == "]" and not quoted:
                break
            at += 1
        else:
            return text[start:]
        if at >= len(text):
            return text[start:]
        at += 1
    return text[at:].removeprefix(" ")


def _old(priority: int, rest: str) -> Message:
    host = program = ""
    match = _OLD.match(rest)
    if match:
        host, rest = match[1], rest[match.end() :]
        if host.endswith(":"):  # no host: this is the tag already
            host, rest = "", f"{host} {rest}"
    tag = _TAG.match(rest)
    if tag:
        program, rest = tag[1], rest[tag.end() :]
    return Message(priority >> 3, priority & 7, rest, host, program)


class Frames:
    """Takes a TCP stream apart (RFC 6587): frames with their length in front, or lines; each frame says which.

    A frame of more than ``LONGEST`` bytes is cut there.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._waiting = b""
        self._at = 0
        """How far it is taken apart; what is behind is cut off once a feed, not once a frame."""
        self._skip = 0
        """Bytes that are left of a long counted frame."""
        self._skip_line = False
        """What comes up to the next line's end is left of a long line."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came, and return the frames that are whole."""
        self._waiting, self._at = self._waiting + data, 0
        frames = []
        while (frame := self._next()) is not None:
            if frame.strip():
                frames.append(frame)
        self._waiting = self._waiting[self._at :]
        return frames

    def rest(self) -> bytes:
        """Return what is left when the stream has ended."""
        left, self._waiting = self._waiting, b""
        return b"" if self._skip or self._skip_line else left.strip()

    def _next(self) -> bytes | None:
        """Return the next whole frame, empty for one that is left out; None where more must come first."""
        left = len(self._waiting) - self._at
        gone = min(self._skip, left)
        self._skip -= gone
        self._at += gone
        if not self._skip_line:
            blank = _BLANK.match(self._waiting, self._at)
            self._at = blank.end() if blank else self._at
        left = len(self._waiting) - self._at
        if not left:
            return None
        if not self._skip_line:
            counted = _DIGITS.match(self._waiting, self._at)
            if counted:
                return self._counted(counted.end(), int(counted[0]))
            if left < 8 and self._waiting[self._at :].isdigit():
                return None
        return self._line()

    def _counted(self, start: int, length: int) -> bytes | None:
        kept = min(length, LONGEST)
        if len(self._waiting) < start + kept:
            return None
        self._at, self._skip = start + kept, length - kept
        return self._waiting[start : self._at]

    def _line(self) -> bytes | None:
        start = self._at
        end = _ENDS.search(self._waiting, start)
        if end is None and len(self._waiting) - start < LONGEST:
            return None
        skipped, self._skip_line = self._skip_line, end is None
        self._at = end.end() if end else len(self._waiting)
        stop = end.start() if end else self._at
        return b"" if skipped else self._waiting[start : min(stop, start + LONGEST)]
