"""systemd's word on services, by ``systemctl show``."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable

_PROPERTIES: Final = "Id,Names,LoadState,ActiveState,SubState,Result"
_PATIENCE: Final = 5.0
"""Seconds that systemd may take."""
_FINE: Final = frozenset({"active", "reloading"})


class Service(msgspec.Struct, frozen=True):
    """One service, in systemd's words."""

    name: str
    loaded: str
    active: str
    sub: str = ""
    result: str = ""

    @property
    def running(self) -> bool:
        """Whether it does what it should."""
        return self.active in _FINE

    @property
    def state(self) -> str:
        """Its state in a word or two, for people."""
        if self.loaded == "not-found":
            return "not installed"
        failed = self.active == "failed" and self.result not in ("", "success")
        return f"failed: {self.result}" if failed else self.active or "unknown"


def parse(text: str, names: Sequence[str]) -> dict[str, Service]:
    """Return what ``systemctl show`` printed of these services; what it does not tell of is left out."""
    found = {}
    for block in text.split("\n\n"):
        said = dict(line.partition("=")[::2] for line in block.splitlines())
        known = {said.get("Id", ""), *said.get("Names", "").split()}
        for name in names:
            if name in known:
                found[name] = Service(
                    name,
                    said.get("LoadState", ""),
                    said.get("ActiveState", ""),
                    said.get("SubState", ""),
                    said.get("Result", ""),
                )
    return found


class Systemctl:
    """Asks systemd of this machine."""

    def __init__(self, program: str = "systemctl") -> None:
        """Take the program's name."""
        self._program = program

    async def ask(self, names: Sequence[str]) -> Mapping[str, Service]:
        """Return how services are, by their names.

        Raises:
            PortUnavailable: there is no systemd here, or it does not talk to us.
            DeviceTimeout: it takes too long.
            DeviceGarbled: it does not tell of one of them.
        """
        hint = "is this host run by systemd, and may the agent ask it?"
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                "show",
                f"--property={_PROPERTIES}",
                "--",
                *names,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise PortUnavailable(f"{self._program}: {error.strerror}", where="systemd", hint=hint) from error
        try:
            async with asyncio.timeout(_PATIENCE):
                output, trouble = await process.communicate()
        except TimeoutError:
            raise DeviceTimeout(f"no answer within {_PATIENCE:g} s", where="systemd") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            lines = trouble.decode("utf-8", "replace").splitlines()
            raise PortUnavailable(lines[0][:200] if lines else "it refused", where="systemd", hint=hint)
        found = parse(output.decode("utf-8", "replace"), names)
        missing = [name for name in names if name not in found]
        if missing:
            raise DeviceGarbled(f"nothing said of {', '.join(missing)}", where="systemd")
        return found
