"""What the journal lets go of, and when: old messages that every reader has passed, the oldest sooner when it is too big.

Policy, in this order: (1) readings and other messages older than ``keep`` that every reader has passed; (2) while the
file is over its limit, the oldest that every reader has passed, whatever their age; (3) still over it, because the store
takes nothing: readings that it has not seen are thinned out, one a minute of each device is left, then one in ten
minutes; (4) then the oldest go. Alarms that stand, the last inventory of each agent, and events stay. What (3) and (4)
take is named.
"""
