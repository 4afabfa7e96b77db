"""Finds UPSes that speak APC's smart protocol on a serial port: ``Y`` is answered ``SM``.

It goes before Megatec: to such a UPS each character is a command, and Megatec's ``Q1`` holds two that were not meant.
"""

import asyncio
from pathlib import Path
from typing import Final

from agent.scan.found import Found, clean
from agent.scan.line import Line
from agent.ways.apcsmart import ApcSmart
from agent.ways.base import Context
from contract.errors import DeviceError, PortUnavailable

WAIT: Final = 1.0
"""Seconds for an answer; cables that feed their adapter from DTR need as long after opening."""
PATIENCE: Final = 10.0
"""Seconds for all that it says of itself."""


class ApcSmartFinder:
    """Asks whether it is smart, at 2400 baud."""

    name = "apcsmart"

    async def find(self, path: Path) -> list[Found]:
        """Return the UPS on a port.

        Raises:
            PortUnavailable: there is no getting at it.
        """
        with Line(path, 2400) as line:
            smart = [b"SM" in await line.ask(b"Y", WAIT) for _ in range(2)]  # the first may find it asleep
            if not any(smart):
                await line.ask(b"\r", 0.1)  # to others this ends a command that they do not know
                return []
        return [await self._found(path)]

    async def _found(self, path: Path) -> Found:
        driver = ApcSmart(port=str(path)).driver(Context(kind="ups"))
        try:
            async with asyncio.timeout(PATIENCE):
                await driver.read()
        except PortUnavailable:
            raise
        except (DeviceError, TimeoutError):
            pass  # it said that it is there; its name is a matter of taste
        finally:
            await driver.close()
        who = driver.identity
        says = clean(" ".join(filter(None, (who.manufacturer, who.model, who.firmware)))) or "a UPS without a name"
        return Found(
            where=str(path),
            protocol="APC smart protocol",
            says=f"{says}, 2400 baud",
            kind="ups",
            title=clean(who.model, 40),
            way="apcsmart",
            settings=(("port", str(path)),),
        )
