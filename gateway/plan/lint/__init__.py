"""``plan lint``: what would fail on the day, found before it. A visible list of small pure rules.

``site`` is what the rules look at, ``fleet`` the devices and what can be wrong with them, ``rules`` the list itself; the
rules stand by what they are about in ``triggers``, ``times``, ``ladders``, ``people``,
``devices`` and ``outward``.
"""
