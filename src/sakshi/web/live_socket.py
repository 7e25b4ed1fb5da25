"""The WebSocket endpoint: between a client of the hub and its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from sakshi.web.guard import is_websocket_allowed
from sakshi.web.hub import TRY_AGAIN_LATER, Client, Hub

SEND_SECONDS_MAX: Final = 60.0  # a client that takes no message for so long is let go
POLICY_VIOLATION: Final = 1008


def live_socket(hub: Hub) -> Callable[[WebSocket], Awaitable[None]]:
    """Return the endpoint that serves a hub's messages."""

    async def serve(websocket: WebSocket) -> None:
        if not is_websocket_allowed(websocket.scope):
            await websocket.close(POLICY_VIOLATION)  # before accept: HTTP 403
            return
        await websocket.accept()
        client = hub.join()
        if client is None:
            await websocket.close(TRY_AGAIN_LATER)
            return
        try:
            await _until_either_ends(
                _send_messages(hub, client, websocket), _discard_messages(websocket)
            )
        finally:
            hub.leave(client)

    return serve


async def _send_messages(hub: Hub, client: Client, websocket: WebSocket) -> None:
    """Send what the client is offered until it is dismissed, is gone, or takes no more."""
    await hub.welcome(client)
    try:
        while (message := await client.next_message()) is not None:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await websocket.send_text(message)
        assert client.close_code is not None
        await websocket.close(client.close_code)
    except (WebSocketDisconnect, TimeoutError):
        return


async def _discard_messages(websocket: WebSocket) -> None:
    """Read until the client disconnects: it has nothing to say."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _until_either_ends(*works: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
