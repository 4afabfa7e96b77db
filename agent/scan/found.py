"""What a scan found: who speaks where, and what a table of the settings would say of it."""

import msgspec


class Credential(msgspec.Struct, frozen=True):
    """A secret of a proposed table, by the name that the settings give it."""

    name: str


Setting = str | int | Credential


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One device, or one of several behind an address."""

    where: str
    """Address, or path of a serial port."""
    protocol: str
    says: str
    """What it says of itself, in one line."""
    kind: str = ""
    """Of ``agent/kinds``; empty where nothing says."""
    profile: str = ""
    title: str = ""
    way: str = ""
    """Name of the settings' table that asks it; empty: there is none to propose."""
    settings: tuple[tuple[str, Setting], ...] = ()
    """Of that table, in order."""
    missing: str = ""
    """What must be filled in before the table can be used."""


def clean(text: bytes | str, most: int = 100) -> str:
    """Return what a device says as one line, without what could break out of it."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(char if char.isprintable() else " " for char in words).split())[:most]
