"""Telling people: stages in a visible list, one file each; one module a channel.

``pipeline.STAGES`` is the list. A stage takes a letter and the rest of the way, and returns what became of the letter.
"""
