"""The demo's site: its devices, and the settings files of its agents and gateway, written into a folder."""

import re
import secrets
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from contract.errors import UsageError
from firmware_sims.families.field import Environment, Modbus, RoomSettings, UnitSettings
from firmware_sims.families.network import HostSettings, LineSettings, Standby, SwitchSettings, Voice
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
    ),
    speed=1.0,
    room=(RoomSettings(name="machine-hall", cooled_by="server-room"),),
    switch=(
        SwitchSettings(
            name="core-1",
            community=COMMUNITY,
            fed_by="server-room",
            live=4,
            alias={"Gi0/5": "order-a", "Gi0/6": "order-b", "Gi0/24": "line-1"},
        ),
    ),
    host=(
        HostSettings(
            name="order-a",
            community=COMMUNITY,
            fed_by="server-room",
            behind="core-1:Gi0/5",
            standby=Standby("order", 150),
        ),
        HostSettings(
            name="order-b",
            community=COMMUNITY,
            fed_by="server-room",
            behind="core-1:Gi0/6",
            standby=Standby("order", 100),
        ),
    ),
    voice=(Voice(name="voice-1", community=COMMUNITY, fed_by="server-room"),),
    line=(
        LineSettings(name="line-1", behind="core-1:Gi0/24"),
        LineSettings(name="line-1-far", host="127.0.0.2", behind="core-1:Gi0/24"),
    ),
    environment=(Environment(name="room-card", community=COMMUNITY, fed_by="server-room", room="machine-hall"),),
    modbus=(
        Modbus(
            name="bus-1",
            link="ttyBus",
            unit=(
                UnitSettings(name="climate-1", model="xy-md02", unit=1),
                UnitSettings(name="surge-1", model="leixun", unit=11),
                UnitSettings(name="inputs-1", model="di-16", unit=17),
            ),
        ),
    ),
)
USERS = {name: secrets.token_hex(12) for name in ("gateway", "server-room", "order-room")}
"""Users of the demo's broker; the passwords live as long as the process."""
PAGE_AFTER = "2s"
CHECK_AFTER = "3s"
"""The shipped plan waits 30 s before it wakes a person; the demo does not make you wait."""

_AGENTS = {"server-room": "数据机房", "order-room": "订单部"}
"""Agent → its room."""
_DEVICES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "server-room": (
        ("server-room", "数据机房 UPS", ""),
        ("depot", "中转站 UPS", ""),
        ("core-1", "核心交换机", 'kind = "network"'),
        ("voice-1", "语音网关", 'kind = "trunk"'),
        (
            "room-card",
            "机房环境",
            'kind = "environment"\ncontact = [{ input = 5, means = "smoke", title = "烟感，天花板" }]',
        ),
        ("order-a", "订单主机 A", 'kind = "host"'),
        ("order-b", "订单主机 B", 'kind = "host"'),
    ),
    "order-room": (
        ("order-room", "订单部 UPS", ""),
        ("climate-1", "订单部温湿度", 'profile = "xy-md02"'),
        ("surge-1", "防雷监测", 'profile = "leixun"'),
        (
            "inputs-1",
            "订单部开关量",
            'profile = "di-16"\n[[device.contact]]\ninput = 1\nmeans = "smoke"\ntitle = "烟感"\n[[device.contact]]\ninput = 2\nmeans = "water"\ntitle = "漏水绳"',
        ),
    ),
}
"""Agent → its devices: name in the site, title, and what is said of it beside how it is asked."""
_PAIR = """
[[device]]
id = "order-pair"
title = "订单双机"
pair = { members = ["order-a", "order-b"], active = { quantity = "x.vrrp.state", is = "master" } }
"""


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
    for name, room in _AGENTS.items():
        path = folder / f"agent-{name}.toml"
        devices = [_device(device, title, more, urls[device]) for device, title, more in _DEVICES[name]]
        made = _PAIR if name == "server-room" else _lines(urls)
        path.write_text(_agent(folder, name, room, broker) + "".join(devices) + made, "utf-8")
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


def _agent(folder: Path, name: str, room: str, broker: int) -> str:
    return f"""
[agent]
site = "demo"
name = "{name}"
room = "{room}"
state = "{folder}/{name}"
keep_bytes = "1 GiB"

[broker]
host = "127.0.0.1"
port = {broker}
user = "{name}"
password = {{ file = "{name}.password" }}
"""


def _device(name: str, title: str, more: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "megatec":
        protocol = f'megatec = {{ port = "{parts.path}" }}'
    elif parts.scheme == "modbus+rtu":
        protocol = (
            f'modbus = {{ port = "{parts.path}", {parts.query.replace("=", " = ")}, baudrate = 9600, parity = "N" }}'
        )
    else:
        vrrp = ', vrrp = "order"' if name.startswith("order-") else ""
        community = f'community = {{ file = "community" }}{vrrp}'
        protocol = f'snmp = {{ host = "{parts.hostname}", port = {parts.port}, {community} }}'
    ups = {device.name for device in SITE.ups}
    return f"""
[[device]]
id = "{f"ups-{name}" if name in ups else name}"
title = "{title}"
poll = "{"1s" if name in ups else "5s"}"
slow = "10s"
{protocol}
{more}
"""


def _lines(urls: Mapping[str, str]) -> str:
    """Return the line of the order room, asked at two places behind it, and its seats: one of them is spare."""
    far = [urlsplit(urls[name]).netloc for name in ("line-1", "line-1-far")]
    seats = "".join(
        f"""
[[device]]
id = "seat-{number}"
title = "订单坐席 {number}"
probe = {{ host = "127.0.0.1", also = ["tcp://{far[number % 2]}"] }}
"""
        for number in (1, 2, 3)
    )
    return f"""
[[device]]
id = "line-1"
title = "订单线路 1（电信）"
line = {{ carrier = "电信", probes = ["tcp://{far[0]}", "tcp://{far[1]}"] }}
{seats}
[[device]]
id = "seats"
title = "订单坐席"
group = {{ members = ["seat-1", "seat-2"], spares = ["seat-3"], need = 2 }}
"""
