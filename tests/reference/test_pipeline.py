"""The pipeline: layers in order, bounded, measured."""

from __future__ import annotations

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry
from tests.reference.conftest import ScriptedProvider

from sakshi.instrument import Metrics
from sakshi.model.clock import SystemClock
from sakshi.reference.conversation import Conversations
from sakshi.reference.errors import NoAnswerError, OverloadedError, ProviderRefusedError
from sakshi.reference.layer.generation import Generation
from sakshi.reference.layer.reflection import Reflection
from sakshi.reference.layer.selection import Selection
from sakshi.reference.pipeline import LAYERS, ChatRequest, Pipeline

REQUEST = ChatRequest("Why do tides follow the Moon?", "s-1", "ada")


def make_pipeline(
    conversations: Conversations, metrics: Metrics, provider: ScriptedProvider, **limits: int
) -> Pipeline:
    clock = SystemClock()
    selection = Selection([provider.name], random.Random(1))
    generation = Generation([provider], selection.histories, metrics, clock)
    reflection = Reflection(conversations)
    return Pipeline(conversations, selection, generation, reflection, metrics, clock, **limits)


async def test_a_message_goes_through_all_layers(
    conversations: Conversations, metrics: Metrics, registry: CollectorRegistry
) -> None:
    """The reply names each layer's time; the metrics have each once and the whole once."""
    pipeline = make_pipeline(conversations, metrics, ScriptedProvider("a", "Gravity."))

    reply = await pipeline.run(REQUEST)

    assert (reply.reply, reply.turn, reply.providers, reply.model) == (
        "Gravity.",
        1,
        ("a",),
        "a-model",
    )
    assert tuple(reply.pipeline_ms) == LAYERS
    counts = [
        registry.get_sample_value(
            "consciousness_pipeline_duration_seconds_count", {"layer": layer, "user_id": "ada"}
        )
        for layer in (*LAYERS, "total")
    ]
    assert counts == [1] * 7
    assert [times.count for times in pipeline.times.values()] == [1] * 6


async def test_a_run_without_an_answer_fails_and_is_not_remembered(
    conversations: Conversations, metrics: Metrics, registry: CollectorRegistry
) -> None:
    """One failure, no turn."""
    refused = ProviderRefusedError(500, "unwell")
    pipeline = make_pipeline(conversations, metrics, ScriptedProvider("a", refused))

    with pytest.raises(NoAnswerError):
        await pipeline.run(REQUEST)

    labels = {"outcome": "failure"}
    assert registry.get_sample_value("consciousness_pipeline_runs_total", labels) == 1
    assert (await conversations.recall("s-1", [])).recent == []
    assert pipeline.running == 0


async def test_runs_are_bounded_and_what_waits_too(
    conversations: Conversations, metrics: Metrics
) -> None:
    """One runs, one waits, the third is refused at once."""
    gate = asyncio.Event()
    provider = ScriptedProvider("a", "Gravity.", gate=gate)
    pipeline = make_pipeline(conversations, metrics, provider, running_max=1, waiting_max=1)

    accepted = [asyncio.create_task(pipeline.run(REQUEST)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError, match="1 messages are waiting"):
        await pipeline.run(REQUEST)
    in_between = (pipeline.running, pipeline.waiting)
    gate.set()
    replies = await asyncio.gather(*accepted)

    assert in_between == (1, 1)
    assert [reply.turn for reply in replies] == [1, 2]
    assert (pipeline.running, pipeline.waiting) == (0, 0)
