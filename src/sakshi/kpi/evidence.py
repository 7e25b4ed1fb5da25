"""Gathers what is known of a KPI at one moment.

Nearly always that is what the rules have recorded: one query for all KPIs. Only where a value is
missing, or a target is silent, is a KPI looked at by itself, to find out why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sakshi.kpi.expression import aggregated_query, coverage_query, observations_query
from sakshi.kpi.kpi import VALUE_SERIES, Kpi
from sakshi.kpi.source import Source, find_sources, source_name
from sakshi.kpi.verdict import Evidence
from sakshi.model.labels import METRIC_NAME
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql import Expr, QueryEngine, QueryError, Scalar, Vector, parse_query
from sakshi.storage import Querier, is_gap

MEMORY_MS = 3_600_000
"""How far back a KPI's sources are looked for: what was silent for longer was never there."""

_UP = (Matcher(METRIC_NAME, MatchOperator.EQUAL, "up"),)


class Witness:
    """Gathers evidence. Blocking; one thread at a time.

    Args:
        engine: answers the KPIs' expressions.
        querier: tells when a series last had a sample.
        kpis: their windows filled in.
        recorded: the expressions of recording rules by the name that they record.
        silence_ms_max: how long nothing may come in before what is known is stale.
    """

    def __init__(
        self,
        engine: QueryEngine,
        querier: Querier,
        kpis: Sequence[Kpi],
        recorded: Mapping[str, Sequence[Expr]],
        silence_ms_max: int,
    ) -> None:
        self._engine, self._querier = engine, querier
        self._silence_ms_max = silence_ms_max
        self._sources = {kpi.name: find_sources(parse_query(kpi.expr), recorded) for kpi in kpis}

    def values(self, at_ms: int) -> Mapping[str, float]:
        """Return the values that the rules have recorded, by KPI name.

        Raises:
            QueryError: as `QueryEngine.instant`.
        """
        value = self._engine.instant(VALUE_SERIES, at_ms).value
        assert isinstance(value, Vector), "a selector is a vector"
        return {labels.get("kpi", ""): number for labels, number in value.at(0)}

    def observations(self, kpi: Kpi, at_ms: int) -> float | None:
        """Return how many observations a value rests on; None: not counted, or not to be known."""
        if not kpi.observations:
            return None
        try:
            found = self._values(observations_query(kpi), at_ms)
        except QueryError:
            return None
        return found[0] if found else 0.0

    def is_quiet(self, at_ms: int) -> bool:
        """Tell whether some target has not answered for too long, or none is known."""
        found = self._querier.select(_UP, at_ms - self._silence_ms_max, at_ms)
        return not found or any(not (columns.values == 1.0).any(axis=0).all() for columns in found)

    def examine(self, kpi: Kpi, at_ms: int) -> Evidence:
        """Return why a KPI has no value, or that it has one; several queries."""
        silent_ms, missing = self.find_silence(kpi, at_ms)
        try:
            values = self._values(aggregated_query(kpi), at_ms)
            return Evidence(
                value=values[0] if len(values) == 1 and not math.isnan(values[0]) else None,
                series=len(values),
                observations=self.observations(kpi, at_ms),
                applies=not kpi.condition or bool(self._values(kpi.condition, at_ms)),
                is_covered=not kpi.covered_by or bool(self._values(coverage_query(kpi), at_ms)),
                silent_ms=silent_ms,
                missing=missing,
            )
        except QueryError as error:
            return Evidence(silent_ms=silent_ms, error=str(error))

    def _values(self, query: str, at_ms: int) -> Sequence[float]:
        match self._engine.instant(query, at_ms).value:
            case Scalar(values):
                return [float(values[0])]
            case Vector() as vector:
                return [value for _, value in vector.at(0)]
            case _:
                return []

    def find_silence(self, kpi: Kpi, at_ms: int) -> tuple[int | None, Sequence[str]]:
        """Return how long a source has been silent, if that is too long, and which never spoke."""
        silent_ms, missing = None, []
        for source in self._sources[kpi.name]:
            newest_ms = self._find_newest(source, at_ms)
            if newest_ms is None:
                missing.append(source_name(source) or ",".join(map(str, source)))
            elif at_ms - newest_ms > self._silence_ms_max:
                silent_ms = max(silent_ms or 0, at_ms - newest_ms)
        return silent_ms, list(dict.fromkeys(missing))

    def _find_newest(self, source: Source, at_ms: int) -> int | None:
        """Return when any series of a selector last had a sample; None: not for an hour."""
        for age_ms in (self._silence_ms_max, MEMORY_MS):
            newest = [
                int(columns.timestamps[alive][-1])
                for columns in self._querier.select(source, at_ms - age_ms, at_ms)
                if (alive := ~is_gap(columns.values).all(axis=1)).any()
            ]
            if newest:
                return max(newest)
        return None
