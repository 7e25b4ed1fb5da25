"""Shared by the reference service's tests: a scripted provider, a database, a whole service."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from sakshi.instrument import Metrics
from sakshi.model.clock import SystemClock
from sakshi.reference import HttpServer, ServiceSettings, bind, create_application
from sakshi.reference.conversation import Conversations
from sakshi.reference.layer.generation import GenerationSettings
from sakshi.reference.pool import ConnectionPool
from sakshi.reference.provider import Utterance
from sakshi.reference.standin import CHARACTERS, Standin, load_facts

FAST_SECONDS = 0.01  # the mean of a stand-in's answers in tests


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


@pytest.fixture
async def pool(tmp_path: Path, metrics: Metrics) -> AsyncIterator[ConnectionPool]:
    async with ConnectionPool(
        tmp_path / "conversations.db", metrics, connections_max=2, acquire_seconds_max=0.05
    ) as pool:
        yield pool


@pytest.fixture
async def conversations(pool: ConnectionPool) -> Conversations:
    conversations = Conversations(pool, SystemClock())
    await conversations.create_tables()
    return conversations


class ScriptedProvider:
    """Says its pieces, or raises; where `gate` is given, it waits for it first."""

    def __init__(
        self,
        name: str,
        *pieces: str | Exception,
        gate: asyncio.Event | None = None,
    ) -> None:
        self.name = name
        self.model = f"{name}-model"
        self.asked: list[Sequence[Utterance]] = []
        self._pieces = pieces
        self._gate = gate

    async def stream(self, dialogue: Sequence[Utterance]) -> AsyncGenerator[str, None]:
        self.asked.append(dialogue)
        if self._gate is not None:
            await self._gate.wait()
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


@dataclass
class RunningService:
    """A service and its stand-ins on loopback."""

    url: str
    registry: CollectorRegistry
    http: httpx2.AsyncClient
    standins: dict[str, Standin] = field(default_factory=dict)

    async def chat(self, message: str, session: str = "s-1", user: str = "ada") -> httpx2.Response:
        body = {"message": message, "sessionId": session, "userId": user}
        return await self.http.post(f"{self.url}/api/consciousness/chat", json=body)

    async def scrape(self) -> dict[str, float]:
        """Return the samples of /metrics by their text."""
        text = (await self.http.get(f"{self.url}/metrics")).text
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in rows}


@asynccontextmanager
async def run_service(data: Path, timeout_seconds: float = 5.0) -> AsyncIterator[RunningService]:
    """Run stand-ins and service in this process, on free ports."""
    facts, clock, registry = load_facts(), SystemClock(), CollectorRegistry()
    standins: dict[str, Standin] = {}
    urls: dict[str, str] = {}
    servers: list[HttpServer] = []
    for seed, character in enumerate(CHARACTERS):
        quick = character._replace(mean_seconds=FAST_SECONDS)
        standin = Standin(quick, facts, random.Random(seed), clock)
        servers.append(HttpServer(standin.application(), bind("127.0.0.1", 0)))
        standins[character.name] = standin
        urls[character.name] = servers[-1].url + character.base
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(together(servers))
        settings = ServiceSettings(
            data, urls, seed=7, generation=GenerationSettings(timeout_seconds=timeout_seconds)
        )
        app = create_application(settings, Metrics(registry))
        service = await stack.enter_async_context(HttpServer(app, bind("127.0.0.1", 0)))
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        yield RunningService(service.url, registry, http, standins)


@asynccontextmanager
async def together(servers: Sequence[HttpServer]) -> AsyncIterator[None]:
    """Run servers that start and stop at once, not one after the other."""
    await asyncio.gather(*(server.__aenter__() for server in servers))
    try:
        yield
    finally:
        await asyncio.gather(*(server.__aexit__(None, None, None) for server in servers))
