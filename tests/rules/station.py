"""Rules at work without a network: a real store, engine and ledger, and a clock moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import yaml
from tests.conftest import FakeClock
from tests.promql.notation import parse_labels

from sakshi.ledger import SqliteLedger
from sakshi.model.alert import Alert, Transition
from sakshi.model.duration import parse_duration
from sakshi.model.labels import Labels
from sakshi.promql.engine import Vector
from sakshi.promql.local import LocalEngine, LocalPassEngine
from sakshi.promql.parser import parse_query
from sakshi.rules import AlertingRule, RecordingRule, Rule, RuleGroup, RuleManager
from sakshi.rules.expansion import External
from sakshi.rules.group import GroupEvaluator
from sakshi.rules.metrics import RuleMetrics
from sakshi.storage import SeriesColumns
from sakshi.storage.memory import MemoryStore

MINUTE_MS = 60_000


class InlineExecutor(Executor):
    """Runs work at once, on the caller's thread: nothing to wait for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Station:
    """One sakshi's storage, engine and ledger. `restart` forgets all but what is durable."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.path, self.clock = path, clock
        self.store = MemoryStore()
        self.engine = LocalPassEngine(LocalEngine(self.store, clock))
        self.ledger = SqliteLedger(path, lambda _: (), clock)
        self.feed = self.store.target(Labels({"job": "feed"}))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ledger.close()

    def expose(self, samples: Mapping[str, float], at_ms: int | None = None) -> None:
        """Append samples, by series as PromQL writes them, at a moment: now by default."""
        series = [parse_labels(text) for text in samples]
        columns = self.feed.columns(series)
        moment = self.clock.now_ms() if at_ms is None else at_ms
        self.feed.append(moment, columns, np.array(list(samples.values()), dtype=np.float64))

    def evaluator(self, group: RuleGroup, external: External = External()) -> GroupEvaluator:  # noqa: B008  # immutable
        """Return a group at work, with the alerts that the ledger remembers."""
        restored: dict[str, list[Alert]] = {}
        for alert in self.ledger.load_alerts():
            restored.setdefault(alert.rule_id, []).append(alert)
        return GroupEvaluator(
            group,
            self.engine,
            self.store,
            self.ledger,
            self.clock,
            external,
            RuleMetrics(None),
            restored,
        )

    def manager(self, *groups: RuleGroup, **options: Any) -> RuleManager:
        """Return a manager that works on the caller's thread."""
        return RuleManager(
            groups,
            self.engine,
            self.store,
            self.ledger,
            self.clock,
            executor=InlineExecutor(),
            **options,
        )

    def reopen_ledger(self) -> None:
        """Read the ledger's file again, as a new process does."""
        self.ledger.close()
        self.ledger = SqliteLedger(self.path, lambda _: (), self.clock)

    def query(self, text: str, at_ms: int | None = None) -> dict[str, float]:
        """Return an instant vector by series as PromQL writes them."""
        moment = self.clock.now_ms() if at_ms is None else at_ms
        value = self.engine.instant(text, moment).value
        assert isinstance(value, Vector)
        return {str(labels): number for labels, number in value.at()}

    def raw(self, name: str) -> list[SeriesColumns]:
        """Return all samples of a metric, stale markers included."""
        return list(self.store.select(parse_matchers(name), 0, 1 << 50))


def parse_matchers(selector: str) -> Any:
    return parse_query(selector).matchers  # type: ignore[attr-defined]  # a selector has them


def alerting(name: str, query: str, **options: Any) -> AlertingRule:
    return AlertingRule(name, query, parse_query(query), **options)


def recording(name: str, query: str, **options: Any) -> RecordingRule:
    return RecordingRule(name, query, parse_query(query), **options)


def group(
    *rules: Rule, name: str = "group", interval_ms: int = MINUTE_MS, **options: Any
) -> RuleGroup:
    return RuleGroup(name, "rules.yml", interval_ms, rules, **options)


def read_groups(path: Path) -> list[RuleGroup]:
    """Return the groups of a rule file that promtool accepts."""
    document = yaml.safe_load(path.read_text())
    return [
        RuleGroup(
            entry["name"], path.name, MINUTE_MS, [_read_rule(rule) for rule in entry["rules"]]
        )
        for entry in document["groups"]
    ]


def _read_rule(entry: Mapping[str, Any]) -> Rule:
    labels = entry.get("labels", {})
    if "record" in entry:
        return recording(entry["record"], entry["expr"], labels=labels)
    return alerting(
        entry["alert"],
        entry["expr"],
        hold_ms=parse_duration(entry.get("for", "0")),
        keep_firing_ms=parse_duration(entry.get("keep_firing_for", "0")),
        labels=labels,
        annotations=entry.get("annotations", {}),
    )


def states(alerts: Iterable[Alert]) -> dict[str, str]:
    """Return the states of alerts by their labels."""
    return {str(alert.labels): alert.state.value for alert in alerts}


def steps(transitions: Sequence[Transition]) -> list[str]:
    """Return transitions as `pending -> firing`."""
    return [f"{change.previous.value} -> {change.alert.state.value}" for change in transitions]


def without_values(alerts: Iterable[Alert]) -> list[Alert]:
    """Return alerts for a comparison, in an order of their own."""
    known = [replace(alert, value=0.0) for alert in alerts]
    return sorted(known, key=lambda alert: (alert.rule_id, alert.labels))
