"""The board: web pages and HTTP API. What is alarmed now, what the devices say, which incidents run.

It reads; only the page behind a person's link changes anything, and only by POST.
"""

from gateway.board.app import Settings, create

__all__ = ["Settings", "create"]
