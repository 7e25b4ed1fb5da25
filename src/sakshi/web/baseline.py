"""`/api/v1/sakshi/baselines`: what indicators were, are and should become.

Recording and deleting change what is kept, so a page of another site must not have a browser do it:
an Origin, where there is one, must be the very host and port that is called. Programs send none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.kpi import (
    OVER_MS_MAX,
    OVER_MS_MIN,
    Baseline,
    BaselineNameError,
    Measurement,
    Meter,
    Origin,
    check_name,
    compare,
)
from sakshi.model.duration import format_duration
from sakshi.web.answer import success
from sakshi.web.baseline_view import view_baseline, view_comparison, view_indicator, view_values
from sakshi.web.errors import ApiError, ErrorKind
from sakshi.web.guard import refuse_other_sites
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters
from sakshi.web.services import Services

COMPARE_OVER_MS: Final = 3_600_000
RECORD_OVER_MS: Final = 86_400_000
TITLE_CHARACTERS_MAX: Final = 200  # a line

_TRUTHS: Final = {"": False, "false": False, "0": False, "true": True, "1": True}


async def baselines(services: Services, request: Request) -> Response:
    """Answer all indicators and baselines; POST records one and answers it."""
    if request.method == "POST":
        return await _record(services, request)
    found, faults = await asyncio.to_thread(services.baselines.folder.read_all)
    return success(
        {
            "indicators": [view_indicator(one) for one in services.baselines.indicators],
            "baselines": [view_baseline(baseline) for baseline in found],
        },
        warnings=faults,
    )


async def baseline(services: Services, request: Request) -> Response:
    """Answer one baseline with its values; DELETE forgets it and answers its name."""
    name, folder = request.path_params["name"], services.baselines.folder
    if request.method == "DELETE":
        refuse_other_sites(request)
        await asyncio.to_thread(folder.delete, name)
        return success({"name": name})
    return success(view_values(await asyncio.to_thread(folder.get, name)))


async def comparison(services: Services, request: Request) -> Response:
    """Answer how the indicators stand beside a baseline: `over` (1h), `time`, `timeout`."""
    parameters = await read_parameters(request)
    over_ms = _over_ms(parameters, COMPARE_OVER_MS)
    at_ms = parameters.time_ms("time", services.clock.now_ms())
    name = request.path_params["name"]
    found = await asyncio.to_thread(services.baselines.folder.get, name)
    measured, gaps = await _measure(services, at_ms, over_ms, parameters.timeout_seconds())
    compared = compare(found, services.baselines.indicators, measured, at_ms, over_ms)
    return success(view_comparison(compared), warnings=gaps)


async def _record(services: Services, request: Request) -> Response:
    """Record a baseline: `name`, `over` (24h), `time`, `title`, `replace`, `timeout`."""
    refuse_other_sites(request)
    parameters = await read_parameters(request)
    name, title, replace = _name(parameters), _title(parameters), _replace(parameters)
    over_ms = _over_ms(parameters, RECORD_OVER_MS)
    at_ms = _past_ms(parameters, services.clock.now_ms())
    folder = services.baselines.folder
    # Before anything is measured: a day's queries for nothing are a pity.
    await asyncio.to_thread(folder.check_recordable, name, replace=replace)
    measured, gaps = await _measure(services, at_ms, over_ms, parameters.timeout_seconds())
    reasons = [f"{name}: {one.reason}" for name, one in measured.items() if one.value is None]
    values = {name: one.value for name, one in measured.items() if one.value is not None}
    if not values:
        text = f"there is nothing to record: {reasons[0] if reasons else 'no indicators'}"
        raise ApiError(ErrorKind.EXECUTION, text)
    observations = {
        name: one.observations
        for name, one in measured.items()
        if one.observations is not None and name in values
    }
    recorded = Baseline(name, title, Origin.RECORDED, at_ms, over_ms, values, observations)
    await asyncio.to_thread(folder.record, recorded, replace=replace)
    return success(view_values(recorded), warnings=[*gaps, *reasons])


async def _measure(
    services: Services, at_ms: int, over_ms: int, timeout_seconds: float
) -> tuple[Mapping[str, Measurement], Sequence[str]]:
    """Return what the indicators are, and warnings about the period."""
    indicators, clock = services.baselines.indicators, services.clock
    interval_ms = max((target.interval_ms for target in services.targets()), default=0)
    meter = Meter(services.engine, clock)

    def measure(seconds: float) -> tuple[Mapping[str, Measurement], Sequence[str]]:
        deadline = clock.monotonic() + seconds
        gap = meter.find_gap(at_ms, over_ms, interval_ms, seconds)
        left = deadline - clock.monotonic()
        return meter.measure(indicators, at_ms, over_ms, left), [gap] if gap else []

    return await services.queries.run(measure, timeout_seconds)


def _over_ms(parameters: Parameters, default_ms: int) -> int:
    if not parameters.text("over"):
        return default_ms
    over_ms = int(parameters.duration_ms("over"))
    if not OVER_MS_MIN <= over_ms <= OVER_MS_MAX:
        bounds = f"from {format_duration(OVER_MS_MIN)} to {format_duration(OVER_MS_MAX)}"
        found = parameters.text("over")
        raise invalid_parameter("over", f'expected a period {bounds}, found "{found}"')
    return over_ms


def _past_ms(parameters: Parameters, now_ms: int) -> int:
    at_ms = parameters.time_ms("time", now_ms)
    if not 0 <= at_ms <= now_ms:
        found = parameters.text("time")
        raise invalid_parameter("time", f'expected a moment that has passed, found "{found}"')
    return at_ms


def _name(parameters: Parameters) -> str:
    try:
        return check_name(parameters.text("name"))
    except BaselineNameError as error:
        raise invalid_parameter("name", str(error)) from None


def _title(parameters: Parameters) -> str:
    title = parameters.text("title")
    if len(title) > TITLE_CHARACTERS_MAX or not title.isprintable():
        expected = f"at most {TITLE_CHARACTERS_MAX} printable characters"
        raise invalid_parameter("title", f"expected {expected}, found something else")
    return title


def _replace(parameters: Parameters) -> bool:
    text = parameters.text("replace").lower()
    if text not in _TRUTHS:
        raise invalid_parameter("replace", f'expected true or false, found "{text}"')
    return _TRUTHS[text]
