from __future__ import annotations

import numpy as np
import pytest

from sakshi.kpi import Kpi, Verdict, parse_limit, read_kpi
from sakshi.model.labels import Labels
from sakshi.promql.engine import QueryResult, Scalar, Text, Vector
from sakshi.storage import SeriesList

AT_MS = 1_700_000_000_000


class AnsweringEngine:
    """Answers every instant query with one value."""

    def __init__(self, value: Scalar | Text | Vector) -> None:
        self.value = value
        self.asked: list[tuple[str, int]] = []

    def instant(
        self, query: str, at_ms: int, *, timeout_seconds: float | None = None
    ) -> QueryResult:
        self.asked.append((query, at_ms))
        return QueryResult(np.array([at_ms]), self.value)

    def range(
        self,
        query: str,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        timeout_seconds: float | None = None,
    ) -> QueryResult:
        raise AssertionError("a KPI is read at one moment")


def vector(*values: float) -> Vector:
    series = SeriesList([Labels({"n": str(index)}) for index in range(len(values))])
    return Vector(series, np.array([values], dtype=np.float64))


def kpi(**limits: str) -> Kpi:
    parsed = {name: parse_limit(text, "") for name, text in limits.items()}
    return Kpi("k", "g", "K", "m", "sum(m)", **parsed)  # type: ignore[arg-type] # names of limits


@pytest.mark.parametrize(
    ("value", "limits", "expected", "verdict"),
    [
        pytest.param(vector(5), {"critical": ">9"}, 5.0, Verdict.OK, id="one series"),
        pytest.param(
            vector(5, 10), {"critical": ">9"}, 10.0, Verdict.CRITICAL, id="the largest counts"
        ),
        pytest.param(
            vector(5, 10), {"warning": "<6"}, 5.0, Verdict.WARNING, id="the smallest counts"
        ),
        pytest.param(
            vector(5, 10), {"target": "<6"}, 10.0, Verdict.OFF_TARGET, id="a target alone"
        ),
        pytest.param(vector(), {"critical": ">9"}, None, Verdict.NO_DATA, id="no series"),
        pytest.param(vector(float("nan")), {"critical": ">9"}, None, Verdict.NO_DATA, id="0 / 0"),
        pytest.param(
            vector(float("nan"), 10),
            {"critical": ">9"},
            10.0,
            Verdict.CRITICAL,
            id="NaN hides none",
        ),
        pytest.param(Scalar(np.array([7.0])), {"critical": ">9"}, 7.0, Verdict.OK, id="a scalar"),
        pytest.param(Text("seven"), {"critical": ">9"}, None, Verdict.NO_DATA, id="a text"),
    ],
)
def test_reading_is_the_worst_series_judged(
    value: Scalar | Text | Vector,
    limits: dict[str, str],
    expected: float | None,
    verdict: Verdict,
) -> None:
    """Of several series the worst counts, on the side on which the limits are; NaN is no value."""
    engine = AnsweringEngine(value)

    reading = read_kpi(engine, kpi(**limits), AT_MS)

    assert (reading.value, reading.verdict, reading.at_ms) == (expected, verdict, AT_MS)
    assert engine.asked == [("sum(m)", AT_MS)]
