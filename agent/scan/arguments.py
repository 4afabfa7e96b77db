"""What ``wolfsmoke-agent scan`` may be told; apart from the command, which the agent itself never loads."""

import argparse
from pathlib import Path
from typing import Final

from agent.scan import bounds

BY_ID: Final = Path("/dev/serial/by-id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command may be told."""
    parser.add_argument(
        "cidr", nargs="*", help="whom to ask: 192.0.2.0/24, or one address; never more than a /22 in all"
    )
    parser.add_argument("--rate", default="20/s", help="probes a second (%(default)s), spread evenly")
    parser.add_argument(
        "--community", action="append", help="of SNMP v1 and v2c, several times if need be (public); `ps` shows it"
    )
    parser.add_argument("--ports", default=",".join(bounds.PORTS), help="what to look for (%(default)s); snmp:1161 too")
    parser.add_argument("--limit", type=int, default=bounds.MOST, help="addresses at the most (%(default)s)")
    parser.add_argument("--config", type=Path, help="settings that there are: their ids and devices are left out")
    parser.add_argument(
        "--serial",
        type=Path,
        nargs="?",
        const=BY_ID,
        metavar="FOLDER",
        help=f"look at the serial ports of this machine instead ({BY_ID}): APC, Megatec, Modbus RTU; only asking",
    )
