"""One query, asked of the evaluator and of a real Prometheus over the same samples.

A Prometheus before 3.0 has closed ranges. With it, every sample lies a fraction of a second beside
the moments that are asked, so that the edges of ranges are never met and both mean the same. From
3.0 on samples lie on the edges too: those of ranges and those of subqueries' steps. Other
differences are kept out by the data and the expressions: counters fall to a base far above zero,
sums do not cancel, what is ranked has no ties. Three are met and known (`_is_explained`,
`_take_turns`, `_without_turns`); docs/explanation/promql.md says why. From 3.5 on, the experimental
functions, arithmetic in durations and delayed metric-name removal are compared too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.peers import Prometheus
from tests.promql.service_samples import BESIDE_MS

from sakshi.promql import LocalEngine, QueryError, render_instant, render_range

START_MS = 1_700_000_000_000
INTERVAL_MS = 15_000
ROWS = 241  # an hour
RELATIVE_TOLERANCE = 1e-9
TIMES_TOLERANCE = 1e-6  # of deviations of seconds since 1970, which have half of their digits
_OF_TIMES = re.compile(r"ts_of_|timestamp\(|time\(\)")
EXP_MAX = 2**1023 * math.sqrt(2)  # e^709.436; the exponent of what is greater is rounded to 1024


@dataclass(frozen=True)
class Moments:
    """When instances are scraped and queries asked.

    Args:
        phases_ms: of each instance's samples after START_MS and every INTERVAL_MS from there.
        at: of instant queries, in seconds after START_MS.
        start: of range queries, likewise.
        end: likewise.
    """

    phases_ms: tuple[int, ...]
    at: int
    start: int
    end: int


STEP_SECONDS = 75  # a multiple of the interval: a sample that meets one step's edge meets them all
BESIDE = Moments(BESIDE_MS, at=3003, start=-177, end=3723)
ON_EDGES = Moments((0, 5_000, 10_000), at=3000, start=-180, end=3720)
"""The first instance meets every edge of a range, the last every step of a subquery: these stand
on multiples of their length since 1970, of which START_MS is none."""


@dataclass(frozen=True)
class Outcome:
    """What came of comparing one query; `difference` is empty where there is none."""

    query: str
    difference: str
    has_answer: bool


def compare(engine: LocalEngine, peer: Prometheus, query: str, moments: Moments) -> Outcome:
    """Return what came of asking both, at one moment and over a range."""
    at, start, end = (
        START_MS // 1000 + seconds for seconds in (moments.at, moments.start, moments.end)
    )
    step = STEP_SECONDS
    theirs = peer.instant(query, at)
    ours = _answer(lambda: render_instant(engine.instant(query, at * 1000)))
    difference = _difference(query, ours, theirs)
    if not difference:
        theirs = peer.range(query, start, end, step)
        ours = _answer(
            lambda: render_range(engine.range(query, start * 1000, end * 1000, step * 1000))
        )
        difference = "" if _take_turns(ours, theirs) else _difference(query, ours, theirs)
    return Outcome(query, difference, bool(theirs.get("data", {}).get("result")))


def _answer(ask: Callable[[], bytes]) -> dict[str, Any]:
    try:
        return {"status": "success", "data": json.loads(ask())}
    except QueryError as error:
        return {"status": "error", "error": str(error)}


def _difference(query: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Return in words how two responses differ; empty where they do not."""
    if ours["status"] != theirs["status"]:
        return f"ours: {str(ours)[:300]}\n  theirs: {str(theirs)[:300]}"
    if ours["status"] == "error":
        return ""
    if ours["data"]["resultType"] != theirs["data"]["resultType"]:
        return f"{ours['data']['resultType']} instead of {theirs['data']['resultType']}"
    left, right = _series(ours["data"]), _series(theirs["data"])
    if " or " in query:
        left = _without_turns(left, right)
    if set(left) != set(right):
        return f"ours only: {set(left) - set(right)}, theirs only: {set(right) - set(left)}"
    for labels, points in left.items():
        if list(points) != list(right[labels]):
            return f"{labels}: times {list(points)} instead of {list(right[labels])}"
        for time, value in points.items():
            if not _near(float(value), float(right[labels][time])) and not _is_explained(
                query, value, right[labels][time]
            ):
                return f"{labels} at {time}: {value} instead of {right[labels][time]}"
    return ""


def _series(data: dict[str, Any]) -> dict[str, dict[float, str]]:
    """Return the values of an answer by label set and time."""
    if data["resultType"] == "scalar":
        return {"": {data["result"][0]: data["result"][1]}}
    return {
        str(sorted(series["metric"].items())): dict(series.get("values", [series.get("value")]))
        for series in data["result"]
    }


def _without_turns(
    ours: dict[str, dict[float, str]], theirs: dict[str, dict[float, str]]
) -> dict[str, dict[float, str]]:
    """Return our series, less those that Prometheus has under another name, and at other times.

    Prometheus 3.5 takes series of `or` for one that are alike with their names, though one of them
    will lose it; which one it was at the first step decides for all.
    """
    joined = {labels: dict(points) for labels, points in ours.items()}
    for extra in ours.keys() - theirs.keys():
        for labels in theirs.keys() - {extra}:
            points = joined.get(labels, {})
            is_other = _nameless(labels) == _nameless(extra)
            if is_other and not points.keys() & joined[extra].keys():
                joined[labels] = dict(sorted((points | joined.pop(extra)).items()))
                break
    return joined


def _nameless(labels: str) -> str:
    return re.sub(r"\('__name__', '[^']*'\)(, )?", "", labels)


def _take_turns(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Tell whether Prometheus only refused series that became one and never meet at a step.

    Ours would be refused too if they met: then both are errors. Prometheus 3.5 looks at the series
    of a whole range query instead of at those of each step.
    """
    refusal = "vector cannot contain metrics with the same labelset"
    return ours["status"] == "success" and theirs.get("error") == refusal


def _is_explained(query: str, ours: str, theirs: str) -> bool:
    """Tell whether a difference is a change of Prometheus since 2.42, or an error of Go's.

    The deviation of a single infinite value is NaN since 2.53; it was 0. Go's `math.Exp` on amd64
    finds what is above EXP_MAX infinite.
    """
    is_deviation = "stddev" in query or "stdvar" in query
    if (
        is_deviation
        and _OF_TIMES.search(query)
        and math.isclose(float(ours), float(theirs), rel_tol=TIMES_TOLERANCE)
    ):
        return True
    is_exp = "exp(" in query and theirs == "+Inf" and EXP_MAX < float(ours) < math.inf
    return is_exp or (is_deviation and (ours, theirs) == ("NaN", "0"))


def _near(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE)
