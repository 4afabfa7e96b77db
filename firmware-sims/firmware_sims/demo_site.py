"""The demo's site: its devices, and the settings files of its agents and gateway, written into a folder."""

import re
import secrets
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from contract.errors import UsageError
from firmware_sims.site import Device, SiteSettings
from firmware_sims.ups import Rating

COMMUNITY = "wolfsmoke"
SITE = SiteSettings(
    ups=(
        Device(
            name="server-room",
            face="rfc1628",
            community=COMMUNITY,
            model="Sim 3000 RT",
            load=900.0,
            rating=Rating(power=2700.0, apparent=3000.0, battery=600.0, string=72.0),
        ),
        Device(
            name="depot",
            face="powernet",
            community=COMMUNITY,
            manufacturer="APC",
            model="Smart-UPS 1500",
            load=350.0,
            rating=Rating(power=980.0, apparent=1500.0, battery=300.0, string=24.0, online=False),
        ),
        Device(
            name="order-room",
            face="megatec",
            link="ttyUPS",
            model="Sim1000",
            load=240.0,
            rating=Rating(power=800.0, apparent=1000.0, battery=200.0, string=36.0),
        ),
    )
)
USERS = {name: secrets.token_hex(12) for name in ("gateway", "server-room", "order-room")}
"""Users of the demo's broker; the passwords live as long as the process."""
PAGE_AFTER = "2s"
CHECK_AFTER = "3s"
"""The shipped plan waits 30 s before it wakes a person; the demo does not make you wait."""

_AGENTS = {"server-room": ("数据机房", ("server-room", "depot")), "order-room": ("订单部", ("order-room",))}
_TITLES = {"server-room": "数据机房 UPS", "depot": "中转站 UPS", "order-room": "订单部 UPS"}


class Ports(msgspec.Struct, frozen=True):
    """Free ports on loopback."""

    board: int
    smtp: int


class Files(msgspec.Struct, frozen=True):
    """The settings files."""

    gateway: Path
    agents: tuple[Path, ...]


def write(folder: Path, ports: Ports, broker: int, urls: Mapping[str, str]) -> Files:
    """Write the settings of the demo; secrets into files of their own, as a site does."""
    for name, word in USERS.items():
        _secret(folder / f"{name}.password", word)
    _secret(folder / "community", COMMUNITY)
    plan = folder / "plan"
    plan.mkdir()
    for source in sorted((_config() / "plan").glob("*.toml")):
        text = source.read_text("utf-8")
        text = re.sub(r'^(page_after\s*=\s*)"30s"', rf'\1"{PAGE_AFTER}"', text, flags=re.MULTILINE)
        text = re.sub(r'^(check_after\s*=\s*)"[^"]*"', rf'\1"{CHECK_AFTER}"', text, flags=re.MULTILINE)
        (plan / source.name).write_text(text, "utf-8")
    contacts = re.sub(r"^webhook = .*$", "", (_config() / "contacts.toml").read_text("utf-8"), flags=re.MULTILINE)
    (folder / "contacts.toml").write_text(contacts, "utf-8")  # the demo has a mailbox only
    gateway = folder / "gateway.toml"
    gateway.write_text(_gateway(folder, ports, broker), "utf-8")
    agents = []
    for name, (room, devices) in _AGENTS.items():
        path = folder / f"agent-{name}.toml"
        path.write_text(_agent(folder, name, room, broker, {device: urls[device] for device in devices}), "utf-8")
        agents.append(path)
    return Files(gateway, tuple(agents))


def _config() -> Path:
    """Return the folder of the example site: in the checkout, or where the wheel put it."""
    for folder in (Path(__file__).parents[2] / "config", Path(sysconfig.get_path("data"), "share/wolfsmoke/config")):
        if (folder / "plan").is_dir():
            return folder
    raise UsageError("the example site is not there", hint="run the demo from a checkout, or install the wheel")


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def _gateway(folder: Path, ports: Ports, broker: int) -> str:
    return f"""
plan = "plan"
contacts = "contacts.toml"

[gateway]
name = "demo"
state = "{folder}/gateway"
public_url = "http://127.0.0.1:{ports.board}"
board = {{ host = "127.0.0.1", port = {ports.board} }}

[broker]
host = "127.0.0.1"
port = {broker}
user = "gateway"
password = {{ file = "gateway.password" }}

[notify.email]
host = "127.0.0.1"
port = {ports.smtp}
sender = "wolfsmoke@demo.invalid"
tls = "none"
"""


def _agent(folder: Path, name: str, room: str, broker: int, devices: Mapping[str, str]) -> str:
    head = f"""
[agent]
site = "demo"
name = "{name}"
room = "{room}"
state = "{folder}/{name}"

[broker]
host = "127.0.0.1"
port = {broker}
user = "{name}"
password = {{ file = "{name}.password" }}
"""
    return head + "".join(_device(device, url) for device, url in devices.items())


def _device(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "megatec":
        protocol = f'megatec = {{ port = "{parts.path}" }}'
    else:
        protocol = f'snmp = {{ host = "{parts.hostname}", port = {parts.port}, community = {{ file = "community" }} }}'
    return f"""
[[device]]
id = "ups-{name}"
title = "{_TITLES[name]}"
poll = "1s"
slow = "10s"
{protocol}
"""
