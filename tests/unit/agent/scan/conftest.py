"""Who can be found on the loopback: a Modbus server, and a Modbus device on a pseudo-terminal."""

import asyncio
import contextlib
import os
import sys
import tty
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


class ModbusServer:
    """Speaks as units do: ``knows`` names the functions that it answers with a value; to others it says exception 1."""

    VENDOR = b"\x2b\x0e\x01\x01\x00\x00\x03\x00\x06Acme\nX\x01\x03PM5\x02\x041.20"

    def __init__(self, knows=(0x2B, 3, 4), units=(1,), *, gateway=False):
        self.knows, self.units, self.gateway = knows, units, gateway
        self.asked = []

    def answer(self, unit, pdu):
        self.asked.append((unit, pdu))
        if unit not in self.units:
            return bytes((pdu[0] | 0x80, 11)) if self.gateway else None
        if pdu[0] not in self.knows:
            return bytes((pdu[0] | 0x80, 1))
        return self.VENDOR if pdu[0] == 0x2B else bytes((pdu[0], 2, 0, 42))

    async def serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                answer = self.answer(head[6], pdu)
                if answer is not None:
                    writer.write(head[:4] + (len(answer) + 1).to_bytes(2, "big") + head[6:] + answer)
        writer.close()


class ModbusLine:
    """The same on a serial line: a pseudo-terminal with a name."""

    def __init__(self, link, server, crc):
        self.link, self.server, self.crc = link, server, crc

    def open(self):
        self.near, self.far = os.openpty()
        for end in (self.near, self.far):
            tty.setraw(end)
        os.set_blocking(self.near, False)
        self.link.symlink_to(os.ttyname(self.far))
        asyncio.get_running_loop().add_reader(self.near, self.readable)

    def close(self):
        asyncio.get_running_loop().remove_reader(self.near)
        os.close(self.near)
        os.close(self.far)

    def readable(self):
        frame = os.read(self.near, 256)
        if len(frame) < 4 or self.crc(frame[:-2]) != frame[-2:]:
            return  # noise to it
        answer = self.server.answer(frame[0], frame[1:-2])
        if answer is not None:
            body = frame[:1] + answer
            os.write(self.near, body + self.crc(body))


@pytest.fixture
def modbus_server():
    return ModbusServer


@pytest.fixture
def modbus_line():
    return ModbusLine
