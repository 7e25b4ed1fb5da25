"""The fourth layer: asks the providers and comes back with one answer, or two.

Idea: a staggered start, as browsers do with addresses. The first provider is asked; where it fails,
or is silent for `stagger_seconds`, the next is asked beside it, and the first answer wins. A call
that nobody waits for any more goes on to its end in the background, bounded in time and number, so
that its time is known: or else a slow provider would vanish from the metrics just when it is slow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from sakshi.instrument import Metrics
from sakshi.model.clock import Clock
from sakshi.reference.errors import NoAnswerError, ProviderError, ProviderWireError
from sakshi.reference.layer.selection import Plan, ProviderHistory
from sakshi.reference.provider import Provider, Utterance

logger = logging.getLogger(__name__)

Say = Callable[[str, str], None]


@dataclass(frozen=True)
class GenerationSettings:
    """How long is waited, and for how many.

    Args:
        timeout_seconds: for one call, from sending to the last word.
        stagger_seconds: how long the first is waited for before the next is asked beside it.
        grace_seconds: how long a second opinion is waited for once there is an answer.
        calls_max: calls in flight; beyond it second opinions are not asked.
    """

    timeout_seconds: float = 5.0
    stagger_seconds: float = 1.5
    grace_seconds: float = 0.25
    calls_max: int = 128


@dataclass(frozen=True)
class Answer:
    """What a provider said."""

    provider: str
    model: str
    text: str


class Speaker:
    """Lets only one provider at a time be heard: the first that speaks, until it fails."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._speaking: str | None = None

    def hear(self, provider: str, piece: str) -> None:
        """Pass a piece on if its provider has the word."""
        if self._speaking is None:
            self._speaking = provider
        if self._speaking == provider:
            self._say(provider, piece)

    def silence(self, provider: str) -> None:
        """Give the word to whoever speaks next, if this provider had it."""
        if self._speaking == provider:
            self._speaking = None


class Generation:
    """Asks providers, and knows how they did."""

    def __init__(
        self,
        providers: Sequence[Provider],
        histories: Mapping[str, ProviderHistory],
        metrics: Metrics,
        clock: Clock,
        settings: GenerationSettings | None = None,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._histories = histories
        self._metrics = metrics
        self._clock = clock
        self._settings = settings or GenerationSettings()
        self._calls: set[asyncio.Task[Answer]] = set()

    async def generate(self, plan: Plan, dialogue: Sequence[Utterance], say: Say) -> list[Answer]:
        """Return the winner's answer, and the second opinion where it came in time.

        Args:
            plan: whom to ask, in which order.
            dialogue: what to ask.
            say: called with (provider, piece) as the answer comes; where a provider fails midway,
                the next one starts from the beginning. What is returned is what counts.

        Raises:
            NoAnswerError: every provider failed.
        """
        speaker = Speaker(say)
        second = None
        if plan.second and len(self._calls) < self._settings.calls_max:
            second = self._start(plan.second, dialogue, None)
        order = [name for name in plan.order if second is None or name != plan.second]
        winner = await self._first_answer(order, second, dialogue, speaker)
        if second is None:
            return [winner]
        await asyncio.wait({second}, timeout=self._settings.grace_seconds)
        if second.done() and not second.exception() and second.result() is not winner:
            return [winner, second.result()]
        return [winner]

    async def close(self) -> None:
        """Give up the calls that are still in flight."""
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _first_answer(
        self,
        order: Sequence[str],
        second: asyncio.Task[Answer] | None,
        dialogue: Sequence[Utterance],
        speaker: Speaker,
    ) -> Answer:
        """Return the first answer of the providers in order; the second opinion is the last."""
        standing_by = list(order)
        waiting: set[asyncio.Task[Answer]] = set()
        failures: dict[str, Exception] = {}
        while standing_by or waiting or second:
            if standing_by:
                waiting.add(self._start(standing_by.pop(0), dialogue, speaker))
            elif second:
                waiting.add(second)
                second = None
            patience = self._settings.stagger_seconds if standing_by or second else None
            done, waiting = await asyncio.wait(
                waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            for call in done:
                error = call.exception()
                if error is None:
                    return call.result()
                assert isinstance(error, Exception)
                failures[call.get_name()] = error
        raise NoAnswerError(failures)

    def _start(
        self, name: str, dialogue: Sequence[Utterance], speaker: Speaker | None
    ) -> asyncio.Task[Answer]:
        call = asyncio.create_task(self._ask(name, dialogue, speaker), name=name)
        self._calls.add(call)
        call.add_done_callback(self._finished)
        return call

    def _finished(self, call: asyncio.Task[Answer]) -> None:
        self._calls.discard(call)
        if not call.cancelled() and (error := call.exception()):
            logger.info("event=provider_failed provider=%s error=%r", call.get_name(), error)

    async def _ask(
        self, name: str, dialogue: Sequence[Utterance], speaker: Speaker | None
    ) -> Answer:
        """Return one provider's whole answer, and note how it did."""
        provider, history = self._providers[name], self._histories[name]
        started = self._clock.monotonic()
        try:
            with self._metrics.provider_call(name, provider.model):
                async with asyncio.timeout(self._settings.timeout_seconds):
                    text = await self._listen(provider, dialogue, speaker)
        except TimeoutError:
            history.failed(self._clock.monotonic() - started)
            self._fall_silent(speaker, name)
            raise
        except ProviderError:
            history.failed()
            self._fall_silent(speaker, name)
            raise
        history.answered(self._clock.monotonic() - started)
        return Answer(name, provider.model, text)

    @staticmethod
    async def _listen(
        provider: Provider, dialogue: Sequence[Utterance], speaker: Speaker | None
    ) -> str:
        pieces: list[str] = []
        async with aclosing(provider.stream(dialogue)) as stream:
            async for piece in stream:
                pieces.append(piece)
                if speaker is not None:
                    speaker.hear(provider.name, piece)
        text = "".join(pieces).strip()
        if not text:
            raise ProviderWireError("an empty answer")
        return text

    @staticmethod
    def _fall_silent(speaker: Speaker | None, name: str) -> None:
        if speaker is not None:
            speaker.silence(name)
