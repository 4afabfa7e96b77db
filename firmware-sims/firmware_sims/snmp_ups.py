"""A UPS behind an SNMP card: the physical model in two MIBs."""

from collections.abc import Callable

from firmware_sims.snmp_card import SnmpCard, User, Writes
from firmware_sims.snmp_faces import Face, Plate, oid_of, table
from firmware_sims.ups import Ups, View

_TEST_SECONDS = 10.0
_WELL_KNOWN = "1.3.6.1.2.1.33.1.7.7"
"""upsWellKnownTests."""

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
        write_community: str = "",
        write_user: User | None = None,
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
            write_community: that may begin a battery test, over v1 and v2c; empty: nobody may.
            write_user: the same of v3.
        """
        self.ups = ups
        entries = table(face, plate, ups.rating)
        super().__init__(
            entries,
            ups.view,
            clock,
            host=host,
            port=port,
            community=community,
            user=user,
            write_community=write_community,
            write_user=write_user,
            writes=_writes(ups),
        )


def _writes(ups: Ups) -> Writes:
    """Return what can be set: the battery test of both MIBs."""

    def of_rfc1628(value: int | str) -> bool:
        """Take upsTestId: the quick battery test, or the end of a test."""
        if value == f"{_WELL_KNOWN}.2":
            ups.cancel_test()
        elif value == f"{_WELL_KNOWN}.4":
            ups.test(_TEST_SECONDS)
        return value in (f"{_WELL_KNOWN}.2", f"{_WELL_KNOWN}.4")

    def of_powernet(value: int | str) -> bool:
        """Take upsAdvTestDiagnostics: 1 no test, 2 test."""
        if value == 2:
            ups.test(_TEST_SECONDS)
        return value in (1, 2)

    return {oid_of("1.3.6.1.2.1.33.1.7.1.0"): of_rfc1628, oid_of("1.3.6.1.4.1.318.1.1.1.7.2.2.0"): of_powernet}
