"""UPSes behind a NUT server."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import SplitResult, unquote

import msgspec

from agent.drivers.base import Driver
from agent.links.nut import NutTarget
from agent.ways import url
from agent.ways.base import Context
from contract.broker import host_faults
from contract.errors import UsageError
from contract.settings import Fault, Port, Seconds, Secret, Text

NutName = Annotated[str, msgspec.Meta(pattern=r"^[^\s\"\\]{0,127}\Z")]
"""Of a UPS on a server."""


class Nut(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a NUT server of one of its UPSes."""

    KINDS: ClassVar[tuple[str, ...]] = ("ups",)
    EXAMPLE: ClassVar[str] = "nut://host/ups"

    host: Text
    port: Port = 3493
    ups: NutName = ""
    """Its name on the server; empty: the only one that it has."""
    user: str = ""
    password: Secret | None = None
    tls: bool = False
    ca: str = ""
    """PEM file that the server's certificate is checked against, by its whole path; empty: the system's authorities."""
    timeout: Seconds = 2.5

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from host_faults(draft.host)
        if draft.timeout == 0.0:
            yield Fault("no time to answer", 'write timeout = "2s"', ("timeout",))
        if draft.user == "" and draft.password is not None:
            yield Fault("a password without a user", 'write user = "…"', ("password",))
        if draft.user and draft.password is None:
            yield Fault("user without password", 'write password = { file = "…" } or { credential = "…" }', ("user",))
        if isinstance(draft.ca, str) and draft.ca:
            if not draft.tls:
                yield Fault("ca without tls", "write tls = true, or leave ca out", ("ca",))
            if not draft.ca.startswith("/"):
                yield Fault("ca is no whole path", 'write ca = "/etc/…/ca.pem"', ("ca",))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Nut":
        """See ``Way.from_url``.

        ::

            nut://host/ups                       nut://host: the only one that it has
            nut://user:password@host:3493/ups?tls=yes&ca=/etc/ssl/nut.pem&timeout=2
        """
        where = f"nut://{parts.hostname or ''}"
        if "@" in parts.path or parts.fragment:
            raise UsageError("it breaks off at a / or a #", where="nut://", hint=url.ESCAPE)
        if not parts.hostname:
            raise UsageError("a host is missing", where=where, hint=f"write {cls.EXAMPLE}")
        ups = unquote(parts.path.strip("/"))
        if "/" in ups or any(character.isspace() or character in '"\\' for character in ups):
            raise UsageError("no name of a UPS", where=where, hint="`upsc -l host` lists the names")
        options = url.options(parts, ("tls", "ca", "timeout"), where)
        tls = options.get("tls", "yes" if "ca" in options else "no")
        if tls not in ("yes", "no"):
            raise UsageError("tls is yes or no", where=where, hint="write tls=yes")
        if "ca" in options and (tls == "no" or not options["ca"].startswith("/")):
            raise UsageError("ca is the whole path of a file, with tls", where=where, hint="write ca=/etc/…/ca.pem")
        user = unquote(parts.username or "")
        if user and parts.password is None:
            raise UsageError("a user without a password", where=where, hint="write nut://user:password@host/ups")
        return cls(
            host=parts.hostname,
            port=url.port(parts) or 3493,
            ups=ups,
            user=user,
            password=Secret(unquote(parts.password)) if user and parts.password is not None else None,
            tls=tls == "yes",
            ca=options.get("ca", ""),
            timeout=url.timeout(options, 2.5, where),
        )

    def driver(self, context: Context) -> Driver:  # noqa: ARG002 - see Way
        """See ``Way.driver``."""
        from agent.drivers.nut import NutDriver  # noqa: PLC0415
        from agent.links.nut import NutConnection  # noqa: PLC0415

        target = NutTarget(
            host=self.host,
            port=self.port,
            user=self.user,
            password="" if self.password is None else self.password.reveal(),
            tls=self.tls,
            ca=self.ca,
            timeout=self.timeout,
        )
        return NutDriver(NutConnection(target), self.ups)
