"""What tests of a whole agent share: a real broker of their own, and an ear on it. The fixture ``broker`` is in conftest."""

import asyncio
import getpass
import shutil
import socket
import subprocess
from contextlib import asynccontextmanager

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract.message import Ack, encode

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
LIMIT = 30.0
"""Seconds until waiting for something is a failure."""
ROOM = "wolfsmoke/1/hq/room"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def until(met, what, limit=LIMIT):
    """Look every 20 ms; there is no event for what another process has not done yet."""
    try:
        async with asyncio.timeout(limit):
            while not met():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"within {limit:g} s: {what}")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def mosquitto(folder):
    """A broker that lets everybody in; its port."""
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(f"user {getpass.getuser()}\nlistener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([MOSQUITTO, "-c", config], stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - returns at once
    await until(lambda: answers(port), "mosquitto answers")
    try:
        yield port
    finally:
        process.kill()
        process.wait()


class Listening:
    """Hears what the agent says: ``_heard`` takes the last level of the topic, and the payload."""

    def __init__(self, port):
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _client, _data, message: self._heard(
            message.topic.rpartition("/")[2], message.payload
        )
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{ROOM}/+", 1)
        self._client.loop_start()

    def _heard(self, kind, payload):
        raise NotImplementedError

    def _acknowledge(self, heard):
        """Do as a gateway would."""
        ack = Ack("journal", heard.epoch, ((heard.seq, heard.seq),))
        self._client.publish(f"{ROOM}/acks", encode(ack), qos=1)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()
