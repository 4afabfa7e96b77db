"""Finds UPSes that speak Megatec Q1 on a serial port: by the agent's own driver, which only asks."""

import asyncio
from pathlib import Path
from typing import Final

from agent.scan.found import Found, clean
from agent.ways.base import Context
from agent.ways.megatec import Megatec
from contract.errors import DeviceError, PortUnavailable

PATIENCE: Final = 8.0
"""Seconds: Q1 twice, F and I once."""


class MegatecFinder:
    """Asks Q1 at 2400 baud."""

    name = "megatec"

    async def find(self, path: Path) -> list[Found]:
        """Return the UPS on a port.

        Raises:
            PortUnavailable: there is no getting at it.
        """
        driver = Megatec(port=str(path)).driver(Context(kind="ups"))
        try:
            async with asyncio.timeout(PATIENCE):
                await driver.read()
        except PortUnavailable:
            raise
        except (DeviceError, TimeoutError):
            return []
        finally:
            await driver.close()
        who = driver.identity
        says = clean(" ".join(filter(None, (who.manufacturer, who.model, who.firmware)))) or "a UPS without a name"
        return [
            Found(
                where=str(path),
                protocol="Megatec Q1",
                says=f"{says}, 2400 baud",
                kind="ups",
                title=clean(who.model, 40),
                way="megatec",
                settings=(("port", str(path)),),
            )
        ]
