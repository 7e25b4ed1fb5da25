"""Local receivers of notifications: an SMTP server, and Slack, PagerDuty and webhooks over HTTP.

What they are sent is parsed, checked as the real ones check it, and handed to a callback
`on_message(kind, summary, payload, received_at)`. Read `running.py` first.
"""

from sakshi.reference.receivers.message import Kind, OnMessage
from sakshi.reference.receivers.running import Receivers

__all__ = ["Kind", "OnMessage", "Receivers"]
