"""Judges all KPIs, again and again, and remembers since when each verdict holds.

    rules' pass ──▶ recorded values ─────┬─▶ ruling ─┬─▶ judgements: page, API, terminal
                    (one query)          │           └─▶ sakshi_kpi_verdict, ..._since_seconds
                    no value, or a ──────┘
                    silent target: examined by itself

Verdicts are recorded as series, so that they have a history and outlive a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sakshi.kpi.evidence import MEMORY_MS, Witness
from sakshi.kpi.kpi import Kpi
from sakshi.kpi.verdict import Evidence, Judgement, Ruling, Verdict, judge
from sakshi.model.duration import format_duration
from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.promql import QueryEngine, QueryError, Vector
from sakshi.storage import Appender, StorageError

VERDICT_SERIES: Final = "sakshi_kpi_verdict"
SINCE_SERIES: Final = "sakshi_kpi_verdict_since_seconds"
TURNS_MAX: Final = 20  # KPIs a pass that are looked at closer: it costs queries, and changes slowly

_NOT_YET: Final = Ruling(Verdict.NO_DATA, "not judged yet")
_JUDGED: Final = frozenset({Verdict.OK, Verdict.OFF_TARGET, Verdict.WARNING, Verdict.CRITICAL})

logger = logging.getLogger(__name__)


class Turns:
    """KPIs that take turns: those that waited longest come first."""

    def __init__(self, kpis: Sequence[Kpi]) -> None:
        self._waiting = list(kpis)

    def take(self, is_wanted: Callable[[Kpi], bool]) -> Sequence[Kpi]:
        """Return the next TURNS_MAX of those that are wanted."""
        chosen = [kpi for kpi in self._waiting if is_wanted(kpi)][:TURNS_MAX]
        names = {kpi.name for kpi in chosen}
        self._waiting = [kpi for kpi in self._waiting if kpi.name not in names] + chosen
        return chosen


class Judge:
    """Judges KPIs. `judge` runs on one thread at a time; `judgements` may be read from any.

    Args:
        kpis: their windows filled in.
        witness: gathers the evidence.
        engine: knows the verdicts recorded before a restart.
        appender: takes the verdicts.
        file: that the KPIs stand in.
    """

    def __init__(
        self,
        kpis: Sequence[Kpi],
        witness: Witness,
        engine: QueryEngine,
        appender: Appender,
        file: str,
    ) -> None:
        self._kpis = kpis
        self._witness, self._engine = witness, engine
        self._target = appender.target(Labels({"rule_group": f"{file};kpi_verdicts"}))
        self._columns = self._target.columns(
            [
                Labels({METRIC_NAME: name, "kpi": kpi.name})
                for name in (VERDICT_SERIES, SINCE_SERIES)
                for kpi in kpis
            ]
        )
        self._examined: dict[str, Evidence] = {}
        self._observations: dict[str, float | None] = {}
        self._unexamined, self._uncounted = Turns(kpis), Turns(kpis)
        self._is_restored = False
        self._is_failing = False
        self.judgements: Sequence[Judgement] = [Judgement(kpi, _NOT_YET, 0) for kpi in kpis]
        """The newest, in the order of the KPIs; replaced, never changed."""

    def judge(self, at_ms: int) -> None:
        """Judge all KPIs at a moment, and record the verdicts. Blocks on queries."""
        if not self._kpis:
            return
        try:
            previous = self.judgements if self._is_restored else self._restore(at_ms)
            self._is_restored = True
            values = self._witness.values(at_ms)
        except QueryError as error:
            self._note_failure(error)
            return
        self._look_closer(values, at_ms)
        self.judgements = [self._judge_one(before, values, at_ms) for before in previous]
        self._record(at_ms)

    def _judge_one(self, before: Judgement, values: Mapping[str, float], at_ms: int) -> Judgement:
        kpi = before.kpi
        evidence = self._evidence(kpi, values.get(kpi.name))
        ruling = judge(kpi, evidence, before.verdict)
        is_same = ruling.verdict is before.verdict and before.since_ms is not None
        is_stale = ruling.verdict is Verdict.STALE
        return replace(
            before,
            ruling=ruling,
            at_ms=at_ms,
            since_ms=before.since_ms if is_same else at_ms,
            value=before.value if is_stale and evidence.value is None else evidence.value,
            observations=evidence.observations,
            kept=ruling.verdict if ruling.verdict in _JUDGED else before.kept,
        )

    def _evidence(self, kpi: Kpi, value: float | None) -> Evidence:
        """Return what is known of a KPI: what was recorded, and what a closer look found."""
        examined = self._examined.get(kpi.name)
        if value is None:
            return examined or Evidence(series=0)
        silent_ms = None if examined is None else examined.silent_ms
        return Evidence(value, observations=self._observations.get(kpi.name), silent_ms=silent_ms)

    def _look_closer(self, values: Mapping[str, float], at_ms: int) -> None:
        """Examine KPIs that need it, and count observations: a few in each pass, in turn."""
        is_quiet = self._witness.is_quiet(at_ms)
        needing = {kpi.name for kpi in self._kpis if is_quiet or kpi.name not in values}
        self._examined = {name: found for name, found in self._examined.items() if name in needing}
        for kpi in self._unexamined.take(lambda kpi: kpi.name in needing):
            self._examined[kpi.name] = self._witness.examine(kpi, at_ms)
        for kpi in self._uncounted.take(lambda kpi: bool(kpi.observations)):
            self._observations[kpi.name] = self._witness.observations(kpi, at_ms)

    def _restore(self, at_ms: int) -> Sequence[Judgement]:
        """Return the judgements that were recorded before a restart."""
        codes = self._last(VERDICT_SERIES, at_ms)
        since = self._last(SINCE_SERIES, at_ms)
        return [
            replace(
                judgement,
                ruling=Ruling(verdict := Verdict.of_code(codes[name])),
                since_ms=round(since[name] * 1000),
                kept=verdict if verdict in _JUDGED else judgement.kept,
            )
            if (name := judgement.kpi.name) in codes and name in since
            else judgement
            for judgement in self.judgements
        ]

    def _last(self, name: str, at_ms: int) -> Mapping[str, float]:
        query = f"last_over_time({name}[{format_duration(MEMORY_MS)}])"
        value = self._engine.instant(query, at_ms).value
        assert isinstance(value, Vector), "last_over_time yields a vector"
        return {labels.get("kpi", ""): number for labels, number in value.at(0)}

    def _record(self, at_ms: int) -> None:
        codes = [float(judgement.verdict.code) for judgement in self.judgements]
        since = [(judgement.since_ms or at_ms) / 1000 for judgement in self.judgements]
        try:
            self._target.append(at_ms, self._columns, np.array(codes + since))
        except StorageError as error:
            self._note_failure(error)
        else:
            self._is_failing = False

    def _note_failure(self, error: Exception) -> None:
        """Log the first failure of a run of them."""
        if not self._is_failing:
            logger.warning("KPIs not judged error=%r", str(error))
        self._is_failing = True
