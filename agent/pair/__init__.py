"""Two hosts in hot standby as one object: who is active, whether the other is fit, and when they last changed places.

``judge`` is the table of states, pure; ``asking`` finds out who is active and who is fit, by what the hosts' own devices
said or by a question of its own.
"""
