"""What must reach the gateway: numbered, sent from memory, kept on disk while nobody acknowledges it.

``outbox`` is the whole, and the only module that the rest of the agent calls; ``rescue.open_spool`` and ``mark.open_mark``
open its two files, ``room.Outlook`` says how long the spool lasts. ``full``, ``lanes``, ``ledger`` and ``journals`` are pure.
"""
