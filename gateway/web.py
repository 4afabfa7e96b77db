"""Serving web applications inside the gateway's event loop. The only importer of uvicorn."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from fastapi.responses import Response

from contract.errors import UsageError


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the gateway's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def tcp(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        what = f"the board cannot listen on {host}:{port}: {error.strerror or error}"
        raise UsageError(what, where="[gateway] board", hint="is another program there? Choose another port") from None
    listener.listen(128)
    return listener


def unix(path: Path) -> socket.socket:
    """Return a listening socket that only its owner may open; what is left of a former run is replaced.

    Raises:
        UsageError: it cannot be made.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        listener.close()
        hint = "a socket's path has at most 107 bytes; choose a shorter state directory"
        raise UsageError(f"no control socket: {error.strerror or error}", where=str(path), hint=hint) from None
    listener.listen(16)
    return listener


def as_json(value: object) -> Response:
    """Return an answer in JSON: builtins and structs."""
    return Response(msgspec.json.encode(value), media_type="application/json")


class Served:
    """One application on one socket."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        """Take both; nothing is served yet."""
        settings = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
        self._server = _Server(settings)
        self._listener = listener

    async def run(self) -> None:
        """Serve until ``stop``."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Take no more requests; ``run`` ends soon."""
        self._server.should_exit = True
