"""A running site's remote control: a unix socket, one command a line, one line of JSON back.

``cut NAME|all`` · ``restore NAME|all`` · ``load NAME WATTS`` · ``charge NAME PERCENT`` · ``set NAME FIELD VALUE`` ·
``fault NAME KIND`` · ``show``. What has a blank in it stands in quotes.
"""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contract.errors import UsageError
from contract.settings import did_you_mean
from firmware_sims.faults import Fault
from firmware_sims.fields import as_number
from firmware_sims.site import Site

USAGE = (
    "cut NAME|all, restore NAME|all, load NAME WATTS, charge NAME PERCENT, set NAME FIELD VALUE, fault NAME KIND, show"
)
_WAIT = 5.0


async def obey(site: Site, line: str) -> dict[str, object]:
    """Carry out one command; return what to show.

    Raises:
        UsageError: it is none.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        raise UsageError(f"a quote is not closed: {line[:60]!r}", hint=USAGE) from None
    match words:
        case ["cut" | "restore" as verb, name]:
            for ups in site.upses(name):
                ups.cut() if verb == "cut" else ups.restore()
        case ["load" | "charge" as verb, name, text]:
            value = as_number(text)
            for ups in site.upses(name):
                ups.set_load(value) if verb == "load" else ups.set_charge(value)
        case ["set", name, field, value]:
            site.set(name, field, value)
        case ["fault", name, kind]:
            await site.set_fault(name, _fault(kind))
        case ["show"]:
            await site.look()
            return dict(site.show())
        case _:
            raise UsageError(f"not a command: {line[:60]!r}", hint=USAGE)
    await site.look()
    return {"done": line}


def _fault(text: str) -> Fault:
    try:
        return Fault(text)
    except ValueError:
        raise UsageError(f"no such fault: {text!r}", hint=did_you_mean(text, [each.value for each in Fault])) from None


@asynccontextmanager
async def serving(site: Site, path: Path) -> AsyncIterator[None]:
    """Listen on a unix socket.

    Raises:
        UsageError: the socket cannot be made.
    """

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    answer = await obey(site, line.decode(errors="replace").strip())
                except UsageError as error:
                    answer = {"error": str(error)}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError):
            pass  # an endless line, or the client went away
        finally:
            writer.close()

    try:
        _make_room(path)
        server = await asyncio.start_unix_server(client, path)
    except OSError as error:
        raise UsageError(
            f"cannot listen: {error.strerror}", where=str(path), hint="choose another --control"
        ) from error
    try:
        yield
    finally:
        server.close()
        _make_room(path)


def _make_room(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_socket():
        raise FileExistsError(17, "is there already, and is no socket", str(path))
    path.unlink(missing_ok=True)


async def send(path: Path, line: str) -> dict[str, object]:
    """Give a running site one command.

    Raises:
        UsageError: no site runs there, or it refused the command.
    """
    try:
        async with asyncio.timeout(_WAIT):
            reader, writer = await asyncio.open_unix_connection(path, limit=2**20)
            writer.write(line.encode() + b"\n")
            answer = await reader.readline()
            writer.close()
    except (OSError, TimeoutError) as error:
        hint = "start one: wolfsmoke-sims run SITE.toml"
        raise UsageError("no simulated site answers here", where=str(path), hint=hint) from error
    decoded: dict[str, object] = json.loads(answer or b'{"error": "it hung up"}')
    if isinstance(decoded.get("error"), str):
        raise UsageError(str(decoded["error"]))
    return decoded
