"""One connection to Modbus devices, by pymodbus: Modbus TCP, RTU on a serial port, RTU through a serial server.

pymodbus builds requests and decodes answers. What it lets through of what arrives is looked at first
(``agent.links.modbus_frames``): it would take frames that answer something else, and say nothing of those that it throws
away. Ports and connections are opened here, so that their errors are not lost; it never reconnects by itself.
"""

import asyncio
import logging
import os
import socket
import termios
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from agent.links import modbus_frames as frames
from agent.links import serial
from agent.links.modbus_frames import Ask
from agent.links.modbus_line import Line
from agent.links.serial_stream import LineErrors, SerialTransport
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # what it knows, our errors say, and once

CONNECT_SECONDS: Final = 3.0
"""That opening a connection may take at the least: a host far away needs longer for that than for an answer."""
_FRAMES: Final = 13
"""Bytes of a request, and of an answer around its data."""
_NEVER: Final = 3600.0
"""pymodbus's own timeout, in seconds: ours is over long before."""


class PymodbusWire:
    """One connection. ``agent.links.modbus.Bus`` owns it: one request at a time, and who is asked."""

    def __init__(self, line: Line) -> None:
        """Remember where the devices are."""
        self._line = line
        self._client: AsyncModbusTcpClient | None = None
        self._serial: SerialTransport | None = None
        self._why: Exception | None = None
        self._asked: Ask | None = None
        self._transaction = 0
        self._seen = b""
        self._counted = LineErrors()

    @property
    def open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """Open the connection.

        Raises:
            PortUnavailable: it cannot be had.
        """
        self.close()
        line = self._line
        client = AsyncModbusTcpClient(
            line.host or line.port,
            port=line.tcp_port,
            framer=FramerType.RTU if line.rtu else FramerType.SOCKET,
            reconnect_delay=0,
            timeout=_NEVER,
            retries=0,
            trace_packet=self._trace,
        )
        create = self._open_serial if line.port else self._open_tcp
        client.ctx.call_create = lambda: self._kept(create, client.ctx)
        self._why = None
        seconds = max(CONNECT_SECONDS, line.timeout)
        try:
            async with asyncio.timeout(seconds):
                connected = await client.connect()
        except TimeoutError:
            hint = "is it on and reachable? Is the address right?"
            raise PortUnavailable(f"no connection within {seconds:g} s", where=line.where, hint=hint) from None
        if not connected:
            raise self._no_way()
        self._client = client

    def close(self) -> None:
        """Let go of the connection."""
        client, self._client, self._serial = self._client, None, None
        if client is not None:
            client.close()

    async def ask(self, ask: Ask, *, wake: bytes = b"", pause: float = 0.0, seconds: float) -> Sequence[int]:
        """Return what the device says: registers, or 0 and 1 for bits; nothing where it was told to switch.

        Args:
            ask: what to read, or to switch.
            wake: bytes that go before, on an RTU line.
            pause: seconds after them.
            seconds: that the device may take; how long the line takes for so many bytes is added.

        Raises:
            DeviceError: of every kind.
        """
        client = self._client
        if client is None or not client.connected:
            raise PortUnavailable("no connection", where=self._line.where, hint="it is opened at the next poll")
        if wake and self._line.rtu:
            client.ctx.send(wake)
            await asyncio.sleep(pause)
        self._counted = self._serial.errors if self._serial else LineErrors()
        self._asked, self._seen = ask, b""
        limit = seconds + self._line.on_wire(_FRAMES + ask.payload)
        try:
            response = await _within(limit, _sent(client, ask))
        except TimeoutError:
            raise self._silence(ask, seconds) from None
        except ModbusException as error:
            raise self._refused(ask, error) from error
        finally:
            self._asked = None
        if response.isError():
            raise frames.refusal(response.exception_code, ask, self._where(ask))
        if ask.function == frames.SWITCH:
            return []
        if ask.function in (frames.COILS, frames.DISCRETE):
            return [int(bit) for bit in response.bits[: ask.count]]
        return list(response.registers)

    def _where(self, ask: Ask) -> str:
        return f"{self._line.where} unit {ask.unit}"

    def _trace(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - pymodbus's own shape
        """Let pass what is sent, and of what arrives only the whole answer to what was asked."""
        if sending:
            self._transaction = 0 if self._line.rtu else int.from_bytes(data[:2], "big")
            return data
        if self._asked is None:
            return b""
        self._seen = data
        return frames.answer(data, self._asked, rtu=self._line.rtu, transaction=self._transaction)

    def _silence(self, ask: Ask, seconds: float) -> DeviceError:
        if not self.open:
            return self._gone()
        line = self._line
        error = frames.diagnosis(self._seen, ask, self._where(ask), rtu=line.rtu, line=line.words, seconds=seconds)
        counted = self._serial.errors.since(self._counted) if self._serial else ""
        if not counted:
            return error
        kind = DeviceGarbled if self._seen or isinstance(error, DeviceGarbled) else DeviceTimeout
        return kind(error.what, where=error.where, hint=f"{counted}; now it is {line.words}")

    def _refused(self, ask: Ask, error: ModbusException) -> DeviceError:
        if not self.open:
            return self._gone()
        return DeviceGarbled(f"an answer that cannot be read: {error}", where=self._where(ask), hint="see its manual")

    def _gone(self) -> PortUnavailable:
        if self._line.port:
            return serial.lost(self._line.port, OSError(5, os.strerror(5)))
        hint = "many allow one connection only: is another program, or another agent, asking it?"
        return PortUnavailable("it closed the connection", where=self._line.where, hint=hint)

    def _no_way(self) -> PortUnavailable:
        why = self._why
        if isinstance(why, PortUnavailable):
            return why
        if self._line.port and why is not None:
            return serial.lost(self._line.port, why)
        hint = "is it on and reachable? Is the port right? Modbus TCP has 502, serial servers have others"
        if isinstance(why, socket.gaierror):
            return PortUnavailable("there is no such host", where=self._line.where, hint="is the name right?")
        text = os.strerror(why.errno) if isinstance(why, OSError) and why.errno else str(why)
        return PortUnavailable(f"no connection: {text}", where=self._line.where, hint=hint)

    async def _kept(self, create: Callable[[Any], Awaitable[Any]], protocol: Any) -> tuple[Any, Any]:
        """Open something, and keep the error that pymodbus drops."""
        try:
            return await create(protocol), protocol
        except (OSError, PortUnavailable, termios.error) as error:
            self._why = error
            raise ConnectionError from error

    async def _open_tcp(self, protocol: Any) -> Any:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: protocol, self._line.host, self._line.tcp_port)
        return transport

    async def _open_serial(self, protocol: Any) -> Any:
        line = self._line
        port = await asyncio.to_thread(
            serial.open_port, line.port, line.baudrate, parity=line.parity, stopbits=line.stopbits
        )
        self._serial = SerialTransport(port, protocol)
        self._serial.start()
        return self._serial


def _sent(client: AsyncModbusTcpClient, ask: Ask) -> Awaitable[Any]:
    """Return the request on its way."""
    if ask.function == frames.SWITCH:
        return client.write_coil(ask.address, ask.count == frames.ON, device_id=ask.unit)
    read = {
        frames.COILS: client.read_coils,
        frames.DISCRETE: client.read_discrete_inputs,
        frames.HOLDING: client.read_holding_registers,
        frames.INPUT: client.read_input_registers,
    }[ask.function]
    return read(ask.address, count=ask.count, device_id=ask.unit)


async def _within(seconds: float, request: Awaitable[Any]) -> Any:
    """Return what a request comes to; in a task of its own, because some pymodbus swallow that they are cancelled.

    Raises:
        TimeoutError: not in time.
        ModbusException: pymodbus's.
    """
    task = asyncio.ensure_future(request)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_unheard)


def _unheard(task: asyncio.Task[Any]) -> None:
    """Take the outcome of a request that nobody waits for."""
    if not task.cancelled():
        task.exception()
