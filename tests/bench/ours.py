# ruff: noqa: T201 - part of a script
"""Our own side: mosquitto, the gateway and an agent, as real processes with settings files, as a site runs them."""

import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from farm import Processes, addresses, port_of, wait_for

ROOT = Path(__file__).parents[2]


def mosquitto(processes: Processes, folder: Path, port: int) -> int | None:
    """Start the broker; return its pid."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if binary is None:
        return None
    path = folder / "mosquitto.conf"
    path.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n")
    return processes.start(binary, "-c", str(path), log=folder / "mosquitto.log").pid


def gateway(processes: Processes, folder: Path, site: str, broker: int, hook: str, changes: dict[str, str]) -> int:
    """Start a gateway with the shipped plan and contacts, and one receiver; return its pid when its page answers.

    Args:
        processes: ends it.
        folder: takes the settings and the journal.
        site: whose agents it hears.
        broker: its port.
        hook: URL of the receiver.
        changes: settings of clause 3.1.1 that differ from the shipped ones, as TOML values.
    """
    board = port_of()
    home = folder / f"gateway-{site}"
    (home / "plan").mkdir(parents=True)
    text = (ROOT / "config/plan/3.1.toml").read_text("utf-8")
    for key, value in changes.items():
        text = re.sub(rf"^({key}\s*=\s*)\"[^\"]*\"", rf'\1"{value}"', text, flags=re.MULTILINE)
    (home / "plan/3.1.toml").write_text(text, "utf-8")
    (home / "contacts.toml").write_text((ROOT / "config/contacts.toml").read_text("utf-8"), "utf-8")
    (home / "secret").write_text("bench")
    path = home / "gateway.toml"
    path.write_text(
        f'plan = "plan"\ncontacts = "contacts.toml"\n'
        f'[gateway]\nname = "{site}"\nsite = "{site}"\nstate = "{home}/state"\n'
        f'board = {{ host = "127.0.0.1", port = {board} }}\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker}\n'
        f'[notify.webhook.duty]\nurl = "{hook}"\nsecret = {{ file = "secret" }}\n'
        '[notify.email]\nhost = "127.0.0.1"\nport = 9\nsender = "bench@demo.invalid"\ntls = "none"\n'  # never used
    )
    process = processes.start(_command("wolfsmoke-gateway"), "run", "--config", str(path), log=home / "log")

    def answers() -> bool:
        assert process.poll() is None, (home / "log").read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{board}/", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    wait_for(answers, "the gateway's page", 20)
    return process.pid


def agent(
    processes: Processes,
    folder: Path,
    site: str,
    broker: int,
    farm: int,
    count: int,
    device: str = "",
    *,
    poll: str = "1s",
    engine: str = "gufo",
    more: str = "",
) -> int:
    """Start an agent; return its pid.

    Args:
        processes: ends it.
        folder: takes the settings and the spool.
        site: whose agent it is.
        broker: port of the broker.
        farm: port of the simulated UPSes.
        count: how many of them.
        device: more settings of each device, as TOML lines.
        poll: how often each is asked.
        engine: of SNMP.
        more: settings of the agent itself, as TOML lines.
    """
    home = folder / f"agent-{site}"
    home.mkdir(exist_ok=True)
    (home / "community").write_text("public")
    devices = "".join(
        f'[[device]]\nid = "ups-{index}"\ntitle = "UPS {index}"\npoll = "{poll}"\n'
        f'snmp = {{ host = "{address}", port = {farm}, community = {{ file = "community" }}, engine = "{engine}" }}\n'
        f"{device}\n"
        for index, address in enumerate(addresses(count))
    )
    path = home / "agent.toml"
    path.write_text(
        f'[agent]\nsite = "{site}"\nname = "bench"\nroom = "bench"\nstate = "{home}/state"\n{more}\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker}\n{devices}'
    )
    return processes.start(_command("wolfsmoke-agent"), "run", "--config", str(path), log=home / "log").pid


def _command(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def alive(folder: Path) -> None:
    """Say what went wrong, if something did."""
    for log in sorted(folder.glob("*/log")):
        for line in log.read_text().splitlines():
            if "Traceback" in line or " ERROR " in line:
                print(f"  note: {log.parent.name}: {line}", file=sys.stderr)


def settle(seconds: float) -> None:
    """Let what was started come to rest."""
    time.sleep(seconds)  # noqa: TID251 - the window of a measurement
