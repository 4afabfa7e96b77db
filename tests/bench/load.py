# ruff: noqa: T201 - a script that prints its result
"""The load of the ingest bench: many agents' readings, as MQTT frames on raw sockets, so that it costs less than who is measured.

usage: load.py PORT --agents N [--devices N] [--messages N | --seconds N] [--acks]

With ``--acks`` each agent keeps its window as a real one does, and goes on when the gateway acknowledges; without, all is
sent as fast as the broker takes it. Prints one line of JSON: messages, seconds, and (with acks) acknowledged messages
over the time after the warm-up.
"""

import argparse
import json
import secrets
import selectors
import socket
import time

import msgspec

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.message import Ack, Alarms, Device, Hello, Inventory, Readings, encode
from contract.quantities import QUANTITIES, Kind

CONNECTIONS = 16
IN_FLIGHT = 4096
"""Messages under way in all; an agent has 64 at the least."""
UNANSWERED = 400
"""PUBLISHes without a PUBACK on one connection, where nobody acknowledges."""
OUT_MOST = 262144
"""Bytes that may wait to be written on one connection."""
READINGS = 20
ALARM_EVERY = 2000
"""Messages from one alarm to the next: raised and cleared by turns."""
NUMBERS = [each.name for each in QUANTITIES.values() if each.kind is Kind.NUMBER][: READINGS - 1]


def frame(topic: bytes, payload: bytes, mid: int, retain: int = 0) -> bytes:
    """Return a PUBLISH at QoS 1 (MQTT 3.1.1, 3.3)."""
    size = 2 + len(topic) + 2 + len(payload)
    head = bytearray([0x32 | retain])
    while True:
        size, digit = divmod(size, 128)
        head.append(digit | (0x80 if size else 0))
        if not size:
            break
    return b"%b%b%b%b%b" % (head, len(topic).to_bytes(2), topic, mid.to_bytes(2), payload)


class Agent:
    """One agent: its numbers and what it has said."""

    def __init__(self, number: int, devices: int, alarm_every: int) -> None:
        self.alarm_every = alarm_every
        self.base = f"wolfsmoke/1/bench/agent-{number}".encode()
        self.epoch = secrets.token_hex(8)
        self.seq = 0
        self.acked = 0
        self.devices = devices
        values = {name: 1.25 * index for index, name in enumerate(NUMBERS)}
        body = Readings(
            self.epoch, 1, "ups-0", Stamp(1.5, 2.5, "b" * 16, trusted=True), 3.5, {**values, "ups.status": ("OL",)}
        )
        text = encode(body).decode().replace("%", "%%")
        text = text.replace('"seq":1,', '"seq":%d,').replace('"ups-0"', '"ups-%d"').replace('"wall":1.5', '"wall":%.3f')
        self.form = text.replace('"boottime":2.5', '"boottime":%.3f').replace('"sent":3.5', '"sent":%.3f').encode()
        self.readings = self.base + b"/readings"

    def hello(self) -> list[tuple[bytes, bytes]]:
        devices = tuple(Device(f"ups-{index}", "ups", "bench", interval=1.0) for index in range(self.devices))
        return [
            (self.base + b"/hello", encode(Hello(self.epoch))),
            (self.base + b"/inventory", encode(Inventory(devices=devices))),
        ]

    def next(self, wall: float, boottime: float) -> tuple[bytes, bytes]:
        self.seq += 1
        if self.seq % self.alarm_every == self.alarm_every - 1:
            at = Stamp(wall, boottime, "b" * 16, trusted=True)
            name = f"{self.epoch}-{self.seq // self.alarm_every // 2}"
            raised = self.seq // self.alarm_every % 2 == 0
            occurrence = Occurrence(name, "ups-0", "on-battery", active=raised, since=at, raised=at)
            return self.base + b"/alarms", encode(Alarms(self.epoch, self.seq, at, boottime, occurrence))
        return self.readings, self.form % (self.seq, self.seq % self.devices, wall, boottime, boottime)


class Connection:
    """One MQTT connection that speaks for several agents."""

    def __init__(self, port: int, number: int, agents: list[Agent], *, acks: bool) -> None:
        self.agents = agents
        self.by_topic = {agent.base + b"/acks": agent for agent in agents}
        self.out = bytearray()
        self.rest = b""
        self.mid = 0
        self.unanswered = 0
        self.socket = socket.create_connection(("127.0.0.1", port))
        name = f"load-{number}".encode()
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2) + name
        self.socket.sendall(bytes([0x10, len(body)]) + body)
        assert self.socket.recv(4) == b"\x20\x02\x00\x00"
        if acks:
            for topic in self.by_topic:
                body = b"\x00\x01" + len(topic).to_bytes(2) + topic + b"\x00"
                self.out += bytes([0x82, len(body)]) + body
            for agent in agents:
                for topic, payload in agent.hello():
                    self.publish(topic, payload)
        self.socket.setblocking(False)

    def publish(self, topic: bytes, payload: bytes) -> None:
        self.mid = self.mid % 65535 + 1
        self.out += frame(topic, payload, self.mid)
        self.unanswered += 1

    def write(self) -> None:
        if self.out:
            try:
                sent = self.socket.send(self.out)
                del self.out[:sent]
            except BlockingIOError:
                pass

    def read(self) -> None:
        """Take PUBACKs and acknowledgements."""
        try:
            data = self.rest + self.socket.recv(262144)
        except BlockingIOError:
            return
        at = 0
        while len(data) - at >= 2:
            size, shift, start = 0, 0, at + 1
            while start < len(data):
                digit = data[start]
                size |= (digit & 0x7F) << shift
                start, shift = start + 1, shift + 7
                if not digit & 0x80:
                    break
            if start + size > len(data):
                break
            if data[at] == 0x40:
                self.unanswered -= 1
            elif data[at] & 0xF0 == 0x30:
                length = int.from_bytes(data[start : start + 2])
                agent = self.by_topic[data[start + 2 : start + 2 + length]]
                ack = _ACKS.decode(data[start + 2 + length : start + size])
                if ack.epoch == agent.epoch and ack.have and ack.have[0][0] == 1:
                    agent.acked = max(agent.acked, ack.have[0][1])
            at = start + size
        self.rest = data[at:]


_ACKS = msgspec.json.Decoder(Ack)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--devices", type=int, default=10)
    parser.add_argument("--messages", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--warm", type=float, default=2.0)
    parser.add_argument("--alarm-every", type=int, default=ALARM_EVERY)
    parser.add_argument("--acks", action="store_true")
    asked = parser.parse_args()
    agents = [Agent(number, asked.devices, asked.alarm_every) for number in range(asked.agents)]
    count = min(CONNECTIONS, asked.agents)
    connections = [Connection(asked.port, each, agents[each::count], acks=asked.acks) for each in range(count)]
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    window = max(64, IN_FLIGHT // asked.agents) if asked.acks else 10**9
    sent, began = 0, time.monotonic()
    warm: tuple[float, int] | None = None
    while time.monotonic() - began < asked.seconds:
        said = sum(_speak(connection, window, asked.messages - sent, acks=asked.acks) for connection in connections)
        sent += said
        for key, _ in selector.select(0 if said else 0.002):
            key.data.read()
        if warm is None and time.monotonic() - began > asked.warm:
            warm = time.monotonic(), sum(agent.acked for agent in agents)
            print("warm", flush=True)
        if sent >= asked.messages and not any(each.out or each.unanswered for each in connections):
            break
    done = {"messages": sent, "seconds": time.monotonic() - began}
    if warm is not None:
        done["acked"] = sum(agent.acked for agent in agents) - warm[1]
        done["over"] = time.monotonic() - warm[0]
    print(json.dumps(done), flush=True)


def _speak(connection: Connection, window: int, most: int, *, acks: bool) -> int:
    """Publish what the windows allow; return how many messages."""
    now, boottime = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
    said = 0
    for agent in connection.agents:
        if len(connection.out) > OUT_MOST:
            break
        room = min(agent.acked + window - agent.seq, 64, most - said)
        if not acks:
            room = min(room, UNANSWERED - connection.unanswered)
        for index in range(room):
            connection.publish(*agent.next(now + index * 1e-3, boottime))
        said += max(0, room)
    connection.write()
    return said


if __name__ == "__main__":
    main()
