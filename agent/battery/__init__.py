"""What a UPS's battery really gives: our own clock of an outage, and a runtime learned from discharges.

``model`` is what is known of one battery and how it learns; ``curve`` its voltage; ``outage`` the clock; ``promise`` holds
the outlook against what was promised; ``driver`` puts them around the driver of any UPS, whatever its protocol.
"""
