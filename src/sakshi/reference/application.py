"""The service's HTTP and WebSocket face.

    POST /api/consciousness/chat     a message, its reply
    GET  /api/consciousness/process  state of the pipeline; 503 where it cannot answer
    WS   /ws                         messages; {"type": "delta"}s, then {"type": "final"} each
    GET  /metrics

A WebSocket takes one message at a time; what comes meanwhile waits in the connection. A message
that is wrong is answered by {"type": "error"}, and the connection goes on.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from sakshi.instrument import Metrics, MetricsMiddleware, metrics_app
from sakshi.model.clock import Clock, SystemClock
from sakshi.reference.chat import BODY_BYTES_MAX, error_fields, parse_chat_request, reply_fields
from sakshi.reference.errors import (
    BadRequestError,
    NoAnswerError,
    OverloadedError,
    PoolExhaustedError,
)
from sakshi.reference.pipeline import ChatReply, ChatRequest
from sakshi.reference.service import Service, ServiceSettings, open_service

# What the world does to a run: the HTTP status and the reason that say so.
FAILURES: tuple[tuple[type[Exception], int, str], ...] = (
    (NoAnswerError, 502, "no provider answered"),
    (OverloadedError, 503, "too many messages are waiting"),
    (PoolExhaustedError, 503, "the database is busy"),
    (sqlite3.Error, 503, "the database does not answer"),
)
FAILURE_TYPES = tuple(failure for failure, _, _ in FAILURES)
RETRY_AFTER = {"retry-after": str(OverloadedError.retry_after_seconds)}


def create_application(
    settings: ServiceSettings, metrics: Metrics, clock: Clock | None = None
) -> MetricsMiddleware:
    """Return the ASGI application; its service opens and closes with the server's lifespan."""
    chat = Chat(metrics)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_service(settings, metrics, clock or SystemClock()) as service:
            chat.service = service
            yield

    routes = [
        Route("/api/consciousness/chat", chat.answer, methods=["POST"]),
        Route("/api/consciousness/process", chat.process, methods=["GET"]),
        WebSocketRoute("/ws", chat.converse),
        Route("/metrics", metrics_app(metrics.registry)),
    ]
    return MetricsMiddleware(Starlette(routes=routes, lifespan=lifespan), metrics)


class Chat:
    """The handlers; `service` is there from the lifespan's start to its end."""

    service: Service

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def process(self, request: Request) -> JSONResponse:
        """Answer with the state of the pipeline."""
        state = self.service.state()
        return JSONResponse(state, 200 if state["ready"] else 503)

    async def answer(self, request: Request) -> Response:
        """Answer one message over HTTP."""
        try:
            message = parse_chat_request(await _read_body(request))
        except BadRequestError as error:
            return JSONResponse(error_fields(error.reason, error.field), error.status)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it; the metrics count it
        self._metrics.count_message("http")
        try:
            reply = await self.service.pipeline.run(message)
        except FAILURE_TYPES as error:
            status, reason = _failure(error)
            headers = RETRY_AFTER if status == 503 else None
            return JSONResponse(error_fields(reason), status, headers)
        return JSONResponse(reply_fields(reply))

    async def converse(self, websocket: WebSocket) -> None:
        """Answer messages over a WebSocket until it is closed."""
        await websocket.accept()
        try:
            while (message := await websocket.receive())["type"] != "websocket.disconnect":
                await self._take_turn(websocket, message)
        except WebSocketDisconnect:
            return

    async def _take_turn(self, websocket: WebSocket, message: Message) -> None:
        with self._metrics.websocket_turn() as turn:
            try:
                request = parse_chat_request(message.get("text") or message.get("bytes") or "")
            except BadRequestError as error:
                await _send(websocket, "error", error_fields(error.reason, error.field))
                return
            self._metrics.count_message("websocket")
            async with Answering(self.service, request) as answering:
                while True:
                    with turn.away():
                        piece = await answering.next_piece()
                    if piece is None:
                        break
                    await _send(websocket, "delta", {"provider": piece[0], "text": piece[1]})
                await _send(websocket, *answering.outcome())


class Answering:
    """A pipeline run whose pieces can be awaited; leaving the body early gives the run up."""

    def __init__(self, service: Service, request: ChatRequest) -> None:
        self._pieces: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()
        self._service, self._request = service, request
        self._run: asyncio.Task[ChatReply]

    async def next_piece(self) -> tuple[str, str] | None:
        """Return the next (provider, text); None when the run has ended."""
        return await self._pieces.get()

    def outcome(self) -> tuple[str, dict[str, Any]]:
        """Return the type and the fields of the message that ends the turn.

        Raises:
            Exception: whatever the run raised that is not one of `FAILURES`.
        """
        try:
            return "final", reply_fields(self._run.result())
        except FAILURE_TYPES as error:
            return "error", error_fields(_failure(error)[1])

    async def __aenter__(self) -> Answering:
        self._run = asyncio.create_task(self._service.pipeline.run(self._request, self._say))
        self._run.add_done_callback(lambda _: self._pieces.put_nowait(None))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if not self._run.done():
            self._run.cancel()
            await asyncio.wait({self._run})

    def _say(self, provider: str, piece: str) -> None:
        self._pieces.put_nowait((provider, piece))


async def _read_body(request: Request) -> bytes:
    """Return the body, reading no more of it than a message may have."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise BadRequestError(413, "", f"expected at most {BODY_BYTES_MAX} bytes")
    return bytes(body)


def _failure(error: Exception) -> tuple[int, str]:
    """Return the HTTP status and the reason for a failed run."""
    return next((status, why) for kind, status, why in FAILURES if isinstance(error, kind))


async def _send(websocket: WebSocket, type: str, fields: dict[str, Any]) -> None:
    await websocket.send_text(json.dumps({"type": type, **fields}, ensure_ascii=False))
