"""From the journal to the time-series store."""

from gateway.store.store import PAGE, READER, Status, Store

__all__ = ["PAGE", "READER", "Status", "Store"]
