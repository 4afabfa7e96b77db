"""A switch that tells what it does by syslog over UDP: news now and then, errors when something breaks.

Its faults are those of a wire: what it sends is spoiled, late, or not sent.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled

NEWS: Final = 6
ERROR: Final = 3
_FACILITY: Final = 23
"""local7, as switches use."""


class Talk:
    """What it has to say."""

    def __init__(self, every: float = 5.0) -> None:
        """Take how often it says that all is well, in seconds."""
        self.every = every
        self.text = "link state unchanged"
        self.new = True
        """RFC 5424; else RFC 3164."""


class SyslogSource:
    """One device that sends. Nothing is sent before ``start``."""

    def __init__(
        self, talk: Talk, host: str, port: int, *, name: str = "sw-1", clock: Callable[[], float] = time.time
    ) -> None:
        """Remember what to say and to whom; ``clock`` is wall time."""
        self.talk = talk
        self._to = host, port
        self._name = name
        self._clock = clock
        self._fault = Fault.NONE
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where it sends to."""
        return f"{self._to[0]}:{self._to[1]}"

    @property
    def url(self) -> str:
        """It is not asked: it speaks by itself."""
        return f"syslog://{self.address}"

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on."""
        self._fault = fault

    async def start(self) -> None:
        """Begin to speak."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in self._to[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Fall silent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
        self._task = self._socket = None

    def say(self, text: str, severity: int = NEWS) -> None:
        """Send one message, as the fault has it."""
        data = spoiled(self.message(text, severity).encode(), self._fault)
        if data is None or self._socket is None:
            return
        if self._fault is Fault.DELAY:
            asyncio.get_running_loop().call_later(DELAY_SECONDS, self._send, data)
        else:
            self._send(data)

    def fail(self, count: int = 30) -> None:
        """Send a burst of errors."""
        for number in range(count):
            self.say(f"interface {number % 24} down: no carrier", ERROR)

    def message(self, text: str, severity: int) -> str:
        """Return a message with its header; under ``address`` in another device's name, under ``sentinels`` without any."""
        when = datetime.fromtimestamp(self._clock(), UTC)
        name = "another" if self._fault is Fault.ADDRESS else self._name
        if self._fault is Fault.SENTINELS:
            return f"<{_FACILITY * 8 + severity}>1 - - - - - -"
        if self.talk.new:
            return f"<{_FACILITY * 8 + severity}>1 {when.isoformat(timespec='milliseconds')} {name} lag 1 - - {text}"
        return f"<{_FACILITY * 8 + severity}>{when:%b} {when.day:2} {when:%H:%M:%S} {name} lag: {text}"

    def _send(self, data: bytes) -> None:
        if self._socket is not None:
            try:
                self._socket.sendto(data, self._to)
            except OSError:  # nobody listens there now, or the buffer is full: it is lost, as on a wire
                return

    async def _run(self) -> None:
        while True:
            self.say(self.talk.text)
            await asyncio.sleep(self.talk.every)
