"""UPSes of the Megatec family: finds out which dialect one speaks, and reads it in the one that says most.

Q1 is asked first, because all but a few know it, and it is harmless where they do not. Then QGS (Voltronic) and Q6,
each of which gives more; last Axpert's, whose commands need a checksum. What was found holds until contact is lost:
after that, it may be another device.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from agent.drivers.asking import Asker, Link, Unknown
from agent.drivers.axpert import AxpertDriver, framed, parse_protocol, unframed
from agent.drivers.base import TEST, Driver, Identity, Lane, obey
from agent.drivers.megatec import PROTOCOL, MegatecDriver, parse_status
from agent.drivers.megatec_q6 import Q6Driver, parse_full
from agent.drivers.voltronic import VoltronicDriver, parse_state
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError, DeviceGarbled
from contract.reading import Reading

DIALECTS: Final[Mapping[str, Callable[[Link], Driver]]] = {
    "q1": MegatecDriver,
    "q6": Q6Driver,
    "voltronic": VoltronicDriver,
    "axpert": AxpertDriver,
}
"""By the name that the settings pin one with."""


class DialectDriver:
    """Reads one UPS in the dialect that it speaks."""

    def __init__(self, link: Link) -> None:
        """Remember the line."""
        self._link = link
        self._driver: Driver | None = None
        self._identity = Identity()

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        driver = self._driver or await self._find()
        try:
            found = await driver.read(lane)
        except DeviceError:
            self._driver = None
            raise
        self._driver, self._identity = driver, driver.identity
        return found

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return TEST

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """See ``Actor.act``: what it knows is known once it has been read."""
        if self._driver is None:
            raise CommandRefused("it is not known yet which dialect it speaks: it does not answer")
        return await obey(self._driver, verb, output, seconds)

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._driver = None
        await self._link.close()

    async def _find(self) -> Driver:
        """Return the driver of the dialect; the Q1 answer that was had on the way is its first poll's.

        Raises:
            DeviceError: it knows none, or says nothing.
        """
        asker = Asker(self._link)
        status, refused = None, None
        try:
            status = await asker.required("Q1", parse_status, PROTOCOL)
        except Unknown as unknown:
            refused = unknown
        if await asker.knows("QGS", parse_state) is not None:
            return VoltronicDriver(self._link)
        if status is not None:
            knows_q6 = await asker.knows("Q6", parse_full) is not None
            return (Q6Driver if knows_q6 else MegatecDriver)(self._link, status)
        checked = Asker(self._link, frame=framed, unframe=unframed)
        if await checked.knows("QPI", parse_protocol) is not None:
            return AxpertDriver(self._link)
        raise refused or DeviceGarbled("it knows none of the dialects", where=self._link.url)
