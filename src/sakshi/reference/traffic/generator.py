"""Steady traffic: messages arrive at a rate, whether the service is quick or slow.

Idea: an open model. Arrivals are a Poisson process; each takes a conversation that is waiting for
its user's next message, or begins a new one. A slow service so has more conversations at once and
not fewer messages, as a real one has. What is in flight is bounded; a message that finds no room is
counted as dropped and not sent later.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2

from sakshi.model.clock import Clock
from sakshi.reference.traffic.script import load_questions, write_conversation
from sakshi.reference.traffic.user import (
    ANSWER_SECONDS_MAX,
    HttpUser,
    TurnFailedError,
    User,
    WebSocketUser,
)


@dataclass(frozen=True)
class TrafficSettings:
    """How much traffic, and of what kind.

    Args:
        rate: messages a second, on average; more than 0.
        websocket_share: of the conversations, 0 to 1.
        in_flight_max: messages that wait for a reply at once.
        user_count: how many different users there are.
        seed: of every draw; None for unrepeatable ones.
    """

    rate: float = 20.0
    websocket_share: float = 0.5
    in_flight_max: int = 200
    user_count: int = 12
    seed: int | None = None


@dataclass
class TrafficCounts:
    """What became of the messages: `sent` = `ok` + `failed` + those in flight."""

    sent: int = 0
    ok: int = 0
    failed: int = 0
    dropped: int = 0
    conversations: int = 0


@dataclass
class Conversation:
    """A user and what is still to be said."""

    user: User
    remaining: deque[str]


class Traffic:
    """Sends messages from `__aenter__` to `__aexit__`.

    Args:
        base_url: the service's, `http://127.0.0.1:5000`.
        settings: how much.
        clock: how it waits between arrivals.
        on_failure: called with the reason of each failed message.
    """

    def __init__(
        self,
        base_url: str,
        settings: TrafficSettings,
        clock: Clock,
        on_failure: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.counts = TrafficCounts()
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._clock = clock
        self._on_failure = on_failure
        self._chance = random.Random(settings.seed)
        self._questions = load_questions()
        self._waiting: deque[Conversation] = deque()
        self._present: set[User] = set()
        self._turns: set[asyncio.Task[None]] = set()
        self._arrivals: asyncio.Task[None] | None = None
        self._http = httpx2.AsyncClient(
            timeout=ANSWER_SECONDS_MAX,
            limits=httpx2.Limits(
                max_connections=settings.in_flight_max,
                max_keepalive_connections=settings.in_flight_max,
            ),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        self._arrivals = asyncio.create_task(self._arrive())
        return self

    async def __aexit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop sending, give up what is in flight, close every connection."""
        assert self._arrivals is not None
        tasks = [self._arrivals, *self._turns]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Also those whose turn was cancelled before it took its first step.
        await asyncio.gather(*(user.leave() for user in self._present))
        await self._http.aclose()

    def next_pause(self) -> float:
        """Return the seconds until the next arrival of the Poisson process."""
        return self._chance.expovariate(self._settings.rate)

    async def _arrive(self) -> None:
        """Send messages at their times; a late wake-up sends what became due meanwhile."""
        due = self._clock.monotonic()
        while True:
            due += self.next_pause()
            await self._clock.sleep(due - self._clock.monotonic())
            if len(self._turns) >= self._settings.in_flight_max:
                self.counts.dropped += 1
                continue
            conversation = self._waiting.popleft() if self._waiting else self._begin()
            self.counts.sent += 1
            turn = asyncio.create_task(self._take_turn(conversation))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    def _begin(self) -> Conversation:
        self.counts.conversations += 1
        session = f"session-{self.counts.conversations:06d}"
        name = f"user-{self._chance.randrange(self._settings.user_count):02d}"
        user: User
        if self._chance.random() < self._settings.websocket_share:
            user = WebSocketUser(self._base_url, session, name)
        else:
            user = HttpUser(self._base_url, self._http, session, name)
        self._present.add(user)
        return Conversation(user, deque(write_conversation(self._questions, self._chance)))

    async def _take_turn(self, conversation: Conversation) -> None:
        """Say the next message; go back to waiting, or leave after the last or a failure."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await conversation.user.say(conversation.remaining.popleft())
        except (TurnFailedError, TimeoutError) as error:
            self.counts.failed += 1
            self._on_failure(str(error) or "no reply in time")
            await self._end(conversation)
            return
        self.counts.ok += 1
        if conversation.remaining:
            self._waiting.append(conversation)
        else:
            await self._end(conversation)

    async def _end(self, conversation: Conversation) -> None:
        await conversation.user.leave()
        self._present.discard(conversation.user)
