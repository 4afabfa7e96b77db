"""The emergency plan: its clauses as data, and what they demand of an incident now. Pure."""
