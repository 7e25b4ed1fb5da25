"""What every AI provider is to the pipeline: a name, a model, and a stream of text for a dialogue.

A wire is two functions, what to send and what to make of an event; the HTTP around them is the same
for all: `StreamingProvider`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal, NamedTuple, Protocol

import httpx2

from sakshi.reference.errors import ProviderRefusedError, ProviderWireError
from sakshi.reference.provider.sse import iter_data

ERROR_BYTES_MAX = 10_000  # of an error's body: enough for a message
TOKENS_MAX = 400  # an answer in a chat is a few sentences

Role = Literal["system", "user", "assistant"]


class Utterance(NamedTuple):
    """One message of a dialogue."""

    role: Role
    text: str


class Provider(Protocol):
    """Answers a dialogue, piece by piece."""

    @property
    def name(self) -> str:
        """Return the provider's name, as it stands in labels: "openai"."""

    @property
    def model(self) -> str:
        """Return the model's name, as the provider spells it."""

    def stream(self, dialogue: Sequence[Utterance]) -> AsyncGenerator[str, None]:
        """Yield the pieces of the answer to a dialogue that ends with the user.

        Raises:
            ProviderError: it refused, or the wire broke; perhaps after some pieces.
            TimeoutError: it did not accept the connection in time.
        """


class Request(NamedTuple):
    """What a wire sends."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


class Wire(Protocol):
    """One provider's protocol."""

    def request(self, model: str, dialogue: Sequence[Utterance]) -> Request:
        """Return what asks for a streamed answer."""

    def piece(self, event: dict[str, Any]) -> str:
        """Return the text that one event carries; empty where it carries none.

        Raises:
            KeyError, TypeError, IndexError: the event is not of this protocol.
        """


class StreamingProvider:
    """A provider behind HTTP and server-sent events."""

    def __init__(self, name: str, model: str, wire: Wire, http: httpx2.AsyncClient) -> None:
        self.name = name
        self.model = model
        self._wire = wire
        self._http = http

    async def stream(self, dialogue: Sequence[Utterance]) -> AsyncGenerator[str, None]:
        """Yield the pieces of the answer; see `Provider.stream`."""
        request = self._wire.request(self.model, dialogue)
        try:
            async with self._http.stream(
                "POST", request.url, headers=request.headers, json=request.body
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    raise await _refusal(response)
                async with aclosing(iter_data(response.aiter_lines())) as events:
                    async for data in events:
                        if data == "[DONE]":
                            return
                        if piece := self._wire.piece(json.loads(data)):
                            yield piece
        except httpx2.TimeoutException as error:
            raise TimeoutError(f"{self.name}: {error!r}") from error
        except httpx2.HTTPError as error:
            raise ProviderWireError(repr(error)) from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ProviderWireError(f"not {self.name}'s protocol: {error!r}") from error


async def _refusal(response: httpx2.Response) -> ProviderRefusedError:
    """Return the provider's error with its own message, if it sent one."""
    body = b""
    async for part in response.aiter_bytes():
        body = (body + part)[:ERROR_BYTES_MAX]
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = response.reason_phrase
    return ProviderRefusedError(response.status_code, message)
