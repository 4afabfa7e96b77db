"""What the gateway tells others of its incidents: retained messages that displays, home automation and scripts read.

Topics, under ``wolfsmoke/1/<site>/plan/``, all written by the gateway, all retained:

=============  =====================================================================
<code>         one open incident, such as ``A17``; emptied when it is closed
summary        how many are open, and how bad the worst is
=============  =====================================================================

The words are those of CAP 1.2 (OASIS Common Alerting Protocol): status, urgency, severity, certainty, event, headline.
A reader that acts on its own looks at ``status`` first: an ``Exercise`` is a drill. What is past its ``expires`` comes from a
gateway that is gone.
"""

from typing import Final

import msgspec

from contract.clock import Wall
from contract.errors import UNREADABLE, MessageError
from contract.message import ROOT

PLAN: Final = "plan"
"""The level of the topic where an agent's name stands otherwise: no agent has this name."""
SUMMARY: Final = "summary"


class Text(msgspec.Struct, frozen=True):
    """A text in the two languages."""

    zh: str = ""
    en: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident. Times are the gateway's wall clock, seconds since 1970; 0 for none."""

    gateway: str = ""
    code: str = ""
    clause: str = ""
    """Of the plan."""
    level: str = ""
    """major, partial, request, finding …"""
    status: str = ""
    """CAP: Actual or Exercise."""
    urgency: str = ""
    """CAP: Immediate, Expected, Future; Past once the cause is gone; Unknown."""
    severity: str = ""
    """CAP: Extreme, Severe, Moderate, Minor; Unknown."""
    certainty: str = ""
    """CAP: Observed, Likely, Possible; Unknown."""
    event: Text = Text()
    """CAP: the kind of event: the title of the clause."""
    headline: Text = Text()
    """CAP: what is wrong, and where."""
    onset: Wall = 0.0
    """CAP: when it began."""
    sent: Wall = 0.0
    expires: Wall = 0.0
    """CAP: when this message is to be believed no longer, unless a newer one came."""
    state: str = ""
    """open, owned, gone or checked."""
    owner: str = ""
    """Who has taken it on, by their id in the contacts."""
    deadline: Wall = 0.0
    overdue: bool = False
    site: str = ""
    agent: str = ""
    device: str = ""
    conditions: tuple[str, ...] = ()
    """Those that stand."""
    ends: Wall = 0.0
    """On battery: the predicted end."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All the open incidents of a site; drills are not counted."""

    gateway: str = ""
    open: int = 0
    unowned: int = 0
    overdue: int = 0
    severity: str = ""
    """CAP: of the worst whose cause still stands; empty: there is none."""
    codes: tuple[str, ...] = ()
    """The first hundred."""
    sent: Wall = 0.0
    expires: Wall = 0.0


def topic(site: str, name: str) -> str:
    """Return the topic of a code, or of the summary."""
    return f"{ROOT}/{site}/{PLAN}/{name}"


def is_notice(name: str) -> bool:
    """Say whether a topic is one of these."""
    parts = name.split("/")
    return len(parts) == 5 and parts[3] == PLAN


def pack(said: Notice | Summary) -> bytes:
    """Return it as JSON."""
    return msgspec.json.encode(said)


def unpack(name: str, payload: bytes) -> Notice | Summary:
    """Return what a topic of ours said.

    Raises:
        MessageError: it is none.
    """
    try:
        if name.endswith(f"/{SUMMARY}"):
            return msgspec.json.decode(payload, type=Summary)
        return msgspec.json.decode(payload, type=Notice)
    except UNREADABLE as error:
        raise MessageError(f"no notice: {error}", where=name[:200]) from None
