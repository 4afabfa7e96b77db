"""What both sides agree on: quantities, readings, conditions, alarms, escalation, messages, settings, errors.

Everything here is pure. Clocks, networks and disks belong to the agent and the gateway, which pass in what these
functions need. The only library is msgspec.
"""
