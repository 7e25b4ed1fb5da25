"""Generation: one answer, fallback, second opinion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry
from tests.reference.conftest import ScriptedProvider

from sakshi.instrument import Metrics
from sakshi.model.clock import SystemClock
from sakshi.reference.errors import NoAnswerError, ProviderRefusedError
from sakshi.reference.layer.generation import Generation, GenerationSettings
from sakshi.reference.layer.selection import Plan, ProviderHistory
from sakshi.reference.provider import Utterance

DIALOGUE = [Utterance("user", "Why tides?")]
REFUSED = ProviderRefusedError(500, "unwell")

Make = Callable[..., Generation]


@pytest.fixture
def make(metrics: Metrics) -> Make:
    def make(*providers: ScriptedProvider, **settings: float) -> Generation:
        histories = {provider.name: ProviderHistory() for provider in providers}
        patient = {"stagger_seconds": 10.0, **settings}
        return Generation(
            providers,
            histories,
            metrics,
            SystemClock(),
            GenerationSettings(**patient),  # type: ignore[arg-type] # calls_max is not given
        )

    return make


async def ask(
    generation: Generation, *order: str, second: str | None = None
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the answers' texts and what was said on the way."""
    said: list[tuple[str, str]] = []
    answers = await generation.generate(
        Plan(order, second), DIALOGUE, lambda provider, piece: said.append((provider, piece))
    )
    return [answer.text for answer in answers], said


def requests(registry: CollectorRegistry, provider: str, outcome: str) -> float | None:
    labels = {"provider": provider, "model": f"{provider}-model", "outcome": outcome}
    return registry.get_sample_value("ai_requests_total", labels)


async def test_the_first_provider_answers_piece_by_piece(make: Make) -> None:
    """Nobody else is asked."""
    first, other = ScriptedProvider("a", "Tides ", "rise."), ScriptedProvider("b", "No.")

    texts, said = await ask(make(first, other), "a", "b")

    assert texts == ["Tides rise."]
    assert said == [("a", "Tides "), ("a", "rise.")]
    assert first.asked == [DIALOGUE]
    assert other.asked == []


async def test_a_failing_provider_is_replaced_by_the_next(
    make: Make, registry: CollectorRegistry
) -> None:
    """At once; what the failing one began to say is followed by the whole of the next."""
    generation = make(ScriptedProvider("a", "Ti", REFUSED), ScriptedProvider("b", "Tides rise."))

    texts, said = await ask(generation, "a", "b")

    assert texts == ["Tides rise."]
    assert said == [("a", "Ti"), ("b", "Tides rise.")]
    assert requests(registry, "a", "failure") == 1
    assert requests(registry, "b", "success") == 1


async def test_an_empty_answer_is_a_failure(make: Make, registry: CollectorRegistry) -> None:
    """Nothing is no answer."""
    texts, _ = await ask(make(ScriptedProvider("a", " "), ScriptedProvider("b", "Yes.")), "a", "b")

    assert texts == ["Yes."]
    assert requests(registry, "a", "failure") == 1


async def test_a_silent_provider_is_overtaken_by_the_next(make: Make) -> None:
    """The next is asked beside it, and the first answer wins."""
    silent = ScriptedProvider("a", "Late.", gate=asyncio.Event())
    generation = make(silent, ScriptedProvider("b", "Tides rise."), stagger_seconds=0.01)

    texts, said = await ask(generation, "a", "b")
    await generation.close()

    assert texts == ["Tides rise."]
    assert said == [("b", "Tides rise.")]


async def test_an_overtaken_call_goes_on_and_is_measured(
    make: Make, registry: CollectorRegistry
) -> None:
    """A slow provider stays visible when nobody waits for it any more."""
    gate = asyncio.Event()
    slow = ScriptedProvider("a", "Late.", gate=gate)
    generation = make(slow, ScriptedProvider("b", "Tides rise."), stagger_seconds=0.01)

    await ask(generation, "a", "b")
    before = requests(registry, "a", "success")
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)

    assert (before, requests(registry, "a", "success")) == (0, 1)


async def test_a_provider_that_hangs_times_out(make: Make, registry: CollectorRegistry) -> None:
    """It fails, and its time is in the histogram."""
    hanging = ScriptedProvider("a", "Never.", gate=asyncio.Event())
    generation = make(hanging, ScriptedProvider("b", "Yes."), timeout_seconds=0.02)

    texts, _ = await ask(generation, "a", "b")

    labels = {"model": "a-model", "provider": "a"}
    seconds = registry.get_sample_value("ai_model_response_time_seconds_sum", labels)
    assert texts == ["Yes."]
    assert requests(registry, "a", "failure") == 1
    assert seconds is not None
    assert seconds >= 0.02


async def test_where_every_provider_fails_there_is_no_answer(make: Make) -> None:
    """The error says how each of them failed."""
    generation = make(ScriptedProvider("a", REFUSED), ScriptedProvider("b", REFUSED))

    with pytest.raises(NoAnswerError) as raised:
        await ask(generation, "a", "b", second="b")

    assert str(raised.value) == "a: HTTP 500: unwell; b: HTTP 500: unwell"


async def test_a_second_opinion_is_asked_at_once_and_only_the_first_is_heard(make: Make) -> None:
    """Both answers come back, the leading one first."""
    generation = make(ScriptedProvider("a", "Moon."), ScriptedProvider("b", "Sun."))

    texts, said = await ask(generation, "a", "b", second="b")

    assert texts == ["Moon.", "Sun."]
    assert said == [("a", "Moon.")]


async def test_a_late_second_opinion_is_not_waited_for(make: Make) -> None:
    """The grace is short."""
    late = ScriptedProvider("b", "Sun.", gate=asyncio.Event())
    generation = make(ScriptedProvider("a", "Moon."), late, grace_seconds=0.01)

    texts, _ = await ask(generation, "a", "b", second="b")
    await generation.close()

    assert texts == ["Moon."]


async def test_a_failing_second_opinion_harms_nobody(make: Make) -> None:
    """The reply is the first answer."""
    generation = make(ScriptedProvider("a", "Moon."), ScriptedProvider("b", REFUSED))

    assert (await ask(generation, "a", "b", second="b"))[0] == ["Moon."]


async def test_the_second_opinion_steps_in_where_all_others_fail(make: Make) -> None:
    """It is asked once, and its answer stands alone."""
    second = ScriptedProvider("b", "Sun.")

    texts, _ = await ask(make(ScriptedProvider("a", REFUSED), second), "a", "b", second="b")

    assert texts == ["Sun."]
    assert len(second.asked) == 1


async def test_second_opinions_stop_where_too_many_calls_are_in_flight(make: Make) -> None:
    """What is bounded is in flight and not in a queue."""
    second = ScriptedProvider("b", "Sun.")

    texts, _ = await ask(
        make(ScriptedProvider("a", "Moon."), second, calls_max=0), "a", "b", second="b"
    )

    assert texts == ["Moon."]
    assert second.asked == []


async def test_the_last_one_asked_is_waited_for(make: Make) -> None:
    """One that fails late leaves the others in the race, though nobody stands by any more."""
    refuse, answer = asyncio.Event(), asyncio.Event()
    first = ScriptedProvider("a", REFUSED, gate=refuse)
    other = ScriptedProvider("b", "Tides rise.", gate=answer)
    asking = asyncio.create_task(ask(make(first, other, stagger_seconds=0.0), "a", "b"))
    while not other.asked:
        await SystemClock().sleep(0.001)

    refuse.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not asking.done()
    answer.set()

    texts, _ = await asyncio.wait_for(asking, 5)
    assert texts == ["Tides rise."]
