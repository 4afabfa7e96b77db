"""``wolfsmoke-agent scan``: looks for devices, carefully, and proposes their tables for the settings.

It sends read-only questions, few at a time, to addresses that were named, and never runs by itself. Each protocol is a
small finder of its own; ``agent.scan.sweep`` lists them.
"""
