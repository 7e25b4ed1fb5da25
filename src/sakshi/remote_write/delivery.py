"""One request on its way to one remote: repeated until there is an answer that lasts.

post ──▶ 2xx                        accepted
     ──▶ 4xx (429: see QueueConfig) refused: halves where it can be divided, else given up
     ──▶ anything else, or nothing  again, after a pause that grows
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from sakshi.model.clock import Clock
from sakshi.remote_write.client import Answer, Poster
from sakshi.remote_write.config import QueueConfig
from sakshi.remote_write.metrics import RemoteWriteMetrics
from sakshi.remote_write.packer import Request
from sakshi.scrape.errors import ScrapeError

LOG_SECONDS: Final = 60.0  # from one line about a remote to the next one of its kind

log = logging.getLogger(__name__)


class Delivery:
    """Delivers requests to one remote. Belongs to one event loop.

    Args:
        name: of the remote.
        poster: posts.
        queue: when and how fast to repeat.
        clock: of the pauses.
        random: returns a number in [0, 1).
        metrics: counts.
    """

    def __init__(
        self,
        name: str,
        poster: Poster,
        queue: QueueConfig,
        clock: Clock,
        random: Callable[[], float],
        metrics: RemoteWriteMetrics,
    ) -> None:
        self.failures = 0
        """How many posts had to be repeated."""
        self._name = name
        self._poster = poster
        self._queue = queue
        self._clock = clock
        self._random = random
        self._logged: dict[str, float] = {}
        self._samples = metrics.samples.labels(name)
        self._bytes = metrics.bytes.labels(name)
        self._failed = metrics.failed.labels(name)
        self._retried = metrics.retried.labels(name)
        self._seconds = metrics.request_seconds.labels(name)

    async def deliver(self, request: Request) -> bool:
        """Return once a request was accepted (True), or was refused, at least a part of it."""
        attempts = 0
        while True:
            answer = await self._post(request.body)
            if isinstance(answer, Answer):
                if answer.is_accepted:
                    self._samples.inc(request.samples)
                    self._bytes.inc(len(request.body))
                    return True
                if answer.is_refused(retries_429=self._queue.retries_429):
                    return await self._refuse(request, answer)
            attempts += 1
            self.failures += 1
            self._retried.inc(request.samples)
            wait = backoff_seconds(attempts, self._queue, self._random, answer)
            self.warn("trying again", str(answer))
            await self._clock.sleep(wait)

    async def post_once(self, body: bytes) -> bool:
        """Post without repeating; tell whether it was accepted."""
        answer = await self._post(body)
        is_accepted = isinstance(answer, Answer) and answer.is_accepted
        if not is_accepted:
            self.warn("metadata failed", str(answer))
        return is_accepted

    def warn(self, what: str, reason: object) -> None:
        """Log something about the remote, once a minute for each kind of thing."""
        now, last = self._clock.monotonic(), self._logged.get(what)
        if last is None or now - last >= LOG_SECONDS:
            self._logged[what] = now
            log.warning("remote write: %s remote=%s reason=%r", what, self._name, str(reason))

    async def _refuse(self, request: Request, answer: Answer) -> bool:
        for half in request.halves():
            await self.deliver(half)
        if not request.halves():
            self._failed.inc(request.samples)
            self.warn("samples given up", str(answer))
        return False

    async def _post(self, body: bytes) -> Answer | ScrapeError:
        started = self._clock.monotonic()
        try:
            return await self._poster.post(body)
        except ScrapeError as error:
            return error
        finally:
            self._seconds.observe(self._clock.monotonic() - started)


def backoff_seconds(
    attempts: int,
    queue: QueueConfig,
    random: Callable[[], float],
    answer: Answer | ScrapeError | None = None,
) -> float:
    """Return how long to wait before a request is repeated.

    It doubles, less a random part of up to a half; a remote that says when is not asked before.

    Args:
        attempts: that failed; at least 1.
        queue: between what and what.
        random: returns a number in [0, 1).
        answer: to the last one.

    Example:
        >>> [backoff_seconds(n, QueueConfig(), lambda: 0.0) for n in (1, 2, 3, 9, 5000)]
        [0.03, 0.06, 0.12, 5.0, 5.0]
        >>> backoff_seconds(1, QueueConfig(), lambda: 0.5, Answer(503, "", 7.0))
        7.0
    """
    doublings = min(attempts - 1, 40)  # a millisecond has become an age
    wait_ms: float = min(queue.max_backoff_ms, queue.min_backoff_ms * 2.0**doublings)
    asked = answer.retry_after_seconds if isinstance(answer, Answer) else None
    return max(wait_ms / 1000 * (1 - random() / 2), asked or 0.0)
