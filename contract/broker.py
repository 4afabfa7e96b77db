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


HUNG_UP: Final = "it hung up before it answered"
"""What a broker does with a side that speaks TLS to no TLS, or the other way round."""
_NOTHING_SAID: Final = "Unspecified error"
"""paho's word for a line that was cut."""
_OTHER_CA: Final = "check tls.ca: it is not of the authority that signed the broker's certificate"
_OTHER_NAME: Final = "write the host as a name that stands in the broker's certificate"
_ADVICE: Final = (
    ("unable to get local issuer", _OTHER_CA),
    ("self-signed", _OTHER_CA),
    ("Hostname mismatch", _OTHER_NAME),
    ("IP address mismatch", _OTHER_NAME),
    ("certificate has expired", "renew the broker's certificate; does the clock of this machine go right?"),
    ("WRONG_VERSION_NUMBER", "does this port speak TLS? If not: another port, or no tls"),
    (HUNG_UP, "does this port want TLS? Then write tls = { ca = … }"),
    ("ot authorized", "check user, password and the broker's access list"),
    ("user name or password", "check user and password"),
)
"""What the TLS library and the broker say → what a person can do about it."""


def lost(reason: str) -> str:
    """Return what is to be said of a connection that ended, with the client library's reason where it is one."""
    return "the connection is lost" if reason == _NOTHING_SAID else f"the connection is lost: {reason}"


class Absence:
    """Why there is no connection: told once, and again only when it is something else that a person must mend."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self.told: set[str] = set()

    def tell(self, reason: str) -> str:
        """Return what is to be logged of a failed try, with what to do about it where that is known; empty: nothing."""
        advice = next((hint for part, hint in _ADVICE if part in reason), "")
        if reason in self.told or (self.told and not advice):
            return ""
        self.told.add(reason)
        return f"{reason} ({advice})" if advice else reason

    def over(self) -> bool:
        """Take a connection; return whether anything was told since the last one."""
        told = bool(self.told)
        self.told.clear()
        return told


def host_faults(host: Any) -> Iterable[Fault]:
    """Yield what is wrong with the name of a host."""
    if isinstance(host, str) and ("/" in host or " " in host or (host.count(":") == 1)):
        yield Fault(f"{host!r} is no host name", "the name or address only; the port has a key of its own", ("host",))
