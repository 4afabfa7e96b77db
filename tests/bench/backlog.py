# ruff: noqa: T201 - part of a script that prints its table
"""How soon an alarm comes through while an agent sends on what it kept in a long cut, and how long that takes.

A real agent finds hours of readings on its disk, connects, and sends them on; meanwhile the UPS that it watches goes to
battery and back, again and again.
"""

import random
import secrets
import statistics
import time
from pathlib import Path
from typing import Any

import farm
import ours
from farm import Processes, on_cpu, port_of
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.outbox.rescue import open_spool
from agent.outbox.spool import Batch, Row
from contract.clock import Stamp
from contract.message import Readings, State, Topic, decode, encode
from contract.quantities import QUANTITIES, Kind

RATE = 50.0
"""Readings a second, before the cut."""
EACH = 20
"""Readings of a message."""
NUMBERS = [each.name for each in QUANTITIES.values() if each.kind is Kind.NUMBER][:EACH]
PAGE = 5000
QUICKLY = {"page_after": "0s", "check_after": "1s", "closes": "itself"}


def fill(state: Path, hours: float) -> int:
    """Write what an agent would have kept in so many hours; return the number of messages."""
    state.mkdir(parents=True)
    count = int(hours * 3600 * RATE / EACH)
    spool = open_spool(state / "spool.db", "0")
    epoch, boot = secrets.token_hex(8), secrets.token_hex(8)
    spool.open_epoch(epoch)
    began = time.time() - count * EACH / RATE
    for start in range(1, count + 1, PAGE):
        rows = []
        for seq in range(start, min(start + PAGE, count + 1)):
            ago = seq * EACH / RATE
            at = Stamp(began + ago, 1000 + ago, boot, trusted=True)
            values = {name: round(random.uniform(0, 90), 1) for name in NUMBERS}
            rows.append(Row(epoch, seq, Topic.READINGS, encode(Readings(epoch, seq, "ups-0", at, 0.0, values))))
        spool.commit(Batch(keep=rows))
    spool.close()
    return count


class Held:
    """Listens to an agent's heartbeat: what it still holds."""

    def __init__(self, port: int, site: str) -> None:
        self.held = -1
        self.at = 0.0
        client = mqtt.Client(CallbackAPIVersion.VERSION2)

        def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            self.held, self.at = decode(State, bytes(message.payload)).held, time.monotonic()

        client.on_message = on_message
        client.on_connect = lambda *_: client.subscribe(f"wolfsmoke/1/{site}/bench/state", 1)
        client.connect("127.0.0.1", port)
        client.loop_start()
        self.close = client.loop_stop


def report(folder: Path, hours: float, receiver: Any) -> None:
    """Print the figures.

    Args:
        folder: takes settings, spool and journal.
        hours: of the cut.
        receiver: takes the messages to people; see ``run.Receiver``.
    """
    with Processes() as running:
        port, broker = port_of(), port_of()
        farm.start(running, folder, port, 1)
        if ours.mosquitto(running, folder, broker) is None:
            print("absent: mosquitto is not installed")
            return
        ours.settle(0.3)
        gateway = ours.gateway(running, folder, "backlog", broker, receiver.url("backlog"), QUICKLY)
        state = folder / "agent-backlog" / "state"
        count = fill(state, hours)
        spool = sum(path.stat().st_size for path in state.glob("spool.db*"))
        device = '[[device.condition]]\nname = "on-battery"\noff_delay = "0s"'
        watched = Held(broker, "backlog")
        used, began = on_cpu(gateway), time.monotonic()
        agent = ours.agent(running, folder, "backlog", broker, port, 1, device, more='keep_bytes = "4 GiB"')
        farm.wait_for(lambda: watched.held > 0, "the agent with what it kept", 120)
        during: list[float] = []
        while watched.held != 0 and time.monotonic() - began < 3600:
            during += _flip(receiver, port)
        took = watched.at - began
        drained = on_cpu(agent), on_cpu(gateway) - used
        after = [delay for _ in range(max(10, min(40, len(during)))) for delay in _flip(receiver, port)]
        watched.close()
        journal = sum(path.stat().st_size for path in (folder / "gateway-backlog/state").glob("journal.db*"))
    print(f"\n{hours:g} h of backlog at {RATE:g} readings a second: {count} messages of {EACH}, on the agent's disk")
    print(f"{'sent on in':40}{took:10.0f} s, {count / took:.0f} messages/s")
    print(
        f"{'CPU of agent, gateway meanwhile':40}{100 * drained[0] / took:10.1f} % {100 * drained[1] / took:.1f} % of a core"
    )
    print(f"{'disk, agent and gateway':40}{spool / count / EACH:10.1f} B {journal / count / EACH:.1f} B a reading")
    for name, delays in (("alarm to message, meanwhile", during), ("the same, afterwards", after)):
        if delays:
            most = max(delays)
            print(f"{name:40}{statistics.median(delays):10.2f} s, at most {most:.2f} s, n = {len(delays)}")
    if during:
        print(f"goal: within 2 s of live meanwhile: {'met' if max(during) <= 2 + max(after, default=0) else 'NOT MET'}")


def _flip(receiver: Any, port: int) -> list[float]:
    """Cut the mains and restore it; return how long it took to be told, nothing if it was not."""
    ours.settle(random.uniform(0.2, 1.2))
    receiver.arm()
    at = farm.flip(port, farm.ON_BATTERY)
    heard = receiver.wait(["backlog"], battery=True, limit=20.0)
    receiver.arm()
    farm.flip(port, farm.ON_LINE)
    receiver.wait(["backlog"], battery=False, limit=20.0)
    ours.settle(1.5)  # the cause is checked, the incident closed
    return [each - at for each in heard.values()]
