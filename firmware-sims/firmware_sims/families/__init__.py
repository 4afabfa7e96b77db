"""The families of simulated devices: one table of a site file each. A new one is a module here and a line in ``FAMILIES``."""

from typing import Final

from firmware_sims.families.base import Placed
from firmware_sims.families.field import BackupSettings, Environment, Modbus
from firmware_sims.families.network import HostSettings, LineSettings, SwitchSettings, Syslog, Voice
from firmware_sims.families.ups import Device, Nut, Traps

FAMILIES: Final[dict[str, type[Placed]]] = {
    "ups": Device,
    "nut": Nut,
    "traps": Traps,
    "switch": SwitchSettings,
    "host": HostSettings,
    "voice": Voice,
    "line": LineSettings,
    "environment": Environment,
    "modbus": Modbus,
    "backup": BackupSettings,
    "syslog": Syslog,
}
"""Name of the table in a site file → its settings."""
