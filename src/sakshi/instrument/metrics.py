"""The metrics of an AI messaging system, under the names of the monitoring strategy.

Idea: the strategy's metrics module, on prometheus_client. Every name, label and bucket edge of the
strategy is here; the limits of its KPIs are added as edges, so that "the share above 1,500 ms" is
a count and not an interpolation. Durations are in seconds, sizes in bytes, shares from 0 to 1.

The attributes are the metrics; the methods are what an application calls. None of them raises:
failures end in the `Shield`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar, cast

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)

from sakshi.instrument.component import ComponentSizes
from sakshi.instrument.event_loop import EventLoopWatch
from sakshi.instrument.family import LABEL_SETS_MAX, Family
from sakshi.instrument.pipeline import LayerTimer, PipelineRun, ProviderCall, WebSocketTurn
from sakshi.instrument.pool import ConnectionPools
from sakshi.instrument.resource_usage import ResourceCollector, ResourceReader
from sakshi.instrument.shield import Shield

Kind = TypeVar("Kind", Counter, Gauge, Histogram)

# Seconds. Each row: the strategy's buckets, then the KPI limits that they lack.
BUCKETS: Mapping[str, tuple[float, ...]] = {
    "consciousness_response_time_seconds": (0.1, 0.5, 1, 2, 5, 10, *(3,)),
    "consciousness_pipeline_duration_seconds": (0.1, 0.3, 0.5, 1, 2, 3, 5, *(1.5, 2.5, 4)),
    "ai_model_response_time_seconds": (0.1, 0.3, 0.5, 1, 2, 3, 5, *(0.6, 0.8, 1.2, 1.5, 2.5)),
    # Not in the strategy's module: powers around the KPI limits 0.1, 0.2 and 0.5.
    "websocket_message_processing_seconds": (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1),
    # Not in the strategy's module: the edges of the whole answer and of the pipeline.
    "websocket_turn_latency_seconds": (0.1, 0.3, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 10),
}


class Kinds(NamedTuple):
    """The classes that metrics are built from; a test passes ones that fail."""

    counter: type[Counter] = Counter
    gauge: type[Gauge] = Gauge
    histogram: type[Histogram] = Histogram


class _Absent:
    """Stands where a metric could not be built: takes every call and records nothing."""

    def labels(self, *values: str) -> _Absent:
        return self

    def inc(self, amount: float = 1) -> None: ...

    def dec(self, amount: float = 1) -> None: ...

    def observe(self, amount: float) -> None: ...


class Metrics:
    """Every metric of one application, registered once in one registry.

    Args:
        registry: where they are registered; prometheus_client's own by default.
        namespace: put before every name with an underscore; empty by default.
        thresholds: further bucket edges in seconds by metric name (without the namespace): the
            limits that the application is judged by.
        label_sets_max: how many label sets each labelled metric admits; then `__other__`.
        timer: seconds that never step back.
        resources: how CPU and memory of the service are read.
        kinds: the classes that metrics are built from.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        namespace: str = "",
        thresholds: Mapping[str, Iterable[float]] | None = None,
        label_sets_max: int = LABEL_SETS_MAX,
        timer: Callable[[], float] = time.perf_counter,
        resources: ResourceReader | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        self.shield = Shield()
        self.registry = registry
        self._timer = timer
        self._namespace = namespace
        self._thresholds = thresholds or {}
        self._label_sets_max = label_sets_max
        self._kinds = kinds or Kinds()
        self._register(self.shield)
        self._label_overflow = self._metric(
            self._kinds.counter,
            "sakshi_instrument_label_overflow_total",
            "Recordings beyond a metric's budget of label sets, kept under __other__.",
            ["metric"],
        )
        self._create_strategy_metrics()
        self._create_further_metrics()
        self._register_collectors(resources)

    # What applications call.

    def layer(self, name: str, user_id: str = "") -> LayerTimer:
        """Return a timer of one pipeline layer: `with` it, decorate with it, or call `end`."""
        return LayerTimer(self, name, user_id)

    def pipeline_run(self, user_id: str = "") -> PipelineRun:
        """Return a span for a whole pipeline run, observed once as layer="total"."""
        return PipelineRun(self, user_id)

    def provider_call(self, provider: str, model: str) -> ProviderCall:
        """Return a span for one call of an AI provider."""
        return ProviderCall(self, provider, model)

    def websocket_turn(self) -> WebSocketTurn:
        """Return a span for one message on a WebSocket, from its arrival to the last word."""
        return WebSocketTurn(self)

    def count_message(self, transport: str) -> None:
        """Count one message that was accepted over "http" or "websocket"."""
        self.increment(self.messages, transport)

    def websocket_opened(self) -> None:
        """Count one more open WebSocket; `MetricsMiddleware` does this by itself."""
        self._add(self.websocket_connections_gauge, 1)

    def websocket_closed(self) -> None:
        """Count one open WebSocket less."""
        self._add(self.websocket_connections_gauge, -1)

    @contextmanager
    def database_attempt(self) -> Iterator[None]:
        """Count the body as one attempt to get a connection: a failure where it raises."""
        try:
            yield
        except Exception:
            self.increment(self.database_attempts, "failure")
            raise
        self.increment(self.database_attempts, "success")

    def register_database_pool(self, read: Callable[[], tuple[int, int]]) -> None:
        """Expose a pool's connections; `read` returns how many are (active, idle) right now."""
        self._pools.add(read)

    def register_component(
        self, component: str, type: str, size_bytes: Callable[[], float]
    ) -> None:
        """Expose a component's memory; `size_bytes` is called at every scrape: keep it cheap."""
        self._components.add(component, type, size_bytes)

    def watch_event_loop(self) -> EventLoopWatch:
        """Measure the lag of the running event loop until `stop` is called on what is returned."""
        return EventLoopWatch(self.event_loop_lag, self.shield, self._timer)

    # What the spans and the middleware call.

    def now(self) -> float:
        """Return the timer's seconds; NaN, which is never observed, where the timer fails."""
        try:
            return self._timer()
        except Exception:
            self.shield.failed("timer")
            return math.nan

    def observe_since(self, started: float, family: Family[Histogram], *labels: str) -> None:
        """Observe the seconds since `started`, as `now` gave it."""
        self.observe(self.now() - started, family, *labels)

    def observe(self, seconds: float, family: Family[Histogram], *labels: str) -> None:
        """Observe a duration; nothing where it is NaN."""
        try:
            if seconds == seconds:  # NaN is the one number that is not itself
                family.child(*labels).observe(seconds)
        except Exception:
            self.shield.failed("observe")

    def increment(self, family: Family[Counter], *labels: str) -> None:
        """Add one to a counter."""
        try:
            family.child(*labels).inc()
        except Exception:
            self.shield.failed("increment")

    def expect(self, family: Family[Counter], *labels: str) -> None:
        """Let a counter start at 0, so that a rate sees its first increment."""
        try:
            family.child(*labels)
        except Exception:
            self.shield.failed("expect")

    # Construction.

    def _create_strategy_metrics(self) -> None:
        """Create the six metrics of the strategy's module."""
        self.response_time_histogram = self._histogram(
            "consciousness_response_time_seconds",
            "Response time for consciousness processing",
            ["endpoint", "method", "status"],
        )
        self.consciousness_processing_duration = self._histogram(
            "consciousness_pipeline_duration_seconds",
            "Time spent in consciousness processing pipeline",
            ["layer", "user_id"],
        )
        self.ai_model_response_time = self._histogram(
            "ai_model_response_time_seconds", "AI model response time", ["model", "provider"]
        )
        self._components = ComponentSizes(
            self._full_name("consciousness_memory_usage_bytes"), self.shield
        )
        self._register(self._components)
        self.websocket_connections_gauge = self._metric(
            self._kinds.gauge,
            "websocket_active_connections",
            "Number of active WebSocket connections",
        )
        # Exposes no series until a score with an honest definition is set.
        self.consciousness_coherence_gauge = self._family(
            self._kinds.gauge,
            "consciousness_coherence_score",
            "Current consciousness coherence score",
            ["user_id", "session_id"],
        )

    def _create_further_metrics(self) -> None:
        """Create what the strategy's rules and KPIs need beside its module."""
        self.pipeline_runs = self._counter(
            "consciousness_pipeline_runs_total", "Pipeline runs by outcome.", ["outcome"]
        )
        self.ai_requests = self._counter(
            "ai_requests_total", "Calls of AI providers.", ["provider", "model", "outcome"]
        )
        self.messages = self._counter(
            "consciousness_messages_total", "Messages accepted, by transport.", ["transport"]
        )
        self.database_attempts = self._counter(
            "database_connection_attempts_total",
            "Attempts to get a database connection.",
            ["outcome"],
        )
        for counter in (self.pipeline_runs, self.database_attempts):
            self.expect(counter, "success")
            self.expect(counter, "failure")
        for transport in ("http", "websocket"):
            self.expect(self.messages, transport)
        self.websocket_message_processing = self._histogram(
            "websocket_message_processing_seconds",
            "The WebSocket handler's own time per message, without pipeline and providers.",
        )
        self.websocket_turn_latency = self._histogram(
            "websocket_turn_latency_seconds", "From a WebSocket message to the end of its answer."
        )
        self.event_loop_lag = self._metric(
            self._kinds.gauge,
            "sakshi_event_loop_lag_seconds",
            "The longest delay of the event loop in the last 10 to 20 seconds.",
        )

    def _register_collectors(self, resources: ResourceReader | None) -> None:
        self._pools = ConnectionPools(self._full_name("database_connections"), self.shield)
        self._register(self._pools)
        self._register(
            ResourceCollector(self._namespace, resources or ResourceReader(), self.shield)
        )
        if self.registry is not REGISTRY:  # prometheus_client's own registry has one already
            self._register(ProcessCollector(registry=None))

    def _histogram(self, name: str, text: str, labels: Sequence[str] = ()) -> Family[Histogram]:
        try:
            edges = bucket_edges(BUCKETS[name], self._thresholds.get(name, ()))
        except Exception:
            self.shield.failed(f"thresholds:{name}")
            edges = bucket_edges(BUCKETS[name], ())
        return self._family(self._kinds.histogram, name, text, labels, buckets=edges)

    def _counter(self, name: str, text: str, labels: Sequence[str]) -> Family[Counter]:
        return self._family(self._kinds.counter, name, text, labels)

    def _family(
        self, kind: type[Kind], name: str, text: str, labels: Sequence[str], **options: Any
    ) -> Family[Kind]:
        metric = self._metric(kind, name, text, labels, **options)
        return Family(
            metric,
            labels,
            open_labels=("user_id", "session_id", "endpoint"),
            label_sets_max=self._label_sets_max,
            overflowed=lambda: self._count_overflow(name),
        )

    def _metric(
        self, kind: type[Kind], name: str, text: str, labels: Sequence[str] = (), **options: Any
    ) -> Kind:
        """Build and register a metric; where it cannot be built, one that records nothing."""
        try:
            metric = kind(name, text, labels, namespace=self._namespace, registry=None, **options)
        except Exception:
            self.shield.failed(f"build:{name}")
            return cast(Kind, _Absent())
        self._register(metric)
        return metric

    def _register(self, collector: Any) -> None:
        try:
            self.registry.register(collector)
        except Exception:
            self.shield.failed("register")

    def _count_overflow(self, name: str) -> None:
        self._label_overflow.labels(name).inc()

    def _add(self, gauge: Gauge, amount: int) -> None:
        try:
            gauge.inc(amount)
        except Exception:
            self.shield.failed("gauge")

    def _full_name(self, name: str) -> str:
        return f"{self._namespace}_{name}" if self._namespace else name


def bucket_edges(strategy: Iterable[float], thresholds: Iterable[float]) -> tuple[float, ...]:
    """Return the union of both, ascending, positive and finite.

    Example:
        >>> bucket_edges((0.1, 0.5, 1), [0.8, 0.5])
        (0.1, 0.5, 0.8, 1.0)
    """
    edges = {float(edge) for edge in (*strategy, *thresholds)}
    return tuple(sorted(edge for edge in edges if 0 < edge < math.inf))
