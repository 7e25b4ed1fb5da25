"""Provider clients against the stand-ins, over the providers' own wires."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from sakshi.model.clock import SystemClock
from sakshi.reference.errors import ProviderRefusedError, ProviderWireError
from sakshi.reference.provider import KINDS, StreamingProvider, Utterance, create_providers
from sakshi.reference.provider.gemini import GeminiWire
from sakshi.reference.provider.openai import OpenAIWire
from sakshi.reference.provider.sse import EVENT_CHARACTERS_MAX, iter_data
from sakshi.reference.standin import CHARACTERS, Standin, load_facts

DIALOGUE = [
    Utterance("system", "Be brief."),
    Utterance("user", "Hello"),
    Utterance("assistant", "Hello, ada."),
    Utterance("user", "Why do tides follow the Moon?"),
]
BASES = {character.name: f"http://{character.name}{character.base}" for character in CHARACTERS}


def standin_http() -> httpx2.AsyncClient:
    """Return a client that reaches each stand-in under its own name as host."""
    facts, clock = load_facts(), SystemClock()
    mounts = {
        f"http://{character.name}": httpx2.ASGITransport(
            Standin(
                character._replace(mean_seconds=0.001), facts, random.Random(1), clock
            ).application()
        )
        for character in CHARACTERS
    }
    return httpx2.AsyncClient(mounts=mounts)


async def listen(provider: StreamingProvider) -> list[str]:
    return [piece async for piece in provider.stream(DIALOGUE)]


@pytest.mark.parametrize("index", range(3), ids=[kind.name for kind in KINDS])
async def test_every_client_understands_its_provider(index: int) -> None:
    """Several pieces come, about the subject of the last message."""
    async with standin_http() as http:
        provider = create_providers(BASES, {}, http)[index]
        pieces = await listen(provider)

    assert len(pieces) > 1
    assert "Moon" in "".join(pieces)


def handler_of(
    respond: Callable[[httpx2.Request], httpx2.Response],
) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(respond))


async def openai_answering(respond: Callable[[httpx2.Request], httpx2.Response]) -> list[str]:
    async with handler_of(respond) as http:
        wire = OpenAIWire("http://openai/v1", "key-1")
        return await listen(StreamingProvider("openai", "gpt", wire, http))


async def test_openai_is_asked_as_its_reference_says() -> None:
    """URL, bearer token, roles and contents."""
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, text='data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n')

    assert await openai_answering(respond) == ["Hi"]
    body = json.loads(seen[0].content)
    assert str(seen[0].url) == "http://openai/v1/chat/completions"
    assert seen[0].headers["authorization"] == "Bearer key-1"
    assert body["stream"] is True
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]


def test_gemini_is_given_no_empty_instruction() -> None:
    """A dialogue without a system's message has no field for it."""
    request = GeminiWire("https://google/v1beta", "key").request("g", DIALOGUE[1:])

    assert "systemInstruction" not in request.body


async def test_gemini_is_asked_as_its_reference_says() -> None:
    """The system's words stand apart, the assistant is called model, the key is a header."""
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        event = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]}
        end = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {}}
        return httpx2.Response(
            200, text=f"data: {json.dumps(event)}\r\n\r\ndata: {json.dumps(end)}\r\n\r\n"
        )

    environment = {"GEMINI_API_KEY": "key-2", "GEMINI_BASE_URL": "https://google/v1beta/"}
    async with handler_of(respond) as http:
        (provider,) = create_providers({}, {**environment, "GEMINI_MODEL": "g-1"}, http)
        assert await listen(provider) == ["Hi"]

    body = json.loads(seen[0].content)
    assert str(seen[0].url) == "https://google/v1beta/models/g-1:streamGenerateContent?alt=sse"
    assert seen[0].headers["x-goog-api-key"] == "key-2"
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        pytest.param(
            httpx2.Response(429, json={"error": {"message": "slow down"}}),
            ProviderRefusedError,
            "HTTP 429: slow down",
            id="its own words",
        ),
        pytest.param(
            httpx2.Response(503, text="<html>"),
            ProviderRefusedError,
            "HTTP 503: Service Unavailable",
            id="no JSON",
        ),
        pytest.param(
            httpx2.Response(200, text="data: <html>\n\n"),
            ProviderWireError,
            "not openai's protocol",
            id="an event that is no JSON",
        ),
        pytest.param(
            httpx2.Response(200, text='data: {"choice": 1}\n\n'),
            ProviderWireError,
            "not openai's protocol: KeyError",
            id="an event of another protocol",
        ),
    ],
)
async def test_what_a_provider_refuses_or_garbles_is_its_error(
    response: httpx2.Response, error: type[Exception], message: str
) -> None:
    """Never an error of HTTP or JSON."""
    with pytest.raises(error, match=message):
        await openai_answering(lambda request: response)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        pytest.param(httpx2.ConnectTimeout("slow"), TimeoutError, id="a timeout is a timeout"),
        pytest.param(httpx2.ConnectError("no"), ProviderWireError, id="no connection"),
        pytest.param(httpx2.ReadError("reset"), ProviderWireError, id="connection lost"),
    ],
)
async def test_a_broken_connection_is_the_providers_error(
    raised: Exception, error: type[Exception]
) -> None:
    """The pipeline knows timeouts and wire errors only."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        raise raised

    with pytest.raises(error):
        await openai_answering(respond)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, "http://openai/v1/chat/completions", id="the stand-in"),
        pytest.param(
            {"OPENAI_API_KEY": "k"},
            "http://openai/v1/chat/completions",
            id="a key alone spends nothing",
        ),
        pytest.param(
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://real/v1"},
            "https://real/v1/chat/completions",
            id="key and base URL: the real one",
        ),
    ],
)
async def test_a_real_provider_needs_key_and_base_url(
    environment: dict[str, str], expected: str
) -> None:
    """Both in the environment, or the stand-in it is."""
    seen: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(200, text="data: [DONE]\n\n")

    async with handler_of(respond) as http:
        (provider,) = create_providers({"openai": BASES["openai"]}, environment, http)
        await listen(provider)

    assert seen == [expected]


async def lines_of(text: str) -> AsyncIterator[str]:
    for line in text.split("\n"):
        yield line


@pytest.mark.parametrize(
    ("text", "events"),
    [
        pytest.param("data: a\n\ndata:b\n\n", ["a", "b"], id="with and without a space"),
        pytest.param("data: a\ndata: b\n\n", ["a\nb"], id="lines of one event"),
        pytest.param(": keep-alive\nevent: x\nid: 1\n\ndata: a\n\n", ["a"], id="other fields"),
        pytest.param("data: a\n\ndata: cut", ["a"], id="an event that is cut off"),
        pytest.param("", [], id="nothing"),
    ],
)
async def test_events_are_read_as_the_standard_says(text: str, events: list[str]) -> None:
    """Only whole events, only their data."""
    assert [data async for data in iter_data(lines_of(text))] == events


async def test_an_endless_event_is_refused() -> None:
    """A server that never ends its event does not fill the memory."""
    endless = "\n".join(["data: " + "x" * 100_000] * (EVENT_CHARACTERS_MAX // 100_000 + 1))

    with pytest.raises(ValueError, match="larger than 1000000 characters"):
        [data async for data in iter_data(lines_of(endless))]
