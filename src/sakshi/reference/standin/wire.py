"""The providers' wire formats, seen from the server: requests in, events out.

The shapes are those that the real ones send, field by field, so that any client of theirs can speak
to a stand-in.

Source: platform.openai.com, API reference, "Chat completions"; ai.google.dev, API reference,
"Generating content".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sakshi.reference.provider import Utterance


class WireError(ValueError):
    """A request that the real provider would refuse with 400."""


class Asked(NamedTuple):
    """What a request asks for."""

    model: str
    dialogue: list[Utterance]
    streams: bool


class ServerWire(Protocol):
    """One provider's protocol, on its server's side."""

    def key(self, headers: dict[str, str]) -> str:
        """Return the key that came with a request; empty where none did."""

    def parse(self, body: dict[str, Any], path: dict[str, str]) -> Asked:
        """Return what is asked.

        Raises:
            WireError: a field is missing or wrong.
        """

    def events(self, asked: Asked, pieces: Sequence[str], id: str, now: int) -> list[str]:
        """Return the data of each event of a streamed answer: one or more for each piece."""

    def whole(self, asked: Asked, text: str, id: str, now: int) -> dict[str, Any]:
        """Return an answer that is not streamed."""

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return the body of an error."""


class OpenAIServerWire:
    """Chat completions."""

    def key(self, headers: dict[str, str]) -> str:
        """Return the bearer token."""
        return headers.get("authorization", "").removeprefix("Bearer ").strip()

    def parse(self, body: dict[str, Any], path: dict[str, str]) -> Asked:
        """Return model, messages and whether to stream."""
        messages = body.get("messages")
        if not isinstance(body.get("model"), str):
            raise WireError("you must provide a model parameter")
        if not isinstance(messages, list) or not messages:
            raise WireError("'messages' must be a list that is not empty")
        dialogue = [self._utterance(message) for message in messages]
        return Asked(body["model"], dialogue, body.get("stream") is True)

    def events(self, asked: Asked, pieces: Sequence[str], id: str, now: int) -> list[str]:
        """Return the chunks, the first of which names the role, and the end mark."""
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in pieces]
        deltas[0] = {"role": "assistant", **deltas[0]}
        chunks = [self._chunk(asked.model, id, now, delta, None) for delta in deltas]
        last = self._chunk(asked.model, id, now, {}, "stop")
        return [*chunks[:-1], f"{chunks[-1]}\n\ndata: {last}\n\ndata: [DONE]"]

    def whole(self, asked: Asked, text: str, id: str, now: int) -> dict[str, Any]:
        """Return a chat completion."""
        message = {"role": "assistant", "content": text}
        prompt = sum(len(utterance.text.split()) for utterance in asked.dialogue)
        said = len(text.split())
        return {
            "id": id,
            "object": "chat.completion",
            "created": now,
            "model": asked.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt,  # a stand-in's token is a word
                "completion_tokens": said,
                "total_tokens": prompt + said,
            },
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error as OpenAI words it."""
        types = {400: "invalid_request_error", 401: "invalid_request_error", 429: "requests"}
        codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
        kind = types.get(status, "server_error")
        detail = {"message": message, "type": kind, "param": None, "code": codes.get(status)}
        return {"error": detail}

    @staticmethod
    def _utterance(message: object) -> Utterance:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise WireError("each message needs a role and a text as its content")
        if message.get("role") not in ("system", "user", "assistant"):
            raise WireError("a message's role must be system, user or assistant")
        return Utterance(message["role"], message["content"])

    @staticmethod
    def _chunk(model: str, id: str, now: int, delta: dict[str, Any], end: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        return json.dumps(
            {
                "id": id,
                "object": "chat.completion.chunk",
                "created": now,
                "model": model,
                "choices": [choice],
            }
        )


class GeminiServerWire:
    """generateContent and streamGenerateContent."""

    def key(self, headers: dict[str, str]) -> str:
        """Return the key of the header that Google's clients send."""
        return headers.get("x-goog-api-key", "")

    def parse(self, body: dict[str, Any], path: dict[str, str]) -> Asked:
        """Return the model of the path and the contents of the body."""
        contents = body.get("contents")
        if not isinstance(contents, list) or not contents:
            raise WireError("contents is not specified")
        dialogue = [self._utterance(content) for content in contents]
        system = body.get("systemInstruction")
        if system is not None:
            dialogue.insert(0, Utterance("system", self._text(system)))
        return Asked(path["model"], dialogue, path["verb"] == "streamGenerateContent")

    def events(self, asked: Asked, pieces: Sequence[str], id: str, now: int) -> list[str]:
        """Return one response for each piece; the last says why it stopped."""
        last = len(pieces) - 1
        return [
            json.dumps(self._response(asked, piece, id, "STOP" if index == last else None))
            for index, piece in enumerate(pieces)
        ]

    def whole(self, asked: Asked, text: str, id: str, now: int) -> dict[str, Any]:
        """Return a response with the whole text."""
        return self._response(asked, text, id, "STOP")

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error as Google words it."""
        names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}
        detail = {"code": status, "message": message, "status": names.get(status, "INTERNAL")}
        return {"error": detail}

    def _utterance(self, content: object) -> Utterance:
        role = content.get("role", "user") if isinstance(content, dict) else None
        if role not in ("user", "model"):
            raise WireError("please use a valid role: user, model")
        return Utterance("assistant" if role == "model" else "user", self._text(content))

    @staticmethod
    def _text(content: object) -> str:
        parts = content.get("parts") if isinstance(content, dict) else None
        texts = [part.get("text") for part in parts or [] if isinstance(part, dict)]
        said = [text for text in texts if isinstance(text, str)]
        if not said or len(said) < len(texts):
            raise WireError("each content needs parts with a text")
        return "".join(said)

    @staticmethod
    def _response(asked: Asked, text: str, id: str, finish: str | None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
        if finish:
            candidate["finishReason"] = finish
        candidate["index"] = 0
        prompt = sum(len(utterance.text.split()) for utterance in asked.dialogue)
        said = len(text.split())
        usage = {
            "promptTokenCount": prompt,  # a stand-in's token is a word
            "candidatesTokenCount": said,
            "totalTokenCount": prompt + said,
        }
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": asked.model,
            "responseId": id,
        }
