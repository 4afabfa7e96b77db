"""The files around the settings: the settings file itself, secrets, certificates. What may be wrong with each is said here.

Both sides read them by the same rules. Reading is an argument, so that this module stays pure.
"""

import tomllib
from collections.abc import Callable, Mapping
from typing import Final

from contract.errors import ConfigError, Problem
from contract.locate import Locator, Path, dotted
from contract.settings import SecretRef, SecretSource

Read = Callable[[str, int], bytes]
"""Returns a file's beginning: its path, how many bytes at the most. Raises OSError."""

MAX_SETTINGS: Final = 1024 * 1024
"""Bytes; what is longer is another file."""
MAX_SECRET: Final = 4096
"""Bytes; the same."""


def settings_text(read: Read, file: str, *, examples: str) -> str:
    """Return the text of a settings file.

    Args:
        read: reads files.
        file: its path.
        examples: where such files can be seen.

    Raises:
        ConfigError: it cannot be read, or is no text.
    """
    try:
        body = read(file, MAX_SETTINGS + 1)
    except OSError as error:
        what = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigError([Problem(file, 0, "", what, f"see {examples} for an example")]) from None
    if len(body) > MAX_SETTINGS:
        what = f"longer than {MAX_SETTINGS} bytes: no settings file"
        raise ConfigError([Problem(file, 0, "", what, f"see {examples} for an example")])
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(file, line, "", "not UTF-8 text", "save the file as UTF-8")]) from None


def secrets_from(read: Read, folder: str, credentials: str) -> SecretSource:
    """Return the reader of secrets.

    Args:
        read: reads files.
        folder: of the settings file; relative paths start there.
        credentials: the service manager's directory of credentials, or an empty text.
    """

    def secret(ref: SecretRef) -> str:
        if ref.credential and not credentials:
            raise LookupError("the service manager passed no credentials")
        if "/" in ref.credential:
            raise ValueError("a credential's name has no slash")
        path = f"{credentials}/{ref.credential}" if ref.credential else beside(folder, ref.file)
        body = read(path, MAX_SECRET + 1)
        if len(body) > MAX_SECRET:
            raise ValueError(f"{path} is longer than {MAX_SECRET} bytes")
        try:
            text = body.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:  # its own words would show a part of the secret
            raise ValueError(f"{path} is not UTF-8 text") from None
        if not text:
            raise ValueError(f"{path} is empty")
        return text

    return secret


def unreadable(read: Read, named: Mapping[Path, str], *, file: str, text: str) -> list[Problem]:
    """Return a problem for each named file that cannot be read: found out now, not when it is needed.

    Args:
        read: reads files.
        named: key in the settings → path.
        file: the settings file, for the problems.
        text: its text.
    """
    problems = []
    for key, path in named.items():
        try:
            read(path, 1)
        except OSError as error:
            what = f"{path} cannot be read: {error.strerror}"
            problems.append(Problem(file, Locator(text).line(key), dotted(key), what, "check the path"))
    return problems


def named(text: str, keys: Mapping[Path, str], folder: str) -> dict[Path, str]:
    """Return the files that a settings text names, whatever else is wrong with it: key → path.

    Args:
        text: the TOML text.
        keys: where files are named, and the path where nothing is written; an empty one for none.
        folder: where relative paths start.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError):  # told by the loader
        return {}
    found = {}
    for key, otherwise in keys.items():
        value: object = table
        for part in key:
            value = value.get(part) if isinstance(value, dict) else None
        path = otherwise if value is None else value
        if isinstance(path, str) and path and "\0" not in path:
            found[key] = beside(folder, path)
    return found


def beside(folder: str, path: str) -> str:
    """Return a path that starts in a folder, if it is relative; an empty one stays so."""
    return path if not path or path.startswith("/") else f"{folder}/{path}"
