"""Gemini's generateContent, streamed.

    POST {base}/models/{model}:streamGenerateContent?alt=sse    x-goog-api-key: KEY
    {"contents": [{"role": "user", "parts": [{"text": "..."}]}], "systemInstruction": {...}}
    -> data: {"candidates": [{"content": {"role": "model", "parts": [{"text": "..."}]}}]}

Roles are `user` and `model`; what others call a system message stands apart.

Source: ai.google.dev, API reference, "Generating content".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sakshi.reference.provider.client import TOKENS_MAX, Request, Utterance


class GeminiWire:
    """The wire of Gemini.

    Args:
        base_url: up to and including the version:
            `https://generativelanguage.googleapis.com/v1beta`.
        key: sent as `x-goog-api-key`; never logged.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._base = base_url.rstrip("/")
        self._key = key

    def request(self, model: str, dialogue: Sequence[Utterance]) -> Request:
        """Return a request for streamed content."""
        body: dict[str, Any] = {
            "contents": [
                {"role": "model" if role == "assistant" else "user", "parts": [{"text": text}]}
                for role, text in dialogue
                if role != "system"
            ],
            "generationConfig": {"maxOutputTokens": TOKENS_MAX},
        }
        if system := [{"text": text} for role, text in dialogue if role == "system"]:
            body["systemInstruction"] = {"parts": system}
        url = f"{self._base}/models/{model}:streamGenerateContent?alt=sse"
        return Request(url, {"x-goog-api-key": self._key}, body)

    def piece(self, event: dict[str, Any]) -> str:
        """Return the text of the first candidate's parts; the last event may carry none."""
        candidates = event.get("candidates") or [{}]
        parts = candidates[0].get("content", {}).get("parts", [])
        return "".join(part.get("text", "") for part in parts)
