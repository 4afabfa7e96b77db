"""E-mail. The only importer of aiosmtplib. A server's OK is *accepted*, never *delivered*."""

import ssl
import traceback
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

import aiosmtplib

from contract.errors import NotifyAway, NotifyRefused, NotifyUnknown
from gateway.config import Email
from gateway.notify.letter import Letter


class EmailChannel:
    """Sends by one SMTP server, one connection a message."""

    def __init__(self, settings: Email, *, timeout: float = 10.0) -> None:
        """Keep the settings, and how long the server may take (seconds); nothing is opened."""
        self._settings = settings
        self._timeout = timeout

    async def send(self, letter: Letter) -> str:
        """See ``Channel``."""
        settings = self._settings
        password = settings.password.reveal() if settings.password else None
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.user or None,
            password=password,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            timeout=self._timeout,
        )
        handed = False
        try:
            async with client:
                handed = True
                _, answer = await client.send_message(_message(letter, settings.sender))
        except aiosmtplib.SMTPResponseException as error:
            raise self._said(error.code, error.message) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise self._said(first.code, first.message) from None
        except ssl.SSLError as error:
            hint = "check the server's certificate and tls = …"
            raise NotifyRefused(f"no TLS with the mail server: {error.reason}", where=self._where, hint=hint) from None
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
            why = str(error) or type(error).__name__
            _let_go(error)
            if handed:
                raise NotifyUnknown(f"the mail server did not answer: {why}", where=self._where) from None
            raise NotifyAway(f"the mail server is away: {why}", where=self._where) from None
        return _readable(answer)

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _said(self, code: int, text: str) -> NotifyAway | NotifyRefused:
        """Map an SMTP reply: 4xx is for now, 5xx for ever (RFC 5321, 4.2.1)."""
        kind = NotifyRefused if code >= 500 else NotifyAway
        hint = "check user and password" if code in (530, 534, 535) else ""
        return kind(f"the mail server said {code} {_readable(text)}", where=self._where, hint=hint)


def _let_go(error: BaseException | None) -> None:
    """Let go of what a failed connection held: asyncio keeps its error in a frame of the error's own traceback."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _readable(answer: str) -> str:
    """Return the beginning of a server's words; some speak GBK, which arrives as lone surrogates that nothing can keep."""
    return answer[:200].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.address
    message["Subject"] = letter.subject
    message["Date"] = formatdate(usegmt=True)
    host = parseaddr(sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{letter.id}@{host}>"  # the same in a retry: mailboxes drop the second
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    if letter.code:
        message["X-Wolfsmoke-Code"] = letter.code
    message.set_content(letter.body)
    return message
