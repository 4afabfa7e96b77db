"""Drills: the plan put in force for practice, on the real chain, with CAP status Exercise, and a report of how it went."""
