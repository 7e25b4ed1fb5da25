"""The reference service put together: what it is made of, opened and closed in one place."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from sakshi.instrument import Metrics
from sakshi.model.clock import Clock
from sakshi.reference.conversation import Conversations
from sakshi.reference.layer.generation import Generation, GenerationSettings
from sakshi.reference.layer.reflection import Reflection
from sakshi.reference.layer.selection import Selection
from sakshi.reference.pipeline import LayerTimes, Pipeline
from sakshi.reference.pool import ConnectionPool
from sakshi.reference.provider import Provider, create_providers

CONNECTIONS_MAX = 256  # to providers; more calls than that are never in flight
KEEPALIVE_SECONDS = 30.0
CONNECT_SECONDS_MAX = 2.0


@dataclass(frozen=True)
class ServiceSettings:
    """What the service is told.

    Args:
        data: the folder of its database; created where it is missing.
        provider_urls: base URL by provider name, for those that the environment does not name.
        environment: keys and base URLs of real providers; see `provider/catalogue.py`.
        seed: of the choices among providers; None for unrepeatable ones.
        generation: timeouts.
    """

    data: Path
    provider_urls: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    generation: GenerationSettings = field(default_factory=GenerationSettings)


class Service:
    """The parts that the application speaks to."""

    def __init__(
        self,
        pipeline: Pipeline,
        selection: Selection,
        reflection: Reflection,
        providers: Sequence[Provider],
        metrics: Metrics,
    ) -> None:
        self.pipeline = pipeline
        self.metrics = metrics
        self._selection = selection
        self._reflection = reflection
        self._providers = providers

    def state(self) -> dict[str, Any]:
        """Return the state of the pipeline as the fields of a JSON object.

        `ready` is false where the queue is full or every provider failed in all its last calls.
        """
        pipeline = self.pipeline
        histories = self._selection.histories
        has_room = pipeline.waiting < pipeline.waiting_max
        has_voice = any(history.success_share > 0 for history in histories.values())
        return {
            "ready": has_room and has_voice,
            "layers": {name: _times_fields(times) for name, times in pipeline.times.items()},
            "queue": {
                "running": pipeline.running,
                "waiting": pipeline.waiting,
                "running_max": pipeline.running_max,
                "waiting_max": pipeline.waiting_max,
            },
            "providers": {
                provider.name: {
                    "model": provider.model,
                    "mean_ms": round(histories[provider.name].mean_seconds * 1000, 1),
                    "success_share": round(histories[provider.name].success_share, 3),
                }
                for provider in self._providers
            },
            "sessions": self._reflection.session_count(),
        }


@asynccontextmanager
async def open_service(
    settings: ServiceSettings, metrics: Metrics, clock: Clock
) -> AsyncIterator[Service]:
    """Open the service's database and connections for the body.

    Raises:
        ValueError: no provider has an address.
        OSError, sqlite3.Error: the data folder or its database cannot be used.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    limits = httpx2.Limits(
        max_connections=CONNECTIONS_MAX,
        max_keepalive_connections=CONNECTIONS_MAX,
        keepalive_expiry=KEEPALIVE_SECONDS,
    )
    timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS_MAX)  # a call's whole time is limited
    async with (
        httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as http,
        ConnectionPool(settings.data / "conversations.db", metrics) as pool,
    ):
        providers = create_providers(settings.provider_urls, settings.environment, http)
        if not providers:
            raise ValueError("expected the address of at least one provider, found none")
        conversations = Conversations(pool, clock)
        await conversations.create_tables()
        selection = Selection([p.name for p in providers], random.Random(settings.seed))
        reflection = Reflection(conversations)
        generation = Generation(providers, selection.histories, metrics, clock, settings.generation)
        pipeline = Pipeline(conversations, selection, generation, reflection, metrics, clock)
        metrics.register_component("conversations", "disk", conversations.size_bytes)
        metrics.register_component("session_states", "heap", reflection.size_bytes)
        try:
            yield Service(pipeline, selection, reflection, providers, metrics)
        finally:
            await generation.close()


def _times_fields(times: LayerTimes) -> dict[str, Any]:
    """Return the recent times of a layer; null where it did not run yet."""
    recent = times.recent_ms
    return {
        "count": times.count,
        "last_ms": recent[-1] if recent else None,
        "mean_ms": round(sum(recent) / len(recent), 3) if recent else None,
        "max_ms": max(recent) if recent else None,
    }
