"""OpenAI's chat completions, which Venice speaks too.

    POST {base}/chat/completions    Authorization: Bearer KEY
    {"model": "...", "messages": [{"role": "user", "content": "..."}], "stream": true}
    -> data: {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "..."}}]}
       data: [DONE]

Source: platform.openai.com, API reference, "Chat completions" and "Streaming".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sakshi.reference.provider.client import TOKENS_MAX, Request, Utterance


class OpenAIWire:
    """The wire of OpenAI and of those who copied it.

    Args:
        base_url: up to and including the version: `https://api.openai.com/v1`.
        key: sent as bearer token; never logged.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._key = key

    def request(self, model: str, dialogue: Sequence[Utterance]) -> Request:
        """Return a request for a streamed chat completion."""
        messages = [{"role": utterance.role, "content": utterance.text} for utterance in dialogue]
        body = {"model": model, "messages": messages, "max_tokens": TOKENS_MAX, "stream": True}
        return Request(self._url, {"authorization": f"Bearer {self._key}"}, body)

    def piece(self, event: dict[str, Any]) -> str:
        """Return the content of a chunk; chunks of usage and of roles carry none."""
        choices = event["choices"]
        return (choices[0]["delta"].get("content") or "") if choices else ""
