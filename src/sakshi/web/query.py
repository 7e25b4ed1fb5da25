"""`/api/v1/query` and `/api/v1/query_range`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.duration import format_duration
from sakshi.promql.engine import QueryResult, Samples, Vector
from sakshi.promql.json import render_instant, render_range
from sakshi.promql.limit import DEFAULT_LIMITS, Budget
from sakshi.promql.local import LOOKBACK_MS
from sakshi.storage import SeriesList
from sakshi.web.answer import success_encoded
from sakshi.web.errors import ApiError, ErrorKind
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters, required_query
from sakshi.web.query_timer import QueryTimer
from sakshi.web.services import Services

POINTS_MAX: Final = 11_000  # a series: a point a minute for a week, or an hour for a year


async def instant(services: Services, request: Request) -> Response:
    """Answer an instant query: `query`, `time`, `timeout`, `limit`, `lookback_delta`, `stats`."""
    parameters = await read_parameters(request)
    query = required_query(parameters)
    at_ms = parameters.time_ms("time", services.clock.now_ms())
    limit = parameters.limit()
    _check_lookback(parameters)
    timer = QueryTimer(services.clock)

    def evaluate(timeout_seconds: float) -> tuple[QueryResult, bytes]:
        timer.begin()
        budget = Budget(services.clock, DEFAULT_LIMITS, timeout_seconds)
        result = services.engine.instant(query, at_ms, timeout_seconds=timeout_seconds)
        timer.end()
        result = _truncate(result, limit)
        return result, render_instant(result, budget.write)

    result, data = await services.queries.run(evaluate, parameters.timeout_seconds())
    if parameters.text("stats"):
        data = timer.add_to(data)
    return success_encoded(data, warnings=result.warnings, infos=result.infos)


async def range_(services: Services, request: Request) -> Response:
    """Answer a range query.

    Parameters: `query`, `start`, `end`, `step`, `timeout`, `limit`, `lookback_delta`, `stats`.
    """
    parameters = await read_parameters(request)
    start_ms, end_ms, step_ms = _steps(parameters)
    query = required_query(parameters)
    limit = parameters.limit()
    _check_lookback(parameters)
    timer = QueryTimer(services.clock)

    def evaluate(timeout_seconds: float) -> tuple[QueryResult, bytes]:
        timer.begin()
        budget = Budget(services.clock, DEFAULT_LIMITS, timeout_seconds)
        result = services.engine.range(
            query, start_ms, end_ms, step_ms, timeout_seconds=timeout_seconds
        )
        timer.end()
        result = _truncate(result, limit)
        return result, render_range(result, budget.write)

    result, data = await services.queries.run(evaluate, parameters.timeout_seconds())
    if parameters.text("stats"):
        data = timer.add_to(data)
    return success_encoded(data, warnings=result.warnings, infos=result.infos)


def _check_lookback(parameters: Parameters) -> None:
    """Refuse a lookback that is not the engine's: it has one."""
    if not parameters.text("lookback_delta"):
        return
    if parameters.duration_ms("lookback_delta") != LOOKBACK_MS:
        found = parameters.text("lookback_delta")
        expected = f"expected {format_duration(LOOKBACK_MS)}, the only one that there is"
        raise invalid_parameter("lookback_delta", f'{expected}, found "{found}"')


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
