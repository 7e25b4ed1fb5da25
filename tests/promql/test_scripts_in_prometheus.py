"""The scripts' figures, compared with a real Prometheus.

Debian's Prometheus is older than 3.0: its ranges are closed, [t - range, t]. It is asked a
millisecond later, which shuts a sample on the left edge out as (t - range, t] does, and is right
but for that millisecond: hence the tolerance. What a script marks as unlike it is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from tests.peers import Prometheus, PrometheusPeer
from tests.promql.script import Answer, Case, Load, expected_answer, iter_cases
from tests.promql.test_scripts import SCRIPTS

from sakshi.model.labels import Labels
from sakshi.storage import ABSENT, is_absent, is_stale

TOLERANCE = 2e-3

pytestmark = pytest.mark.slow


def _groups() -> Iterable[Any]:
    """Yield the evaluations of each script that see the same samples, with these samples."""
    for path in SCRIPTS:
        groups: dict[int, list[Case]] = {}
        for case in iter_cases(path):
            groups.setdefault(id(case.loads[-1]), []).append(case)
        for cases in groups.values():
            if not _has_stale(cases[0].loads):
                yield pytest.param(cases, id=f"{path.name}:{cases[0].evaluation.line}")


def _has_stale(loads: Iterable[Load]) -> bool:
    """Tell whether samples end with a stale marker, which OpenMetrics cannot express."""
    return any(
        bool(is_stale(np.array(values)).any()) for load in loads for _, values in load.series
    )


@pytest.mark.parametrize("cases", list(_groups()))
def test_prometheus_answers_as_the_scripts_say(
    cases: list[Case], prometheus: PrometheusPeer
) -> None:
    """What a script states is what Prometheus answers to the same query over the same samples."""
    with prometheus.serving(_open_metrics(cases[0].loads)) as peer:
        for case in cases:
            if not case.evaluation.is_unlike:
                _compare(case, peer)


def _open_metrics(loads: Iterable[Load]) -> str:
    lines = [
        f"{_exposed(labels)} {value} {index * load.interval_ms / 1000:.3f}"
        for load in loads
        for labels, values in load.series
        for index, value in enumerate(values)
        if not is_absent(np.array([value])).any()
    ]
    return "\n".join([*lines, "# EOF\n"])


def _exposed(labels: Labels) -> str:
    """Return a label set as expositions write it."""
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.without_name().items())
    return f"{labels.name}{{{pairs}}}"


def _compare(case: Case, peer: Prometheus) -> None:
    evaluation = case.evaluation
    late = 0.001
    start, end = evaluation.start_ms / 1000 + late, evaluation.end_ms / 1000 + late
    if evaluation.step_ms is None:
        body = peer.instant(evaluation.query, start)
    else:
        body = peer.range(evaluation.query, start, end, evaluation.step_ms / 1000)
    if evaluation.expects("fail"):
        assert body["status"] == "error", evaluation
        return
    assert body["status"] == "success", body
    expected = expected_answer(evaluation)
    steps = len(next(iter(expected.values()), []))
    found = _answer(body["data"], start, (evaluation.step_ms or 0) / 1000, steps)
    assert set(found) == set(expected), evaluation
    for labels, values in expected.items():
        for wanted, value in zip(values, found[labels], strict=True):
            assert _near(wanted, value), (evaluation, labels, values, found[labels])
    if evaluation.expects("ordered"):
        assert list(found) == list(expected)


def _answer(data: dict[str, Any], start: float, step: float, steps: int) -> Answer:
    """Return the data of a response as a script's answer."""
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return {None: [float(result[1])]}
    answer: Answer = {}
    for series in result:
        if kind == "vector":
            values = [float(series["value"][1])]
        elif step:
            values = [ABSENT] * steps
            for time, value in series["values"]:
                values[round((time - start) / step)] = float(value)
        else:
            values = [float(value) for _, value in series["values"]]
        answer[Labels(series["metric"])] = values
    return answer


def _near(wanted: float, value: float) -> bool:
    holes = is_absent(np.array([wanted, value]))
    if holes.any():
        return bool(holes.all())
    if math.isnan(wanted):
        return math.isnan(value)
    return math.isclose(wanted, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
