"""A journal in memory, for the tests of what stands behind it."""

from msgspec.structs import replace

from contract.errors import StorageError
from gateway.event import Event


class Journal:
    """Events in memory; a disk that can fail."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self.broken = False

    async def record_event(self, event: Event) -> Event:
        if self.broken:
            raise StorageError("the disk is full")
        self.kept.append(replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, incident: str | None = None) -> list[Event]:
        return [event for event in self.kept if incident in (None, event.incident)]
