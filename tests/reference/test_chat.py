"""Chat messages as JSON."""

from __future__ import annotations

import json

import pytest

from sakshi.reference.chat import (
    BODY_BYTES_MAX,
    ID_CHARACTERS_MAX,
    MESSAGE_CHARACTERS_MAX,
    error_fields,
    parse_chat_request,
    reply_fields,
)
from sakshi.reference.errors import BadRequestError
from sakshi.reference.pipeline import ChatReply, ChatRequest


def body(**fields: object) -> str:
    return json.dumps({"message": "hello", "sessionId": "s-1", **fields})


def test_a_request_has_message_and_session() -> None:
    """The strategy's body is enough; whoever is not named is anonymous."""
    assert parse_chat_request(body()) == ChatRequest("hello", "s-1", "anonymous")
    assert parse_chat_request(body(userId="ada").encode()).user_id == "ada"


def test_the_longest_message_is_accepted() -> None:
    """The limits are inclusive, whatever JSON's escapes make of the text."""
    longest = "\u00e9" * MESSAGE_CHARACTERS_MAX

    request = parse_chat_request(body(message=longest, sessionId="s" * ID_CHARACTERS_MAX))

    assert request.message == longest


@pytest.mark.parametrize(
    ("text", "status", "field", "reason"),
    [
        pytest.param(
            "[" * 20_000, 400, "", "expected a flat JSON object, found deep nesting", id="deep"
        ),
        pytest.param("[]", 400, "", "expected a JSON object, found a list", id="a list"),
        pytest.param("null", 400, "", "expected a JSON object, found null", id="null"),
        pytest.param("7", 400, "", "expected a JSON object, found a number", id="a number"),
        pytest.param("{}", 422, "message", "expected a text, found nothing", id="no message"),
        pytest.param(
            body(message=5), 422, "message", "expected a text, found a number", id="number"
        ),
        pytest.param(
            body(message=True), 422, "message", "expected a text, found true or false", id="bool"
        ),
        pytest.param(
            body(message=" \n"), 422, "message", "expected a text, found an empty one", id="blank"
        ),
        pytest.param(
            body(message="\ud800"),
            422,
            "message",
            "expected Unicode text, found half a character",
            id="half a character",
        ),
        pytest.param(
            body(sessionId=None),
            422,
            "sessionId",
            "expected a text, found nothing",
            id="no session",
        ),
        pytest.param(
            body(sessionId="s" * 129),
            422,
            "sessionId",
            "expected at most 128 characters, found 129",
            id="long session",
        ),
        pytest.param(body(userId={}), 422, "userId", "expected a text, found an object", id="user"),
        pytest.param(
            body(message="x" * 4001),
            413,
            "message",
            "expected at most 4000 characters, found 4001",
            id="long message",
        ),
        pytest.param(
            "x" * (BODY_BYTES_MAX + 1), 413, "", "expected at most 32768 bytes", id="large"
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, status: int, field: str, reason: str) -> None:
    """Status, field, what was expected and what came."""
    with pytest.raises(BadRequestError) as raised:
        parse_chat_request(text)

    error = raised.value
    assert (error.status, error.field, error.reason) == (status, field, reason)


@pytest.mark.parametrize("text", ["", "hello", "{", "\xff\xfe", b"\xff\xfe\xff"])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    """400, with the parser's own place."""
    with pytest.raises(BadRequestError, match="expected JSON, found something else") as raised:
        parse_chat_request(text)

    assert raised.value.status == 400


def test_replies_and_errors_are_json_objects() -> None:
    """The names of the fields are the API."""
    reply = ChatReply("yes", "s-1", 3, ("openai",), "gpt", {"memory": 1.5})

    assert reply_fields(reply) == {
        "reply": "yes",
        "sessionId": "s-1",
        "turn": 3,
        "providers": ["openai"],
        "model": "gpt",
        "pipeline": {"memory": 1.5},
    }
    assert error_fields("why", "message") == {"error": {"field": "message", "reason": "why"}}
    assert error_fields("why") == {"error": {"reason": "why"}}
