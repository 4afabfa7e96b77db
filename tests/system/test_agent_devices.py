"""A whole agent, on a real broker, with devices that are away, late, garbled, unplugged and back again.

Each trouble raises ``contact-lost`` once, is told once, ends once it is over, and stops no neighbour.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rooms import LIMIT, MOSQUITTO, ROOM, Listening, until

from contract import settings
from contract.command import Command, Outcome, Reply
from contract.message import GATEWAY_TOPIC, Alarms, Heartbeat, Readings, decode, encode
from firmware_sims import site
from firmware_sims.faults import Fault

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
COMMUNITY, WRONG = "wolf-secret", "hunter2hunter2"
SITE = settings.load(
    site.SiteSettings,
    f"""
[[ups]]
name = "card"
face = "rfc1628"
community = "{COMMUNITY}"
[[ups]]
name = "line"
face = "megatec"
link = "ttyUPS"
[[ups]]
name = "steady"
face = "powernet"
community = "{COMMUNITY}"
""",
    file="site.toml",
)
TROUBLED = ("card", "line")


class Ear(Listening):
    """Hears what the agent says, and acknowledges it as a gateway would."""

    def __init__(self, port):
        self.polls = []
        self.changes = []
        self.replies = []
        super().__init__(port)

    def _heard(self, kind, payload):
        if kind == "replies":
            self.replies.append(decode(Reply, payload))
        if kind not in ("readings", "alarms"):
            return
        if kind == "readings":
            heard = decode(Readings, payload)
            self.polls.append(heard)
        else:
            heard = decode(Alarms, payload)
            self.changes.append(heard.occurrence)
        self._acknowledge(heard)

    def good(self, device):
        return sum(1 for each in list(self.polls) if each.device == device and "ups.status" in each.values)

    def contact(self, device):
        """Return the changes of a device's contact: lost (True), back (False); resent ones once."""
        found = [
            (each.id, each.active)
            for each in list(self.changes)
            if (each.device, each.condition) == (device, "contact-lost")
        ]
        return [active for _, active in dict.fromkeys(found)]

    def command(self, device, verb, **more):
        """Speak as the gateway: its heartbeat, by which an agent knows the time, and a command."""
        now = time.time()
        beat = Heartbeat("garrison", "journal", "session", now, online=True)
        self._client.publish(GATEWAY_TOPIC, encode(beat), qos=1)
        command = Command(f"c{len(self.replies)}", device, verb, expires=now + LIMIT, who="li", **more)
        self._client.publish(f"{ROOM}/commands", encode(command), qos=1)


def written(folder, broker, devices):
    (folder / "community").write_text(COMMUNITY)
    (folder / "wrong").write_text(WRONG)
    tables = [f'[agent]\nsite = "hq"\nname = "room"\nstate = "state"\n[broker]\nhost = "127.0.0.1"\nport = {broker}\n']

    def device(name, how):
        now = '[[device.condition]]\nname = "contact-lost"\non_delay = "0s"\n'
        tables.append(f'[[device]]\nid = "{name}"\npoll = "200ms"\nslow = "1s"\n{how}\n{now}')

    def snmp(of, secret):
        port = devices[of].address.rpartition(":")[2]
        return f'snmp = {{ host = "127.0.0.1", port = {port}, community = {{ file = "{secret}" }}, timeout = "300ms", retries = 0 }}'

    device("card", snmp("card", "community"))
    device("line", f'megatec = {{ port = "{devices["line"].address}" }}')
    device("steady", snmp("steady", "community"))
    device("stranger", snmp("steady", "wrong"))
    (folder / "agent.toml").write_text("\n".join(tables))
    return folder / "agent.toml"


async def test_each_trouble_of_a_device_is_raised_once_ends_once_and_stops_no_neighbour(tmp_path, broker):
    command = Path(sys.executable).parent / "wolfsmoke-agent"
    ear = Ear(broker)
    log = tmp_path / "log"
    async with site.running(SITE, time.monotonic, tmp_path) as devices:
        for name in TROUBLED:  # away at start: one is silent, the other's port is not there
            await devices[name].set_fault(Fault.UNPLUG)
        config = written(tmp_path, broker, devices)
        with log.open("wb") as out:
            process = subprocess.Popen([command, "run", "--config", config], stderr=out)  # noqa: ASYNC220
        try:
            await until(lambda: all(ear.contact(name) == [True] for name in TROUBLED), "both are found to be away")
            lost, steady = 1, ear.good("steady")
            for fault in (Fault.GARBAGE, Fault.DELAY):
                for name in TROUBLED:
                    await devices[name].set_fault(Fault.NONE)
                seen = {name: ear.good(name) for name in TROUBLED}
                expected = [True, False] * lost
                await until(lambda e=expected: all(ear.contact(name) == e for name in TROUBLED), "both are back")
                await until(
                    lambda s=seen: all(ear.good(name) > s[name] + 2 for name in TROUBLED), "both are read again"
                )
                for name in TROUBLED:
                    await devices[name].set_fault(fault)
                lost += 1
                expected = [*expected, True]
                await until(
                    lambda e=expected: all(ear.contact(name) == e for name in TROUBLED), f"{fault.value} is seen"
                )
                await until(lambda s=steady: ear.good("steady") > s + 5, "the neighbour is read on")
                steady = ear.good("steady")
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(LIMIT)
            ear.close()
    said = log.read_text()
    assert process.returncode == 0
    for name in TROUBLED:
        assert said.count(f"{name}: contact lost: ") == lost, said
        assert said.count(f"{name}: contact is back") == lost - 1, said
    assert said.count("stranger: contact lost: ") == 1
    assert "is the community right? A wrong one gets silence" in said
    assert ear.good("stranger") == 0
    assert "steady: contact lost" not in said
    for never in ("Traceback", "panicked", COMMUNITY, WRONG):
        assert never not in said


async def test_a_device_is_read_on_command_and_what_it_must_not_do_is_refused(tmp_path, broker):
    command = Path(sys.executable).parent / "wolfsmoke-agent"
    ear = Ear(broker)
    async with site.running(SITE, time.monotonic, tmp_path) as devices:
        config = written(tmp_path, broker, devices)
        with (tmp_path / "log").open("wb") as out:
            process = subprocess.Popen([command, "run", "--config", config], stderr=out)  # noqa: ASYNC220
        try:
            await until(lambda: ear.good("card"), "the card is read")
            for number, (device, verb, outcome, said) in enumerate(
                (
                    ("card", "read", Outcome.DONE, ""),
                    ("stranger", "read", Outcome.FAILED, "it does not answer"),
                    ("card", "battery-test", Outcome.REFUSED, "its settings do not allow it"),
                    ("card", "on", Outcome.REFUSED, "it knows no on"),
                    ("nobody", "read", Outcome.REFUSED, "no device 'nobody' here"),
                )
            ):
                ear.command(device, verb)
                await until(lambda n=number: len(ear.replies) > n, f"an answer to {verb} {device}")
                reply = ear.replies[-1]
                assert (reply.outcome, reply.device) == (outcome, device)
                assert said in reply.text
            assert ear.replies[0].values["ups.status"] == ("OL",)
            assert ear.replies[0].values["battery.charge"] == 100.0
        finally:
            process.terminate()
            process.wait(LIMIT)
            ear.close()
