"""What a receiver tells when it was sent something, in the same shape for every kind.

on_message(kind, summary, payload, received_at)

kind         over which channel
summary      one line for people
payload      what was sent, parsed: the JSON body, or an e-mail's fields (`from`, `to`, `subject`,
`message_id`, `text`, `html`)
received_at  milliseconds since the epoch, UTC
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Kind = Literal["email", "slack", "pagerduty", "webhook"]

OnMessage = Callable[[Kind, str, dict[str, Any], int], None]
