"""Serial lines by pyserial: a command out, an answer in, on one worker thread a port.

A port may be a path (``/dev/ttyUSB0``) or any pyserial URL (``socket://host:port`` for a serial server). DTR is
raised and RTS lowered, because some cables feed their adapter from them (NUT's default too); an adapter that has no such
lines, whatever error it says so with, works without.
"""

import asyncio
import contextlib
import errno
import functools
import termios
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import serial

from agent.links.adapters import BY_ID, identity, lasting_name
from agent.links.line_noise import looks_like, shown
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable

T = TypeVar("T")

_LONGEST = 512
"""Bytes without an end that are read before the line is called noise; the longest answer has 120."""
_SLICE = 0.05
"""Seconds that one read waits; the deadline is looked at in between. A byte that arrives ends it at once."""

_HINTS = {
    errno.ENOENT: "is the adapter plugged in? `ls /dev/serial/by-id` lists what is there",
    errno.EACCES: "the service's user must be in the group that owns it, often dialout",
    errno.EPERM: "the service's user must be in the group that owns it, often dialout",
    errno.EBUSY: "another program has it, perhaps this agent's own service, NUT or ModemManager: end that one first",
    errno.EAGAIN: "another program has it, perhaps this agent's own service, NUT or ModemManager: end that one first",
    errno.ENOTTY: "it is not a serial port",
    errno.EIO: "the adapter was pulled out, or the far end hung up",
}


class SerialLink:
    """One serial port. It opens itself when it is first asked, and again after it was lost."""

    def __init__(
        self, url: str, baudrate: int = 2400, *, clock: Callable[[], float] = time.monotonic, by_id: str = BY_ID
    ) -> None:
        """Remember the port.

        Args:
            url: path or pyserial URL.
            baudrate: bits per second; 8 data bits, no parity, 1 stop bit.
            clock: seconds, for deadlines.
            by_id: folder of the names that stay with an adapter.
        """
        self.url = url
        self._by_id = by_id
        self._lasting = ""
        """The name of the adapter that was last here: it may come back under another number."""
        self._opened: tuple[str, int] = ("", 0)
        self._baudrate = baudrate
        self._clock = clock
        self._port: Any = None
        self._worker: ThreadPoolExecutor | None = None

    async def ask(self, command: bytes, *, end: bytes = b"\r", timeout: float = 1.5) -> bytes:  # noqa: ASYNC109 - a serial read needs it itself
        """Send a command as it is; return the answer without its end.

        What came before the command is thrown away; what comes after the end stays unread.

        Args:
            command: bytes to send, with their own end.
            end: what ends the answer.
            timeout: seconds until the end must have come.

        Raises:
            DeviceTimeout: not one byte came.
            DeviceGarbled: bytes came, but not their end.
            PortUnavailable: the port is missing, unplugged or taken.
        """
        return await self._on_worker(functools.partial(self._exchange, command, end, timeout))

    async def close(self) -> None:
        """Let go of the port; asking again opens it again."""
        if self._worker is None:
            return
        await self._on_worker(self._drop)
        if self._worker is not None:
            self._worker.shutdown(wait=False)
            self._worker = None

    async def _on_worker(self, work: Callable[[], T]) -> T:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="serial")
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _exchange(self, command: bytes, end: bytes, timeout: float) -> bytes:
        try:
            if self._port is None:
                self._port = self._open()
            self._port.reset_input_buffer()
            self._port.write(command)
            return self._answer(end, self._clock() + timeout, timeout)
        except DeviceTimeout:
            # A connection that died on the way looks like silence for a quarter of an hour, and so may an adapter that
            # was pulled out and came back under another number.
            if "://" in self.url or identity(self._lasting or self.url) != self._opened:
                self._drop()
            raise
        except (OSError, termios.error) as error:  # SerialException is an OSError; tcflush raises its own
            self._drop()
            raise lost(self.url, error) from error

    def _open(self) -> Any:
        name = self._lasting if self._lasting and identity(self._lasting)[0] else self.url
        port = open_port(name, self._baudrate)
        if not urlsplit(self.url).scheme:
            self._lasting = lasting_name(name, self._by_id) or self._lasting
            self._opened = identity(self._lasting or self.url)
        return port

    def _answer(self, end: bytes, deadline: float, timeout: float) -> bytes:
        received = b""
        while self._clock() < deadline and len(received) < _LONGEST:
            received += self._port.read(max(1, self._port.in_waiting))
            answer, found, _ = received.partition(end)
            if found:
                wrong = looks_like(answer)
                if wrong:
                    raise self._noise(answer, wrong)
                return bytes(answer)
        raise self._no_answer(received, timeout)

    def _no_answer(self, received: bytes, timeout: float) -> DeviceError:
        if not received:
            hint = "is it on, and is the cable the UPS's own? Some need a special one"
            return DeviceTimeout(f"no answer within {timeout:g} s", where=self.url, hint=hint)
        wrong = looks_like(received)
        if wrong:
            return self._noise(received, wrong)
        return DeviceGarbled(f"an answer without an end: {shown(received)}", where=self.url, hint=self.speed_hint)

    def _noise(self, received: bytes, wrong: str) -> DeviceGarbled:
        """Return what bytes that are no text tell of the line."""
        hint = f"it is read at {self._baudrate} baud, 8 bits, no parity: look at the device's settings, then try 1200, 9600"
        return DeviceGarbled(f"noise, {shown(received)} ...: {wrong}", where=self.url, hint=hint)

    @property
    def speed_hint(self) -> str:
        """What to try when bytes make no sense."""
        return f"noise, or another speed than {self._baudrate} baud? Try 1200, 2400 or 9600, and look at the cable"

    def _drop(self) -> None:
        """Close what is left of the port."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except (OSError, termios.error):
                return  # it is gone already


class _Port(serial.Serial):
    """A port that may have no DTR and no RTS.

    pyserial forgives ENOTTY and EINVAL only; cheap adapters answer with EPIPE, EIO or EPROTO, and carry data well.
    """

    def _update_dtr_state(self) -> None:
        with contextlib.suppress(OSError):
            super()._update_dtr_state()  # type: ignore[misc] # not in its stubs

    def _update_rts_state(self) -> None:
        with contextlib.suppress(OSError):
            super()._update_rts_state()  # type: ignore[misc]


def open_port(url: str, baudrate: int, *, parity: str = "N", stopbits: int = 1) -> Any:
    """Return an open port of 8 data bits, locked against other programs; it may block for a moment.

    Args:
        url: path or pyserial URL.
        baudrate: bits per second.
        parity: N, E or O.
        stopbits: 1 or 2.

    Raises:
        PortUnavailable: it is no port.
        OSError, termios.error: it cannot be opened; see ``lost``.
    """
    parts = urlsplit(url)
    if parts.scheme == "socket" and not _has_port(url):
        hint = "write socket://host:port"
        raise PortUnavailable("is not the address of a serial server", where=url, hint=hint)
    make = serial.serial_for_url if parts.scheme else _Port
    options: dict[str, Any] = {"do_not_open": True} if parts.scheme else {"exclusive": True}  # a lock needs a file
    try:
        port = make(
            url if parts.scheme else None,
            baudrate=baudrate,
            parity=parity,
            stopbits=stopbits,
            timeout=_SLICE,
            write_timeout=2.0,
            **options,
        )
    except ValueError as error:
        hint = "write a path such as /dev/ttyUSB0, or socket://host:port"
        raise PortUnavailable(f"is not a port: {error}", where=url, hint=hint) from error
    if not parts.scheme:
        port.port = url  # named now, so that it opens below only
    # Set before opening: pyserial then raises and lowers them itself, and forgives ports that have none.
    port.dtr = True
    port.rts = False
    try:
        port.open()
    except ValueError as error:  # of a speed that the hardware has not got
        hint = "9600 and 2400 work nearly everywhere"
        raise PortUnavailable(f"cannot be set so: {error}", where=url, hint=hint) from error
    return port


def lost(url: str, error: BaseException) -> PortUnavailable:
    """Return what is to be said of a port that could not be opened, or went away."""
    number = _number(error) or _number(error.__context__)  # pyserial hides the kernel's own error behind a text
    if number == errno.ENOENT:
        what = "there is no such port"
    elif number in {errno.EBUSY, errno.EAGAIN}:
        what = "the port is taken"
    elif url.startswith("socket:"):
        return PortUnavailable(f"the serial server is away: {error}", where=url, hint="is it on and reachable?")
    else:
        what = f"the port was lost: {error}"
    hint = _HINTS.get(number or errno.EIO, "look at the adapter, its cable and the kernel's log")
    return PortUnavailable(what, where=url, hint=hint)


def _number(error: BaseException | None) -> int | None:
    """Return the number of an error of the kernel, if it has one."""
    number = getattr(error, "errno", None) or (error.args[0] if error is not None and error.args else None)
    return number if isinstance(number, int) else None


def _has_port(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname and urlsplit(url).port)
    except ValueError:
        return False
