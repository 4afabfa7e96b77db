"""Traps: what devices send unasked. A trap prompts a read at once, and is believed only with it."""
