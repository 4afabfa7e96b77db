"""What arrived, on disk before anybody hears of it: the journal, its limits, its rescue, and the account of it."""

from gateway.journal.journal import Journal

__all__ = ["Journal"]
