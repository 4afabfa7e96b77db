"""Rows of tables: found by a walk when a device is looked at, and from then on asked like any other object. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from agent.links.snmp import Raw
from agent.profiles.entries import Point, Status, Table
from agent.profiles.raw import Wanted, meets

MOST_ROWS = 256
"""Rows of one table that are asked; no card has as many sensors, and one that claims to would be asked for ever."""

Rows = Mapping[str, Sequence[str]]
"""By a table's index column, in the device's order: what stands behind the column in the OIDs of a row."""


def found(index: str, walked: Iterable[str]) -> tuple[str, ...]:
    """Return the rows that a walk of an index column found."""
    start = index + "."
    return tuple(oid.removeprefix(start) for oid in walked if oid.startswith(start))[:MOST_ROWS]


def joined(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    """Return the rows of two looks at one device: what was there once stays, and is unavailable when it is gone."""
    merged = {*before, *now}
    return tuple(sorted(merged, key=_numbers))[:MOST_ROWS]


def _numbers(row: str) -> tuple[int, ...]:
    return tuple(int(part) for part in row.split("."))


def wheres(tables: Iterable[Table], rows: Rows) -> list[str]:
    """Return the OIDs that say which rows count."""
    asked = (_at(column, row) for table in tables for row in rows.get(table.index, ()) for column in table.wheres())
    return list(dict.fromkeys(asked))


def counting(
    tables: Iterable[Table], rows: Rows, values: Mapping[str, Raw], before: Rows
) -> dict[str, tuple[str, ...]]:
    """Return the rows that count, by index column and the table's place: those that say so, or did before."""
    counts: dict[str, tuple[str, ...]] = {}
    for at, table in enumerate(tables):
        now = [row for row in rows.get(table.index, ()) if meets(values, _filled(table.where, row))]
        key = place(table, at)
        counts[key] = joined(before.get(key, ()), now)
    return counts


def place(table: Table, at: int) -> str:
    """Return what a table's rows are kept under: two tables may have one index, and take different rows of it."""
    return f"{at}:{table.index}"


def spelled(table: Table, rows: Sequence[str], values: Mapping[str, Raw]) -> tuple[list[Point], list[Status]]:
    """Return the points and states of every row, as if the profile had spelled them out.

    Args:
        table: with ``#`` for the row in OIDs, for its number in quantities.
        rows: that count.
        values: what the columns of ``where`` say; a row that says nothing any more keeps what it was.
    """
    points: list[Point] = []
    states: list[Status] = []
    for order, row in enumerate(rows, 1):
        number = str(table.plus + (order if table.number == "order" else _numbers(row)[-1]))
        points += (
            msgspec.structs.replace(
                point,
                quantity=point.quantity.replace("#", number),
                oid=tuple(_at(oid, row) for oid in point.oid),
                where={},
                live=_filled(point.live, row),
                fahrenheit=_filled(point.fahrenheit, row),
                digits=_at(point.digits, row),
            )
            for point in table.point
            if meets(values, _filled(point.where, row))
        )
        states += (
            msgspec.structs.replace(
                status,
                oid=_at(status.oid, row),
                normal=_at(status.normal, row),
                where=_filled(status.where, row),
                name=_at(status.name or table.name, row),
                label=status.label.replace("#", number),
            )
            for status in table.status
        )
    return points, states


def _at(column: str, row: str) -> str:
    return column.replace("#", row)


def _filled(wanted: Mapping[str, Wanted], row: str) -> dict[str, Wanted]:
    return {_at(oid, row): said for oid, said in wanted.items()}
