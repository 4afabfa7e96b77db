"""Failed log-ins, by the words of sshd, dropbear and PAM in a log. Pure.

User names are chosen by the attacker, and stand in the line as they are: a pattern takes the last address in it, never
the first one that a name may have brought.
"""

import re
from collections import OrderedDict
from typing import Final

import msgspec

_LONGEST: Final = 2000
_LINE: Final = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{8,32}) \S{1,255} ([^\s:\[]{1,64})(?:\[\d+\])?: "
)
_REPEATED: Final = re.compile(r"message repeated (\d{1,6}) times: \[ ?(.*)\]")
_SSHD: Final = ("sshd", "sshd-session", "sshd-auth", "")
"""Programs whose word counts as sshd's; "" is a log that is sshd's alone."""
_FAILED: Final = re.compile(
    r"Failed (?:password|keyboard-interactive/pam) for (?:invalid user )?(.*) from (\S+) port (\d+)(?: ssh2)?"
)
_LEFT: Final = re.compile(
    r"(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user (.*) (\S+) port (\d+) \[preauth\]"
)
_DROPBEAR: Final = re.compile(
    r"(?:Bad password attempt for|Login attempt for nonexistent user)(?: '(.*)')? from (\S+):(\d+)"
)
_PAM: Final = re.compile(r"pam_\w+\([\w.-]+:auth\): authentication failure;(.*)")
_PAM_MORE: Final = re.compile(r"PAM (\d{1,4}) more authentication failures?;(.*)")
_PAM_HOST: Final = re.compile(r" rhost=(\S+)")
_PAM_USER: Final = re.compile(r" user=(\S+)")
_REMEMBERED: Final = 256


class Failure(msgspec.Struct, frozen=True):
    """One log-in that failed, or several of one line."""

    source: str
    """Address, or ``local``."""
    user: str = ""
    port: str = ""
    count: int = 1
    left: bool = False
    """Only that it went away before it was let in: this is said after other failures too."""


def failure(line: str) -> Failure | None:
    """Return the failed log-in that a line of a log tells of, or None."""
    text = line[:_LONGEST].rstrip()
    match = _LINE.match(text)
    return failure_of(match[1] if match else "", text[match.end() :] if match else text)


def failure_of(program: str, text: str) -> Failure | None:
    """Return the failed log-in that a program tells of, or None."""
    text = text[:_LONGEST]
    repeated = _REPEATED.fullmatch(text)
    if repeated:
        once = _of(program, repeated[2])
        return msgspec.structs.replace(once, count=once.count * int(repeated[1])) if once else None
    return _of(program, text)


def _of(program: str, text: str) -> Failure | None:
    if program in _SSHD:
        match = _FAILED.fullmatch(text)
        if match:
            return Failure(match[2], match[1], match[3])
        match = _LEFT.fullmatch(text)
        return Failure(match[2], match[1], match[3], left=True) if match else None
    if program == "dropbear":
        match = _DROPBEAR.fullmatch(text)
        return Failure(match[2].strip("[]"), match[1] or "", match[3]) if match else None
    match = _PAM.fullmatch(text)
    if match:
        return _pam(match[1], 1)
    match = _PAM_MORE.fullmatch(text)
    return _pam(match[2], int(match[1])) if match else None


def _pam(fields: str, count: int) -> Failure:
    host, user = _PAM_HOST.search(fields), _PAM_USER.search(fields)
    return Failure(host[1] if host else "local", user[1] if user else "", count=count)


class Attempts:
    """Counts each attempt once: a connection that failed is told of again when it goes away."""

    def __init__(self) -> None:
        """Start with none."""
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def count(self, failed: Failure) -> int:
        """Return how many new failures this is."""
        connection = (failed.source, failed.port)
        if failed.left and connection in self._told:
            return 0
        if failed.port:
            self._told[connection] = None
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
        return failed.count
