"""The phone of the person on call: a mail server on loopback that keeps what it is given."""

import email
import email.policy
import threading
import time
from typing import Any, Self

import msgspec
from aiosmtpd.controller import Controller


class Mail(msgspec.Struct, frozen=True):
    """One message; ``at`` is when it came, seconds since 1970."""

    to: str
    subject: str
    text: str
    at: float


class Mailbox:
    """Receives by SMTP, on a thread of its own, from ``__enter__`` to ``__exit__``."""

    def __init__(self, port: int, *, refuses: bool = False) -> None:
        """Take the port on 127.0.0.1, and whether every message is turned away."""
        self._refuses = refuses
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        if self._refuses:
            return "550 this mailbox takes nothing"
        at = time.time()
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        mail = Mail(", ".join(envelope.rcpt_tos), str(message["subject"]), text, at)
        with self._lock:
            self._mails.append(mail)
        return "250 OK"

    def find(self, word: str) -> Mail | None:
        """Return the first message with a word in its subject or text."""
        with self._lock:
            return next((mail for mail in self._mails if word in mail.subject or word in mail.text), None)
