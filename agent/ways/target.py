"""What is asked from outside, as URLs: in the settings of lines and hosts, and for ``wolfsmoke-agent read``.

::

    ping://192.0.2.1?count=3&timeout=1         ICMP echo
    tcp://192.0.2.1:443                        does the port take connections
    ssh://192.0.2.1                            its banner
    dns://192.0.2.53/www.example.com           asks that server; ?expect=192.0.2.80 for what it must answer
    https://www.example.com/health             #contains=OK&status=200,204&timeout=3&verify=no
    sip://192.0.2.5?transport=tcp              OPTIONS

Of HTTP, what stands behind the ``?`` is the server's; what is for us stands behind the ``#``, which is never sent.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast
from urllib.parse import SplitResult, parse_qsl

from agent.probing import DEFAULT_PORTS, Scheme, Target
from agent.ways import url
from contract.errors import UsageError
from contract.settings import Fault, did_you_mean

EXAMPLES: Final = {
    "ping": "ping://192.0.2.1",
    "tcp": "tcp://192.0.2.1:443",
    "ssh": "ssh://192.0.2.1",
    "dns": "dns://192.0.2.53/www.example.com",
    "http": "http://192.0.2.1/health#contains=OK",
    "https": "https://www.example.com/#status=200",
    "sip": "sip://192.0.2.5?transport=udp",
}
_TIMEOUTS: Final = {"ping": 1.0, "tcp": 1.5, "ssh": 2.0, "dns": 2.0, "http": 3.0, "https": 3.0, "sip": 2.5}
_OPTIONS: Final = {
    "ping": ("timeout", "count"),
    "tcp": ("timeout",),
    "ssh": ("timeout",),
    "dns": ("timeout", "expect"),
    "http": ("timeout", "contains", "status"),
    "https": ("timeout", "contains", "status", "verify"),
    "sip": ("timeout", "transport"),
}
_COUNTS: Final = range(1, 21)


def parse(text: str, *, count: int = 3) -> Target:
    """Return the target that a URL stands for.

    Args:
        text: see above.
        count: echo requests in one go, where the URL does not say.

    Raises:
        UsageError: it is none.
    """
    return from_parts(url.split(text, f"write {', '.join(EXAMPLES.values())}"), count=count)


def from_parts(parts: SplitResult, *, count: int = 3) -> Target:
    """Return the target of a URL that is taken apart.

    Raises:
        UsageError: it is none.
    """
    if parts.scheme not in EXAMPLES:
        raise UsageError(f"no protocol {parts.scheme!r}", hint=f"write {', '.join(EXAMPLES.values())}")
    scheme = cast("Scheme", parts.scheme)
    where = f"{scheme}://{parts.hostname or ''}"
    example = EXAMPLES[scheme]
    web = scheme in ("http", "https")
    if parts.username is not None or parts.password is not None:
        raise UsageError("nobody logs in here", where=where, hint=f"write {example}")
    if not parts.hostname:
        raise UsageError("a host is missing", where=where, hint=f"write {example}")
    if parts.fragment and not web:
        raise UsageError("nothing stands behind a #", where=where, hint=f"write {example}")
    port = url.port(parts) or DEFAULT_PORTS.get(scheme, 0)
    if scheme == "tcp" and not port:
        raise UsageError("which port?", where=where, hint=f"write {example}")
    if scheme == "ping" and port:
        raise UsageError("a ping has no port", where=where, hint="write ping://host, or tcp://host:port")
    given = _behind_hash(parts, where) if web else url.options(parts, _OPTIONS[scheme], where)
    return Target(
        scheme=scheme,
        host=parts.hostname,
        port=port,
        path=_path(parts, where),
        timeout=url.timeout(given, _TIMEOUTS[scheme], where),
        count=_count(given, where, count) if scheme == "ping" else 1,
        transport="tcp" if _one_of(given, "transport", ("udp", "tcp"), where) == "tcp" else "udp",
        expect=given.get("expect", given.get("contains", "")),
        codes=_codes(given, where),
        verify=_one_of(given, "verify", ("yes", "no"), where) == "yes",
    )


def faults(texts: Iterable[object], key: str) -> Iterable[Fault]:
    """Yield what is wrong with a list of URLs in the settings."""
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            continue
        try:
            parse(text)
        except UsageError as error:
            what = f"{error.where}: {error.what}" if error.where else error.what
            yield Fault(what, error.hint, (key, index))


def _path(parts: SplitResult, where: str) -> str:
    if parts.scheme in ("http", "https"):
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.isascii() or any(letter <= " " for letter in path):
            raise UsageError("its path is not plain ASCII", where=where, hint="write other letters as %E4%B8…")
        return path
    path = parts.path.strip("/")
    if parts.scheme != "dns":
        if path:
            raise UsageError("nothing stands behind the host", where=where, hint=f"write {EXAMPLES[parts.scheme]}")
        return ""
    from agent.links.dns import question  # noqa: PLC0415 - only where a name is asked for

    try:
        question(0, path)
    except (ValueError, UnicodeError):
        hint = f"write the name behind the server: {EXAMPLES['dns']}"
        raise UsageError(f"no name to ask for: {path!r}", where=where, hint=hint) from None
    return path


def _behind_hash(parts: SplitResult, where: str) -> dict[str, str]:
    known = _OPTIONS[parts.scheme]
    given: dict[str, str] = {}
    for name, value in parse_qsl(parts.fragment.replace("+", "%2B"), keep_blank_values=True):
        if name not in known:
            raise UsageError(f"no option {name!r} behind the #", where=where, hint=did_you_mean(name, known))
        if name in given:
            raise UsageError(f"option {name!r} is there twice", where=where, hint="write it once")
        given[name] = value
    return given


def _count(given: Mapping[str, str], where: str, default: int) -> int:
    text = given.get("count", str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) in _COUNTS):
        raise UsageError("count is no number from 1 to 20", where=where, hint="count=3")
    return int(text)


def _codes(given: Mapping[str, str], where: str) -> tuple[int, ...]:
    texts = given["status"].split(",") if "status" in given else []
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) == 3):
            raise UsageError(f"no status of HTTP: {text!r}", where=where, hint="status=200 or status=200,204")
    return tuple(map(int, texts))


def _one_of(given: Mapping[str, str], name: str, words: tuple[str, ...], where: str) -> str:
    word = given.get(name, words[0])
    if word not in words:
        raise UsageError(f"no {name} {word!r}", where=where, hint=f"{name} is {' or '.join(words)}")
    return word
