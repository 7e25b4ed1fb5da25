"""A stand-in provider: an ASGI application that answers over a provider's real wire.

    POST {wire's path}   an answer, streamed or whole
    GET  /control        how it behaves
    POST /control        {"latency_factor": 6, "error_rate": 0.5, "off_subject": true}, any of them

`/control` answers the machine itself only, and no web page: a page in a browser on this machine
names its origin.
"""

from __future__ import annotations

import ipaddress
import json
import random
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sakshi.model.clock import Clock
from sakshi.reference.standin.behaviour import (
    FIRST_PIECE_SHARE,
    REFUSAL_SECONDS,
    Behaviour,
    draw_seconds,
    split_pieces,
)
from sakshi.reference.standin.facts import Facts
from sakshi.reference.standin.voice import Voice, structured, terse, warm
from sakshi.reference.standin.wire import (
    Asked,
    GeminiServerWire,
    OpenAIServerWire,
    ServerWire,
    WireError,
)

BODY_BYTES_MAX = 1_000_000


class Character(NamedTuple):
    """What makes one stand-in differ from another."""

    name: str
    path: str
    base: str  # what clients put before the wire's own path
    wire: ServerWire
    voice: Voice
    mean_seconds: float


GEMINI_PATH = "/v1beta/models/{model}:{verb}"
CHARACTERS = (
    Character("openai", "/v1/chat/completions", "/v1", OpenAIServerWire(), terse, 0.45),
    Character("venice", "/api/v1/chat/completions", "/api/v1", OpenAIServerWire(), warm, 0.6),
    Character("gemini", GEMINI_PATH, "/v1beta", GeminiServerWire(), structured, 0.35),
)


class Refusal(NamedTuple):
    """An HTTP error that a real provider gives when it is unwell."""

    status: int
    message: str


REFUSALS = (
    Refusal(500, "the server had an error while processing your request"),
    Refusal(429, "rate limit reached, please try again later"),
)


class Standin:
    """One stand-in provider.

    Args:
        character: which one.
        facts: what it knows.
        chance: where its times, failures and phrases are drawn from: one seed, one behaviour.
        clock: how it waits.
    """

    def __init__(
        self, character: Character, facts: Facts, chance: random.Random, clock: Clock
    ) -> None:
        self.character = character
        self.behaviour = Behaviour()
        self._facts = facts
        self._chance = chance
        self._clock = clock
        self.answer_count = 0

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route(self.character.path, self.answer, methods=["POST"]),
                Route("/control", self.control, methods=["GET", "POST"]),
            ]
        )

    async def control(self, request: Request) -> JSONResponse:
        """Show or change the behaviour."""
        if not _is_local(request):
            return JSONResponse({"error": "expected a request from this machine"}, 403)
        if request.method == "POST":
            try:
                self.behaviour.change(json.loads(await request.body()))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self.behaviour.as_fields())

    async def answer(self, request: Request) -> Response:
        """Answer a prompt as the provider would."""
        wire = self.character.wire
        if not wire.key(dict(request.headers)):
            return self._error(401, "no API key was given")
        try:
            asked = wire.parse(await _json_object(request), request.path_params)
        except (ValueError, WireError) as error:
            return self._error(400, str(error))
        behaviour, chance = self.behaviour, self._chance
        if chance.random() < behaviour.error_rate:
            await self._clock.sleep(REFUSAL_SECONDS * behaviour.latency_factor)
            refusal = chance.choice(REFUSALS)
            return self._error(refusal.status, refusal.message)
        text = self._say(asked)
        seconds = draw_seconds(self.character.mean_seconds, chance) * behaviour.latency_factor
        self.answer_count += 1
        id = f"{self.character.name}-{self.answer_count}"
        now = self._clock.now_ms() // 1000
        if asked.streams:
            pieces = split_pieces(text)
            events = wire.events(asked, pieces, id, now)
            return StreamingResponse(self._stream(events, seconds), media_type="text/event-stream")
        await self._clock.sleep(seconds)
        return JSONResponse(wire.whole(asked, text, id, now))

    def _say(self, asked: Asked) -> str:
        if self.behaviour.off_subject:
            knowledge = self._facts.find_elsewhere(asked.dialogue, self._chance)
            return self.character.voice(knowledge, self._chance)
        return self.character.voice(self._facts.find(asked.dialogue), self._chance)

    async def _stream(self, events: list[str], seconds: float) -> AsyncIterator[str]:
        """Yield the events over so many seconds: a pause to think, then an even flow."""
        first = seconds * FIRST_PIECE_SHARE
        pause = (seconds - first) / max(1, len(events) - 1)
        await self._clock.sleep(first if len(events) > 1 else seconds)
        for index, event in enumerate(events):
            if index:
                await self._clock.sleep(pause)
            yield f"data: {event}\n\n"

    def _error(self, status: int, message: str) -> JSONResponse:
        headers = {"retry-after": "1"} if status == 429 else None
        return JSONResponse(self.character.wire.error(status, message), status, headers)


async def _json_object(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise WireError(f"expected at most {BODY_BYTES_MAX} bytes")
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise WireError("expected a JSON object")
    return fields


def _is_local(request: Request) -> bool:
    """Return whether a request comes from this machine and not from a page in its browser."""
    if request.client is None or "origin" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
