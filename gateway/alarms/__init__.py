"""Alarms between the feed and the incidents.

Put aside by people (``stages``) or by design, made worse by what stood before, counted, calmed. All that is
remembered is events of the journal.
"""
