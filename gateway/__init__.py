"""The garrison: one per data centre. Keeps the readings, runs the emergency plan, makes sure that a person is told."""
