"""What both sides' settings say of the MQTT broker."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from contract.files import beside
from contract.locate import Path
from contract.settings import Fault, Port, Secret, Text


class Tls(msgspec.Struct, frozen=True):
    """TLS to the broker. Paths of PEM files."""

    ca: Text
    certificate: str = ""
    """Of this side, where the broker asks for one."""
    key: str = ""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if bool(draft.certificate) is not bool(draft.key):
            yield Fault("certificate and key belong together", "give both, or none")


class Broker(msgspec.Struct, frozen=True):
    """The MQTT broker."""

    host: Text
    port: Port = 1883
    user: str = ""
    password: Secret | None = None
    tls: Tls | None = None

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from host_faults(draft.host)
        if draft.user and draft.password is None:
            yield Fault("a user without a password", 'write password = { file = "…" } or { credential = "…" }')
        if draft.user == "" and draft.password is not None:
            yield Fault("a password without a user", 'write user = "…"', ("password",))

    def in_folder(self, folder: str) -> "Broker":
        """Return the broker with the paths of TLS that start in this folder."""
        if self.tls is None:
            return self
        tls = Tls(*(beside(folder, name) for name in msgspec.structs.astuple(self.tls)))
        return msgspec.structs.replace(self, tls=tls)


FILES: Final[dict[Path, str]] = {("broker", "tls", key): "" for key in ("ca", "certificate", "key")}
"""Where a settings file names the files of TLS; see ``contract.files.named``."""


def host_faults(host: Any) -> Iterable[Fault]:
    """Yield what is wrong with the name of a host."""
    if isinstance(host, str) and ("/" in host or " " in host or (host.count(":") == 1)):
        yield Fault(f"{host!r} is no host name", "the name or address only; the port has a key of its own", ("host",))
