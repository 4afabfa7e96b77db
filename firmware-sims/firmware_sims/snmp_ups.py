"""A UPS behind an SNMP card: the physical model in two MIBs."""

from collections.abc import Callable

from firmware_sims.snmp_card import SnmpCard, User
from firmware_sims.snmp_faces import Face, Plate, table
from firmware_sims.ups import Ups, View

__all__ = ["SnmpUps", "User"]


class SnmpUps(SnmpCard[View]):
    """One simulated UPS with a network card. Nothing listens before ``start``."""

    def __init__(
        self,
        ups: Ups,
        plate: Plate,
        clock: Callable[[], float],
        *,
        face: Face = "rfc1628",
        host: str = "127.0.0.1",
        port: int = 0,
        community: str = "public",
        user: User | None = None,
    ) -> None:
        """Remember what to be.

        Args:
            ups: the model.
            plate: what it says of itself.
            clock: seconds, for its uptime.
            face: which MIB it shows.
            host: where to listen.
            port: UDP port; 0 for a free one.
            community: for v1 and v2c.
            user: for v3.
        """
        self.ups = ups
        entries = table(face, plate, ups.rating)
        super().__init__(entries, ups.view, clock, host=host, port=port, community=community, user=user)
