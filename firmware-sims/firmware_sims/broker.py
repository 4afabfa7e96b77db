"""An MQTT broker inside the process, for the demo and small trials: amqtt on loopback, MQTT 3.1.1.

Always with named users: amqtt takes every client for anonymous once anonymous ones are let in, and then loses what
it should keep for sessions (measured). It keeps nothing on disk; a site in earnest runs mosquitto.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.errors import AMQTTError, BrokerError
from pwdlib.hashers.argon2 import Argon2Hasher

from contract.errors import UsageError

_NOISY = ("amqtt", "transitions")
"""Loggers that write a traceback for every client that hangs up or has the wrong password."""


@asynccontextmanager
async def running(
    users: Mapping[str, str], folder: Path, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Run a broker; yield its port.

    Args:
        users: passwords by user name.
        folder: where the file with the hashed passwords is kept.
        host: where to listen.
        port: 0 for a free one.

    Raises:
        UsageError: no user is given, or the port cannot be had.
    """
    if not users:
        raise UsageError("a broker needs at least one named user", hint="anonymous clients are never let in")
    levels = {name: logging.getLogger(name).level for name in _NOISY}
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        broker = Broker(_config(_passwords(users, folder / "broker-users"), host, port))
        try:
            await broker.start()
        except (BrokerError, AMQTTError, OSError) as error:
            raise UsageError(f"the broker cannot listen on {host}:{port}", hint="is the port taken?") from error
        try:
            yield _port(broker)
        finally:
            await broker.shutdown()
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _config(passwords: Path, host: str, port: int) -> dict[str, Any]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False},
            "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(passwords)},
        },
    }


def _passwords(users: Mapping[str, str], path: Path) -> Path:
    """Write the password file, hashed, for our eyes only."""
    # Cheap parameters: amqtt checks a password on the event loop, and these guard a loopback demo.
    hasher = Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}:{hasher.hash(word)}\n" for name, word in users.items()), encoding="utf-8")
    return path


def _port(broker: Broker) -> int:
    """Return the port that the broker got; amqtt has no name for it."""
    return int(broker._servers["default"].instance.sockets[0].getsockname()[1])  # noqa: SLF001
