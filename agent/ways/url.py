"""What ``wolfsmoke-agent read`` is pointed at: a URL, read strictly. What is said of a mistake never repeats a secret.

Each way reads its own (``agent/ways/``); here is what helps it. ``/``, ``?``, ``#``, ``&`` and ``%`` in a secret are
written ``%2F``, ``%3F``, ``%23``, ``%26``, ``%25``.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from contract.errors import UsageError
from contract.settings import did_you_mean

ESCAPE: Final = "in a community or a key write / as %2F, ? as %3F, # as %23, & as %26, % as %25"
_LONGEST: Final = 10.0
"""Seconds that one request may wait; the command gives up soon after."""
_BAUDRATES: Final = range(300, 921_601)


def split(url: str, hint: str) -> SplitResult:
    """Return the parts of a URL.

    Args:
        url: what was written.
        hint: examples of what can be.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # its own words repeat the URL
        raise UsageError("not a URL", hint=hint) from None
    if not parts.scheme:
        raise UsageError("it does not begin with a protocol", hint=hint)
    return parts


def host(parts: SplitResult, example: str) -> str:
    """Return the host of a URL that has nothing between it and its options.

    Raises:
        UsageError: there is none, or more than that.
    """
    where = f"{parts.scheme}://{parts.hostname or ''}"
    if "@" in parts.path or "@" in parts.fragment or parts.fragment:
        raise UsageError("it breaks off at a / or a #", where=f"{parts.scheme}://", hint=ESCAPE)
    if not parts.hostname:
        raise UsageError("a host is missing", where=where, hint=f"write {example}")
    if parts.path.strip("/"):
        raise UsageError("nothing stands between the host and the ?", where=where, hint=f"leave it out; {ESCAPE}")
    return parts.hostname


def serial(parts: SplitResult, known: Collection[str]) -> tuple[str, dict[str, str]]:
    """Return the port of a serial URL, a path or ``socket://host:port``, and its options.

    Raises:
        UsageError: it is neither, or an option is not known.
    """
    scheme = parts.scheme
    if not parts.netloc and len(parts.path) > 1 and parts.path.startswith("/"):
        return parts.path, options(parts, known, f"{scheme}://{parts.path}")
    where = f"{scheme}://{parts.hostname or ''}"
    number = port(parts)
    if not parts.hostname or number is None or parts.path.strip("/"):
        hint = f"write {scheme}:///dev/ttyUSB0 with three slashes, or {scheme}://host:port for a serial server"
        raise UsageError("neither a serial port nor a serial server", where=where, hint=hint)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"socket://{name}:{number}", options(parts, known, where)


def baudrate(given: Mapping[str, str], default: int) -> int:
    """Return the option ``baudrate``.

    Raises:
        UsageError: it is no speed of a line.
    """
    text = given.get("baudrate", str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) in _BAUDRATES):
        raise UsageError("baudrate is no speed of a line", hint="baudrate=2400, 1200 or 9600, most often")
    return int(text)


def port(parts: SplitResult) -> int | None:
    """Return the port of a URL; None where it names none.

    Raises:
        UsageError: it is none that there can be.
    """
    try:
        number = parts.port
    except ValueError:  # its own words repeat what stands there, which may be a secret without its @host
        number = 0
    if number == 0:
        hint = f"write {parts.scheme}://host:port"
        raise UsageError("its port is no number from 1 to 65535", where=parts.scheme, hint=hint)
    return number


def options(parts: SplitResult, known: Collection[str], where: str) -> dict[str, str]:
    """Return what stands behind the question mark; a plus sign is one.

    Raises:
        UsageError: an option is not among the known ones, or is there twice.
    """
    pairs = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
    for index, (name, _) in enumerate(pairs):
        if "@" in name or len(name) > 20:
            raise UsageError("it breaks off at a ? or an &", where=f"{parts.scheme}://", hint=ESCAPE)
        if name not in known:
            raise UsageError(f"no option {name!r}", where=where, hint=did_you_mean(name, known))
        if any(name == before for before, _ in pairs[:index]):
            raise UsageError(f"option {name!r} is there twice", where=where, hint="write it once")
    return dict(pairs)


def timeout(given: Mapping[str, str], default: float, where: str) -> float:
    """Return the option ``timeout``, in seconds.

    Raises:
        UsageError: it is no time to wait.
    """
    try:
        seconds = float(given.get("timeout", str(default)))
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= _LONGEST:  # NaN neither
        raise UsageError("timeout is no number of seconds up to 10", where=where, hint="timeout=2")
    return seconds
