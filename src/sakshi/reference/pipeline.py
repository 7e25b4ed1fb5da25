"""The consciousness pipeline: a message goes through six layers and comes back as a reply.

    perception -> memory -> selection -> generation -> synthesis -> reflection

A run succeeds where at least one provider answered. Runs are bounded: so many at once, so many
waiting; beyond that a message is refused at once, because a queue that only grows helps nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sakshi.instrument import Metrics
from sakshi.model.clock import Clock
from sakshi.reference.conversation import Conversations
from sakshi.reference.errors import OverloadedError
from sakshi.reference.layer.generation import Generation, Say
from sakshi.reference.layer.memory import remember
from sakshi.reference.layer.perception import perceive
from sakshi.reference.layer.reflection import Reflection
from sakshi.reference.layer.selection import Selection
from sakshi.reference.layer.synthesis import synthesize

LAYERS = ("perception", "memory", "selection", "generation", "synthesis", "reflection")
RUNNING_MAX = 64
WAITING_MAX = 256
RECENT_KEPT = 100  # runs of each layer that /process tells about


@dataclass(frozen=True)
class ChatRequest:
    """A message to the pipeline, already checked."""

    message: str
    session_id: str
    user_id: str


@dataclass(frozen=True)
class ChatReply:
    """What came out of the pipeline.

    Args:
        reply: the text.
        session_id: as in the request.
        turn: which turn of the session this was, from 1.
        providers: whose answers are in the reply; the leading one first.
        model: the leading provider's model.
        pipeline_ms: the milliseconds of each layer.
    """

    reply: str
    session_id: str
    turn: int
    providers: tuple[str, ...]
    model: str
    pipeline_ms: dict[str, float]


@dataclass
class LayerTimes:
    """The recent times of one layer."""

    count: int = 0
    recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_KEPT))

    def add(self, milliseconds: float) -> None:
        """Note one run of the layer."""
        self.count += 1
        self.recent_ms.append(milliseconds)


class Pipeline:
    """Runs messages through the layers; see `run`."""

    def __init__(
        self,
        conversations: Conversations,
        selection: Selection,
        generation: Generation,
        reflection: Reflection,
        metrics: Metrics,
        clock: Clock,
        *,
        running_max: int = RUNNING_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.times = {layer: LayerTimes() for layer in LAYERS}
        self.running = 0
        self.waiting = 0
        self.running_max, self.waiting_max = running_max, waiting_max
        self._conversations = conversations
        self._selection = selection
        self._generation = generation
        self._reflection = reflection
        self._metrics = metrics
        self._clock = clock
        self._slots = asyncio.Semaphore(running_max)

    async def run(self, request: ChatRequest, say: Say = lambda provider, piece: None) -> ChatReply:
        """Return the reply to a message.

        Args:
            request: the message.
            say: called with (provider, piece) while the leading answer comes.

        Raises:
            OverloadedError: too many messages are waiting.
            NoAnswerError: every provider failed.
            PoolExhaustedError, sqlite3.Error: the conversations cannot be read or written.
        """
        if self.waiting >= self.waiting_max:
            raise OverloadedError(f"{self.waiting} messages are waiting")
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            with self._metrics.pipeline_run(request.user_id):
                return await self._run_layers(request, say)
        finally:
            self.running -= 1
            self._slots.release()

    async def _run_layers(self, request: ChatRequest, say: Say) -> ChatReply:
        times: dict[str, float] = {}
        with self._layer("perception", request, times):
            perceived = perceive(request.message)
        with self._layer("memory", request, times):
            dialogue = await remember(self._conversations, request.session_id, perceived)
        with self._layer("selection", request, times):
            plan = self._selection.select()
        with self._layer("generation", request, times):
            answers = await self._generation.generate(plan, dialogue, say)
        with self._layer("synthesis", request, times):
            reply = synthesize(answers, perceived.keywords)
        with self._layer("reflection", request, times):
            state = await self._reflection.reflect(
                request.session_id, request.user_id, perceived, reply
            )
        providers = tuple(answer.provider for answer in answers)
        return ChatReply(
            reply, request.session_id, state.turn_count, providers, answers[0].model, times
        )

    @contextmanager
    def _layer(self, name: str, request: ChatRequest, times: dict[str, float]) -> Iterator[None]:
        """Time one layer for the metrics, for /process and for the reply."""
        started = self._clock.monotonic()
        with self._metrics.layer(name, request.user_id):
            try:
                yield
            finally:
                milliseconds = round((self._clock.monotonic() - started) * 1000, 3)
                times[name] = milliseconds
                self.times[name].add(milliseconds)
