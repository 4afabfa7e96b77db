"""The last inventory of each agent, read from the journal's file while a gateway writes to it, or while none runs."""

import sqlite3
from pathlib import Path

from contract.errors import MessageError, StorageError
from contract.message import Inventory, Topic, decode
from gateway.journal.file import KINDS, connect_to_read

_LAST = """SELECT site, agent, body FROM messages JOIN streams ON number = stream
           WHERE messages.id IN (SELECT max(id) FROM messages JOIN streams ON number = stream
                                 WHERE kind <> 0 AND kind = ? GROUP BY site, agent)"""


def inventories(path: Path) -> dict[tuple[str, str], Inventory]:
    """Return the last inventory of each agent: site and agent → it. One that makes no sense is passed over.

    Raises:
        StorageError: the journal cannot be read.
    """
    try:
        db = connect_to_read(path)
        try:
            rows = db.execute(_LAST, [KINDS.index(Topic.INVENTORY)]).fetchall()
        finally:
            db.close()
    except sqlite3.Error as error:
        raise StorageError(f"cannot be read: {error}", where=str(path)) from None
    found = {}
    for site, agent, body in rows:
        try:
            found[site, agent] = decode(Inventory, bytes(body))
        except (MessageError, TypeError, ValueError):
            continue
    return found
