"""The settings of a site's programs, as text: pure."""

import re
from collections.abc import Mapping

SITE = "hq"
ROOM = "机房"
DATABASE = "wolfsmoke"
POLL = "125ms"
_OURS = re.compile(r"(listener|\w+file|password_file|acl_file) ")


def broker(shipped: str, folder: str, user: str, listener: str) -> str:
    """Return mosquitto's settings: as shipped, with its limits, but without TLS and in a folder of its own."""
    kept = [line for line in shipped.splitlines() if not _OURS.match(line)]
    more = (
        f"user {user}",
        f"acl_file {folder}/acl",
        f"password_file {folder}/passwords",
        f"persistence_location {folder}/",
        f"listener {listener}",
    )
    return "\n".join([*kept, *more, ""])


def store(folder: str, address: str, rpc: int) -> str:
    """Return InfluxDB's settings; ``address`` is where it serves, ``rpc`` a port that it insists on."""
    return f"""
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "{address}"
log-enabled = false
"""


def gateway(broker: tuple[str, int], store: str, board: int) -> str:
    """Return the gateway's settings. Its mail server is away for ever: messages are not what is looked at here."""
    return f"""
[gateway]
name = "garrison"
state = "state"
board = {{ host = "127.0.0.1", port = {board} }}
[broker]
host = "{broker[0]}"
port = {broker[1]}
user = "gateway"
password = {{ file = "word" }}
[store]
kind = "influxdb1"
url = "http://{store}"
database = "{DATABASE}"
timeout = "3s"
[notify.email]
host = "127.0.0.1"
port = 9
sender = "wolfsmoke@example.net"
tls = "none"
"""


def contacts(shipped: str) -> str:
    """Return the contacts without webhooks."""
    return re.sub(r"^webhook = .*$", "", shipped, flags=re.MULTILINE)


def agent(name: str, broker: tuple[str, int], devices: Mapping[str, int]) -> str:
    """Return an agent's settings: what its devices say of their mains is an alarm at once, and over at once.

    Args:
        name: of the agent, its user and what its folder is called.
        broker: host and port.
        devices: name → port of 127.0.0.1.
    """
    settings = f"""
[agent]
site = "{SITE}"
name = "{name}"
room = "{ROOM}"
state = "state"
[broker]
host = "{broker[0]}"
port = {broker[1]}
user = "{name}"
password = {{ file = "word" }}
"""
    for device, port in devices.items():
        settings += f"""
[[device]]
id = "{device}"
poll = "{POLL}"
slow = "{POLL}"
megatec = {{ port = "socket://127.0.0.1:{port}" }}
[[device.condition]]
name = "on-battery"
off_delay = "0s"
[[device.condition]]
name = "contact-lost"
enabled = false
"""
    return settings
