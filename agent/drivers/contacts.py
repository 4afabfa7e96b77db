"""A driver around another: puts what the contacts of a device mean on this site into its readings."""

from collections.abc import Sequence

from agent.contacts import Contacts, mapped
from agent.drivers.base import Driver, Identity, Lane, obey, verbs
from contract.command import Verb
from contract.reading import Reading


class ContactsDriver:
    """Reads what another driver reads, and says what its contacts mean."""

    def __init__(self, driver: Driver, contacts: Contacts) -> None:
        """Take who reads, and what the site knows."""
        self._driver = driver
        self._contacts = contacts

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._driver.identity

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``. A read that fails says nothing of the contacts either: what stood, stands."""
        return mapped(await self._driver.read(lane), self._contacts, full=lane is Lane.ALL)

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return verbs(self._driver)

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """See ``Actor.act``."""
        return await obey(self._driver, verb, output, seconds)

    async def close(self) -> None:
        """See ``Driver.close``."""
        await self._driver.close()
