"""Settings from TOML, strictly: every problem of a file in one listing, each with its line and what to write instead.

The schema is a ``msgspec.Struct``. The table is walked key by key and converted leaf by leaf, because msgspec alone
stops at the first error and knows no lines. What one field cannot say alone, a struct says by yielding faults from a
static method ``faults(draft)``, which is asked whatever else is wrong with the table, or by raising ``ValueError`` in
``__post_init__``, which runs only once all else is right; that problem names the struct's table.

A struct that is written as one text, such as a time limit, has a class method ``from_text(text)``, which raises ``ValueError``
(``"what | hint"``); its ``EXAMPLE`` is what may be written.

Secrets never stand in a settings file. They are written ``{ file = "path" }`` or ``{ credential = "name" }``, and the
caller passes a function that reads them, so that this module stays pure.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import inspect

from contract.errors import ConfigError, Problem
from contract.locate import Locator, Path, dotted

T = TypeVar("T", bound=msgspec.Struct)

Seconds = Annotated[float, msgspec.Meta(extra={"unit": "seconds"})]
"""A duration, in seconds; written ``"250ms"``, ``"30s"``, ``"5m"``, ``"5h"``, ``"1d"``."""
Bytes = Annotated[int, msgspec.Meta(extra={"unit": "bytes"})]
"""A size, in bytes; written ``"512 KiB"``, ``"256 MiB"``, ``"1.5 GiB"``."""
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]
"""A name that may stand in an MQTT topic: lower-case letters, digits and hyphens."""
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
"""A text that says something."""

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB)")
_SIZES: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
NEAR: Final = 0.6
"""How like two words are, by difflib, to be taken for one another."""
MANY: Final = 40
"""Known words that a hint may list."""
BAD: Final = object()
"""Stands in a draft for a value that could not be converted; its problem is already listed."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a table as a whole, or with how its parts fit; ``at`` leads from the table to the key."""

    what: str
    hint: str = ""
    at: Path = ()


class Draft:
    """A table as far as it could be read: its struct's fields, ``BAD`` where the value could not be used.

    Tables in it that have problems of their own are drafts too.
    """

    def __init__(self, values: dict[str, object]) -> None:
        """Take the fields by name."""
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return self._values.get(name, BAD)


class Secret:
    """A value that never shows in a print or a log."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Hide the value."""
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is: exactly one of the two."""

    file: str = ""
    credential: str = ""


SecretSource = Callable[[SecretRef], str]
"""Reads a secret. Raises OSError when it is not there, ValueError when it cannot be used."""


def no_secrets(ref: SecretRef) -> str:
    """Refuse; for files that hold none."""
    raise ValueError(f"no secret can be read here: {ref.file or ref.credential}")


def seconds(text: str) -> float:
    """Return the seconds of a duration such as ``"30s"``.

    Raises:
        ValueError: it is not a number with a unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration")
    return float(match[1]) * _UNITS[match[2]]


def size(text: str) -> int:
    """Return the bytes of a size such as ``"256 MiB"``.

    Raises:
        ValueError: it is not a number with a unit.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size")
    return round(float(match[1]) * _SIZES[match[2]])


def load(kind: type[T], text: str, *, file: str, secrets: SecretSource = no_secrets) -> T:
    """Return the settings of a TOML text.

    Args:
        kind: the schema.
        text: the file's text.
        file: its name, for the problems.
        secrets: reads the secrets that the text points to.

    Raises:
        ConfigError: with every problem of the text.
    """
    value, problems = as_far(kind, text, file=file, secrets=secrets)
    if problems:
        raise ConfigError(problems)
    assert isinstance(value, kind)  # noqa: S101 - the walk found no problem, so it made one
    return value


def as_far(
    kind: type[T], text: str, *, file: str, secrets: SecretSource = no_secrets
) -> "tuple[T | Draft | None, list[Problem]]":
    """Return the settings as far as they can be read, and every problem of the text, by its line.

    Tables in which something is wrong are drafts; None stands for what is no TOML. The arguments are those of ``load``.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5000 digits is no TOMLDecodeError
        return None, [_syntax(file, text, str(error))]
    walk = _Walk(file, Locator(text), secrets)
    value = walk.struct(inspect.type_info(kind), table, ())
    problems = sorted(walk.problems, key=lambda problem: problem.line)
    return (value if isinstance(value, kind | Draft) else None), problems


def _syntax(file: str, text: str, error: str) -> Problem:
    where = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)", error)
    line = int(where[1] or len(text.splitlines())) if where else 0
    what = error[: where.start()].strip() if where else error
    hint = "text stands in quotes, numbers do not, every list and table must be closed"
    return Problem(file, line, "", f"not TOML: {what}", hint)


class _Walk:
    """One walk over one table. Lists problems instead of stopping at them."""

    def __init__(self, file: str, locator: Locator, secrets: SecretSource) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._locator = locator
        self._secrets = secrets

    def problem(self, path: Path, what: str, hint: str = "") -> object:
        self.problems.append(Problem(self._file, self._locator.line(path), dotted(path), what, hint))
        return BAD

    def struct(self, info: Any, table: dict[str, Any], path: Path) -> object:
        """Convert a table to its struct."""
        fields = {field.encode_name: field for field in info.fields}
        before = len(self.problems)
        meant: set[str] = set()
        for key in table.keys() - fields.keys():
            self.problem((*path, key), "unknown key", did_you_mean(key, fields))
            meant.update(difflib.get_close_matches(key, fields.keys() - table.keys(), 1, NEAR))
        values: dict[str, object] = {}
        for key, field in fields.items():
            if key in table:
                values[field.name] = self.value(field.type, table[key], (*path, key))
            elif key in meant:  # one typing error is one problem
                values[field.name] = BAD
            elif field.required:
                values[field.name] = self.problem((*path, key), "missing", _example(key, field.type))
            else:
                values[field.name] = (
                    field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
                )
        draft = Draft(values)
        if hasattr(info.cls, "faults"):
            for fault in info.cls.faults(draft):
                self.problem((*path, *fault.at), fault.what, fault.hint)
        if len(self.problems) > before:
            return draft
        try:
            return info.cls(**values)
        except ValueError as error:
            what, _, hint = str(error).partition(" | ")
            return self.problem(path, what, hint)

    def value(self, info: Any, value: Any, path: Path) -> object:
        """Convert a value by its type."""
        unit = ""
        plain = info
        if isinstance(plain, inspect.Metadata):
            unit = (plain.extra or {}).get("unit", "")
            plain = plain.type
        if isinstance(plain, inspect.UnionType):
            return self._union(plain, value, path)
        if unit == "seconds":
            return self._seconds(value, path)
        if unit == "bytes":
            return self._size(value, path)
        match plain:
            case inspect.StructType():
                return self._struct(plain, value, path)
            case inspect.CustomType() if plain.cls is Secret:
                return self._secret(value, path)
            case inspect.VarTupleType() | inspect.ListType():
                if not isinstance(value, list):
                    return self.problem(path, f"must be a list, not {_said(value)}", "write it in [ ]")
                items = [self.value(plain.item_type, item, (*path, at)) for at, item in enumerate(value)]
                return tuple(items) if isinstance(plain, inspect.VarTupleType) else items
            case inspect.DictType():
                if not isinstance(value, dict):
                    return self.problem(path, f"must be a table, not {_said(value)}")
                return {
                    self.value(plain.key_type, key, (*path, key)): self.value(plain.value_type, item, (*path, key))
                    for key, item in value.items()
                }
            case _:
                return self._leaf(info, value, path)

    def _union(self, info: Any, value: Any, path: Path) -> object:
        options = [option for option in info.types if not isinstance(option, inspect.NoneType)]
        if len(options) == 1:
            return self.value(options[0], value, path)
        first = len(self.problems)
        for option in options:
            converted = self.value(option, value, path)
            if len(self.problems) == first:
                return converted
            if option is not options[-1]:
                del self.problems[first:]
        return BAD

    def _seconds(self, value: Any, path: Path) -> object:
        if isinstance(value, str):
            try:
                return seconds(value)
            except ValueError:
                return self.problem(path, f"{value!r} is not a duration", 'write "250ms", "30s", "5m", "5h" or "1d"')
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return self.problem(path, "a duration needs a unit", f'write "{value:g}s" for {value:g} seconds')
        return self.problem(path, f"must be a duration, not {_said(value)}", 'write "30s"')

    def _size(self, value: Any, path: Path) -> object:
        if isinstance(value, str):
            try:
                return size(value)
            except ValueError:
                return self.problem(path, f"{value!r} is not a size", 'write "512 KiB", "256 MiB" or "1.5 GiB"')
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return self.problem(path, "a size needs a unit", f'write "{value:g} MiB" for {value:g} mebibytes')
        return self.problem(path, f"must be a size, not {_said(value)}", 'write "256 MiB"')

    def _struct(self, info: Any, value: Any, path: Path) -> object:
        """Convert a table to its struct, or the text that stands for one."""
        if hasattr(info.cls, "from_text"):
            try:
                return info.cls.from_text(value if isinstance(value, str) else _said(value))
            except ValueError as error:
                what, _, hint = str(error).partition(" | ")
                return self.problem(path, what, hint)
        if not isinstance(value, dict):
            return self.problem(path, f"must be a table, not {_said(value)}", f"write {_example_text(info)}")
        return self.struct(info, value, path)

    def _secret(self, value: Any, path: Path) -> object:
        if isinstance(value, str):
            hint = 'keep it in a file that only the service may read, and write { file = "…" } or { credential = "…" }'
            return self.problem(path, "a secret must not stand in a settings file", hint)
        try:
            ref = msgspec.convert(value, SecretRef)
        except msgspec.ValidationError:
            ref = SecretRef()
        if bool(ref.file) is bool(ref.credential):
            return self.problem(path, "not a secret", 'write { file = "path" } or { credential = "name" }')
        try:
            text = self._secrets(ref)
        except OSError as error:
            what = f"the secret cannot be read: {error.strerror or type(error).__name__}: {error.filename or ref.file}"
            return self.problem(path, what, "create the file, or let the service read it")
        except LookupError as error:
            what = f"no credential {ref.credential or ref.file!r}: {error.args[0] if error.args else 'not given'}"
            hint = "add LoadCredential= to the unit, or use a file; by hand, name their folder in CREDENTIALS_DIRECTORY"
            return self.problem(path, what, hint)
        except ValueError as error:
            return self.problem(path, f"the secret cannot be used: {error}")
        return Secret(text)

    def _leaf(self, info: Any, value: Any, path: Path) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            return self.problem(path, f"{value} is not a number that can be used", "write a number")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return self.problem(path, "does not fit: too big a number", _expected(info))
        try:
            return msgspec.convert(value, _python(info), strict=True)
        except msgspec.ValidationError:
            return self.problem(path, f"{_said(value)} does not fit", _expected(info))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint: the known word that is nearest, or all of them; of many, those that begin alike, or the beginnings."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, 1, NEAR)
    if near:
        return f"did you mean {near[0]!r}?"
    if len(words) > MANY:
        first = word.partition(".")[0]
        alike = [each for each in words if each.partition(".")[0] == first]
        words = alike or sorted({each.partition(".")[0] + ".…" for each in words})
    return f"known here: {', '.join(words)}"


def _python(info: Any) -> Any:
    """Return the Python type of a leaf; msgspec converts by types, not by what it says of them."""
    match info:
        case inspect.Metadata():
            return Annotated[_python(info.type), msgspec.Meta(extra=info.extra)]
        case inspect.StrType():
            return Annotated[str, msgspec.Meta(pattern=info.pattern, min_length=info.min_length)]
        case inspect.IntType():
            return Annotated[int, msgspec.Meta(ge=info.ge, le=info.le)]
        case inspect.FloatType():
            return Annotated[float, msgspec.Meta(ge=info.ge, le=info.le)]
        case inspect.BoolType():
            return bool
        case inspect.DateType():
            return date
        case inspect.EnumType():
            return info.cls
        case inspect.LiteralType():
            return Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(map(re.escape, map(str, info.values)))})\Z")]
        case _:
            return Any


def _expected(info: Any) -> str:
    """Say what may be written."""
    match info:
        case inspect.Metadata():
            return _expected(info.type)
        case inspect.StrType(pattern=str() as pattern) if "a-z0-9-" in pattern:
            return "lower-case letters, digits and hyphens, 63 at the most"
        case inspect.StrType():
            return 'write a text: "…"'
        case inspect.BoolType():
            return "write true or false"
        case inspect.DateType():
            return "write a day: 2026-11-02"
        case inspect.EnumType():
            return f"one of {', '.join(repr(member.value) for member in info.cls)}"
        case inspect.LiteralType():
            return f"one of {', '.join(map(repr, info.values))}"
        case inspect.IntType(ge=int(), le=int()):
            return f"a whole number from {info.ge} to {info.le}"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType(ge=float() | int()):
            return f"a number of {info.ge:g} or more"
        case inspect.FloatType():
            return "a number"
        case _:
            return ""


def _example(key: str, info: Any) -> str:
    return f"write {key} = {_example_text(info)}"


def _example_text(info: Any) -> str:
    match info:
        case inspect.Metadata(extra={"unit": "seconds"}):
            return '"30s"'
        case inspect.Metadata(extra={"unit": "bytes"}):
            return '"256 MiB"'
        case inspect.Metadata():
            return _example_text(info.type)
        case inspect.CustomType():
            return '{ file = "…" } or { credential = "…" }'
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.DateType():
            return "2026-11-02"
        case inspect.StructType():
            return str(getattr(info.cls, "EXAMPLE", "{ … }"))
        case inspect.EnumType() | inspect.LiteralType():
            return _expected(info)
        case inspect.VarTupleType() | inspect.ListType():
            return "[ … ]"
        case _:
            return '"…"'


def _said(value: Any) -> str:
    """Say what stands there, briefly."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return repr(value[:40])
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)
