"""Timers for what an AI messaging system does: layers, whole runs, provider calls, WebSocket turns.

Each is a context manager; layers, runs and calls are decorators too, of functions and of coroutine
functions. None of them holds a `try`: what they call on `Metrics` never raises.

    with metrics.pipeline_run(user_id):
        with metrics.layer("memory", user_id): ...
        with metrics.provider_call("openai", "gpt-4o-mini"): ...

What is recorded when the body raises:

                        returns           raises Exception              cancelled
    layer               duration          duration                      duration
    run                 duration, success failure                       nothing
    provider call       duration, success failure (timeout: duration)   nothing

A run that failed is no completion, so it has no duration. A provider's quick refusal says nothing
of how fast it answers, so it has none either; a timeout has, or a hanging provider would look fast.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

if TYPE_CHECKING:
    from sakshi.instrument.metrics import Metrics

Function = TypeVar("Function", bound=Callable[..., Any])

WHOLE_RUN = "total"  # the layer under which a whole pipeline run is observed


class Span:
    """Something with a beginning and an end: `with` it, or decorate with it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._started = metrics.now()

    def fresh(self) -> Span:
        """Return a span of the same kind that has just begun: one for each decorated call."""
        raise NotImplementedError

    def finish(self, error: type[BaseException] | None) -> None:
        """Record the end; `error` is the type of what the body raised, if it did."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._started = self._metrics.now()
        return self

    def __exit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish(error)

    def __call__(self, function: Function) -> Function:
        """Return the function so that each of its calls is such a span."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: object, **kwargs: object) -> object:
                with self.fresh():
                    return await function(*args, **kwargs)

            return cast(Function, awaited)

        @functools.wraps(function)
        def called(*args: object, **kwargs: object) -> object:
            with self.fresh():
                return function(*args, **kwargs)

        return cast(Function, called)


class LayerTimer(Span):
    """Times one layer of the pipeline, from its creation to the first `end`."""

    def __init__(self, metrics: Metrics, layer: str, user_id: str) -> None:
        super().__init__(metrics)
        self._layer, self._user_id = layer, user_id
        self._ended = False

    def fresh(self) -> LayerTimer:
        """Return a timer for the same layer that starts now."""
        return LayerTimer(self._metrics, self._layer, self._user_id)

    def finish(self, error: type[BaseException] | None) -> None:
        """Record the layer's duration however it ended."""
        self.end()

    def end(self) -> None:
        """Observe the duration so far; later calls do nothing."""
        if self._ended:
            return
        self._ended = True
        duration = self._metrics.consciousness_processing_duration
        self._metrics.observe_since(self._started, duration, self._layer, self._user_id)


class PipelineRun(Span):
    """Times one whole run and counts its outcome."""

    def __init__(self, metrics: Metrics, user_id: str) -> None:
        super().__init__(metrics)
        self._user_id = user_id

    def fresh(self) -> PipelineRun:
        """Return a run of the same user that starts now."""
        return PipelineRun(self._metrics, self._user_id)

    def finish(self, error: type[BaseException] | None) -> None:
        """Record success with its duration, or failure; nothing where the run was cancelled."""
        metrics = self._metrics
        if error is None:
            duration = metrics.consciousness_processing_duration
            metrics.observe_since(self._started, duration, WHOLE_RUN, self._user_id)
            metrics.increment(metrics.pipeline_runs, "success")
        elif issubclass(error, Exception):
            metrics.increment(metrics.pipeline_runs, "failure")


class ProviderCall(Span):
    """Times one call of an AI provider and counts its outcome."""

    def __init__(self, metrics: Metrics, provider: str, model: str) -> None:
        super().__init__(metrics)
        self._provider, self._model = provider, model
        metrics.expect(metrics.ai_requests, provider, model, "success")
        metrics.expect(metrics.ai_requests, provider, model, "failure")

    def fresh(self) -> ProviderCall:
        """Return a call of the same provider that starts now."""
        return ProviderCall(self._metrics, self._provider, self._model)

    def finish(self, error: type[BaseException] | None) -> None:
        """Record the outcome; the duration only where the provider answered or timed out."""
        metrics = self._metrics
        if error is None or issubclass(error, TimeoutError):
            duration = metrics.ai_model_response_time
            metrics.observe_since(self._started, duration, self._model, self._provider)
        if error is None or issubclass(error, Exception):
            outcome = "success" if error is None else "failure"
            metrics.increment(metrics.ai_requests, self._provider, self._model, outcome)


class WebSocketTurn:
    """Times one message on a WebSocket: the whole turn, and the handler's own part of it.

    What is spent in `away()` (the pipeline, the providers) belongs to the turn's latency but not to
    the handler's processing time.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._started = metrics.now()
        self._away_seconds = 0.0

    @contextmanager
    def away(self) -> Iterator[None]:
        """Leave the handler's own time while the body runs."""
        left = self._metrics.now()
        try:
            yield
        finally:
            self._away_seconds += self._metrics.now() - left

    def __enter__(self) -> Self:
        self._started = self._metrics.now()
        return self

    def __exit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and not issubclass(error, Exception):
            return
        metrics = self._metrics
        own_start = self._started + self._away_seconds
        metrics.observe_since(self._started, metrics.websocket_turn_latency)
        metrics.observe_since(own_start, metrics.websocket_message_processing)
