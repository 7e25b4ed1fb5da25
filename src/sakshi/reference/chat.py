"""The chat messages as JSON: bytes in, a checked `ChatRequest` out; a `ChatReply` in, JSON out.

    {"message": "Why do tides follow the Moon?", "sessionId": "s-1", "userId": "ada"}

`userId` may be missing. Over HTTP and WebSocket the message is the same.
"""

from __future__ import annotations

import json
from typing import Any

from sakshi.reference.errors import BadRequestError
from sakshi.reference.pipeline import ChatReply, ChatRequest

BODY_BYTES_MAX = 32_768  # a message of MESSAGE_CHARACTERS_MAX, escaped, fits
MESSAGE_CHARACTERS_MAX = 4_000
ID_CHARACTERS_MAX = 128
ANONYMOUS = "anonymous"


def parse_chat_request(body: bytes | str) -> ChatRequest:
    """Return the request in a body.

    Raises:
        BadRequestError: 400 no JSON object, 413 too long, 422 a field is missing or wrong.
    """
    if len(body) > BODY_BYTES_MAX:
        raise BadRequestError(413, "", f"expected at most {BODY_BYTES_MAX} bytes")
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise BadRequestError(400, "", f"expected JSON, found something else: {error}") from None
    except RecursionError:
        raise BadRequestError(400, "", "expected a flat JSON object, found deep nesting") from None
    if not isinstance(fields, dict):
        raise BadRequestError(400, "", f"expected a JSON object, found {_kind(fields)}")
    message = _text(fields, "message", None)
    if len(message) > MESSAGE_CHARACTERS_MAX:
        reason = f"expected at most {MESSAGE_CHARACTERS_MAX} characters, found {len(message)}"
        raise BadRequestError(413, "message", reason)
    return ChatRequest(message, _id(fields, "sessionId", None), _id(fields, "userId", ANONYMOUS))


def reply_fields(reply: ChatReply) -> dict[str, Any]:
    """Return a reply as the fields of its JSON object."""
    return {
        "reply": reply.reply,
        "sessionId": reply.session_id,
        "turn": reply.turn,
        "providers": list(reply.providers),
        "model": reply.model,
        "pipeline": reply.pipeline_ms,
    }


def error_fields(reason: str, field: str = "") -> dict[str, Any]:
    """Return an error as the fields of its JSON object."""
    return {"error": {"field": field, "reason": reason} if field else {"reason": reason}}


def _text(fields: dict[str, Any], name: str, default: str | None) -> str:
    """Return a field that must be a text with something in it."""
    value = fields.get(name, default)
    if value is None:
        raise BadRequestError(422, name, "expected a text, found nothing")
    if not isinstance(value, str):
        raise BadRequestError(422, name, f"expected a text, found {_kind(value)}")
    if not value.strip():
        raise BadRequestError(422, name, "expected a text, found an empty one")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequestError(422, name, "expected Unicode text, found half a character") from None
    return value


def _id(fields: dict[str, Any], name: str, default: str | None) -> str:
    value = _text(fields, name, default)
    if len(value) > ID_CHARACTERS_MAX:
        reason = f"expected at most {ID_CHARACTERS_MAX} characters, found {len(value)}"
        raise BadRequestError(422, name, reason)
    return value


def _kind(value: object) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
