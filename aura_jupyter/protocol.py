"""What both ends of the door have to know before the first message, apart from the models, which are slow to import."""

from __future__ import annotations

PROTOCOL = 1
"""Counts changes that an older end would misunderstand."""
REQUEST, REPLY, EVENT = "aura_request", "aura_reply", "aura_event"
"""Types of messages: on the control channel, and on IOPub."""
TARGET = "aura"
"""Of the comms between a kernel and the pages of its notebook."""
LEASE = 60.0
"""Seconds that a subscription lasts; who still listens subscribes again before."""
