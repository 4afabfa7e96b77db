"""Time zones by their names, from the machine's own tables."""

from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def timezone_of(name: str) -> tzinfo | None:
    """Return a zone by its name; None, the machine's own, for "".

    Raises:
        ValueError: there is none of this name.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such file; "../x"; a folder
        raise ValueError(f"no time zone {name!r}") from None
