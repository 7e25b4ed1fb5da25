"""`/api/v1/query` and `/api/v1/query_range`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypedDict

from starlette.requests import Request
from starlette.responses import Response

from sakshi.promql.engine import QueryResult, Samples, Vector
from sakshi.promql.json import render_instant, render_range
from sakshi.promql.limit import DEFAULT_LIMITS, Budget
from sakshi.storage import SeriesList
from sakshi.web.answer import success_encoded
from sakshi.web.errors import ApiError, ErrorKind
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters, required_query
from sakshi.web.query_statistics import PER_STEP, QueryTimer, add_statistics
from sakshi.web.services import Services

POINTS_MAX: Final = 11_000  # a series: a point a minute for a week, or an hour for a year


async def instant(services: Services, request: Request) -> Response:
    """Answer an instant query: `query`, `time`, `timeout`, `limit`, `lookback_delta`, `stats`."""
    parameters = await read_parameters(request)
    query = required_query(parameters)
    at_ms = parameters.time_ms("time", services.clock.now_ms())
    limit = parameters.limit()
    options = _read_options(parameters)
    timer = QueryTimer(services.clock)

    def evaluate(timeout_seconds: float) -> tuple[QueryResult, bytes]:
        timer.begin()
        budget = Budget(services.clock, DEFAULT_LIMITS, timeout_seconds)
        result = services.engine.instant(query, at_ms, timeout_seconds=timeout_seconds, **options)
        timer.end()
        result = _truncate(result, limit)
        return result, render_instant(result, budget.write)

    result, data = await services.queries.run(evaluate, parameters.timeout_seconds())
    if stats := parameters.text("stats"):
        data = add_statistics(data, timer, result, per_step=stats == PER_STEP)
    return success_encoded(data, warnings=result.warnings, infos=result.infos)


async def range_(services: Services, request: Request) -> Response:
    """Answer a range query.

    Parameters: `query`, `start`, `end`, `step`, `timeout`, `limit`, `lookback_delta`, `stats`.
    """
    parameters = await read_parameters(request)
    start_ms, end_ms, step_ms = _steps(parameters)
    query = required_query(parameters)
    limit = parameters.limit()
    options = _read_options(parameters)
    timer = QueryTimer(services.clock)

    def evaluate(timeout_seconds: float) -> tuple[QueryResult, bytes]:
        timer.begin()
        budget = Budget(services.clock, DEFAULT_LIMITS, timeout_seconds)
        result = services.engine.range(
            query, start_ms, end_ms, step_ms, timeout_seconds=timeout_seconds, **options
        )
        timer.end()
        result = _truncate(result, limit)
        return result, render_range(result, budget.write)

    result, data = await services.queries.run(evaluate, parameters.timeout_seconds())
    if stats := parameters.text("stats"):
        data = add_statistics(data, timer, result, per_step=stats == PER_STEP)
    return success_encoded(data, warnings=result.warnings, infos=result.infos)


class _Options(TypedDict):
    """What a request asks of the engine beside its answer."""

    lookback_ms: int | None
    counts_samples: bool


def _read_options(parameters: Parameters) -> _Options:
    """Return `lookback_delta`, zero and less being the engine's own, and whether `stats` counts."""
    lookback_ms = 0
    if parameters.text("lookback_delta"):
        lookback_ms = int(parameters.duration_ms("lookback_delta"))
    return {
        "lookback_ms": lookback_ms if lookback_ms > 0 else None,
        "counts_samples": bool(parameters.text("stats")),
    }


def _steps(parameters: Parameters) -> tuple[int, int, int]:
    """Return start, end (inclusive) and step in milliseconds."""
    start_ms = parameters.time_ms("start")
    end_ms = parameters.time_ms("end")
    if end_ms < start_ms:
        raise invalid_parameter("end", "end timestamp must not be before start time")
    step_ms = int(parameters.duration_ms("step"))
    if step_ms <= 0:
        raise invalid_parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. "
            "Try a positive integer",
        )
    if (end_ms - start_ms) // step_ms > POINTS_MAX:
        raise ApiError(
            ErrorKind.BAD_DATA,
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)",
        )
    return start_ms, end_ms, step_ms


def _truncate(result: QueryResult, limit: int) -> QueryResult:
    """Return the result with at most `limit` series, and a warning where some were left out.

    A limit of 0 is none.
    """
    value = result.value
    if not limit or not isinstance(value, Vector | Samples) or len(value.series) <= limit:
        return result
    warnings = (*result.warnings, "results truncated due to limit")
    if isinstance(value, Samples):
        return replace(result, value=Samples(value.series[:limit]), warnings=warnings)
    kept = Vector(
        SeriesList(value.series[:limit]),
        value.values[:, :limit],
        None if value.present is None else value.present[:, :limit],
    )
    return replace(result, value=kept, warnings=warnings)
