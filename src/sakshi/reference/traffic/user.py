"""Simulated users: one conversation each, over HTTP or over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

ANSWER_SECONDS_MAX = 30.0
CLOSE_SECONDS_MAX = 2.0  # a server in the middle of a turn reads the farewell after it


class TurnFailedError(Exception):
    """A message got no reply: says what came instead."""


class User(Protocol):
    """Holds one conversation with the service."""

    async def say(self, message: str) -> str:
        """Return the service's reply to the next message.

        Raises:
            TurnFailedError: there was none.
        """

    async def leave(self) -> None:
        """End the conversation; never raises."""


class HttpUser:
    """Posts each message."""

    def __init__(self, base_url: str, http: httpx2.AsyncClient, session: str, user: str) -> None:
        self._url = f"{base_url}/api/consciousness/chat"
        self._http = http
        self._identity = {"sessionId": session, "userId": user}

    async def say(self, message: str) -> str:
        """Return the reply; see `User.say`."""
        try:
            response = await self._http.post(self._url, json={"message": message, **self._identity})
            if response.status_code != httpx2.codes.OK:
                raise TurnFailedError(f"HTTP {response.status_code}")
            return str(response.json()["reply"])
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise TurnFailedError(repr(error)) from error

    async def leave(self) -> None:
        """Do nothing: HTTP has no conversation to end."""


class WebSocketUser:
    """Keeps a WebSocket open for the whole conversation.

    Args:
        base_url: the service's, `http://127.0.0.1:5000`.
        session: the session's id.
        user: the user's id.
        on_delta: called with each piece of a reply as it comes.
    """

    def __init__(
        self,
        base_url: str,
        session: str,
        user: str,
        on_delta: Callable[[str], None] = lambda piece: None,
    ) -> None:
        self._url = base_url.replace("http", "ws", 1) + "/ws"
        self._identity = {"sessionId": session, "userId": user}
        self._on_delta = on_delta
        self._connection: ClientConnection | None = None

    async def say(self, message: str) -> str:
        """Return the final reply; see `User.say`."""
        try:
            if self._connection is None:
                self._connection = await connect(
                    self._url, compression=None, proxy=None, close_timeout=CLOSE_SECONDS_MAX
                )
            await self._connection.send(json.dumps({"message": message, **self._identity}))
            while (fields := json.loads(await self._connection.recv()))["type"] == "delta":
                self._on_delta(fields["text"])
            return _final_reply(fields)
        except (WebSocketException, OSError, ValueError, KeyError) as error:
            raise TurnFailedError(repr(error)) from error

    async def leave(self) -> None:
        """Close the WebSocket."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def _final_reply(fields: dict[str, Any]) -> str:
    if fields["type"] != "final":
        raise TurnFailedError(f"{fields['type']}: {fields.get('error')}")
    return str(fields["reply"])
