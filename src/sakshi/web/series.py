"""`/api/v1/series`, `/api/v1/labels`, `/api/v1/label/<name>/values`: what there is to query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.labels import Labels, is_name
from sakshi.model.matcher import Matcher
from sakshi.promql.errors import QueryError
from sakshi.promql.limit import DEFAULT_LIMITS, Budget
from sakshi.promql.parser import parse_selector
from sakshi.web.answer import success
from sakshi.web.errors import ApiError, ErrorKind
from sakshi.web.parameter import TIME_MS_MAX, Parameters, invalid_parameter, read_parameters
from sakshi.web.services import Services

SELECTORS_MAX: Final = 100  # each is a search of its own

_ESCAPE: Final = re.compile(r"_(?:_|([0-9a-fA-F]{1,5})_)")
_ESCAPED_NAME: Final = re.compile(rf"U__(?:[^_]|{_ESCAPE.pattern})*")


async def series(services: Services, request: Request) -> Response:
    """Answer the label sets of the chosen series: `match[]` (required), `start`, `end`, `limit`."""
    parameters = await read_parameters(request)
    if not parameters.texts("match[]"):
        raise ApiError(ErrorKind.BAD_DATA, "no match[] parameter provided")
    found = await _select(services, parameters)
    return _answer([dict(labels.pairs) for labels in sorted(found)], parameters)


async def label_names(services: Services, request: Request) -> Response:
    """Answer the names of the chosen series' labels: `match[]`, `start`, `end`, `limit`."""
    parameters = await read_parameters(request)
    found = await _select(services, parameters)
    return _answer(sorted({name for labels in found for name in labels}), parameters)


async def label_values(services: Services, request: Request) -> Response:
    """Answer the values of one label of the chosen series: `match[]`, `start`, `end`, `limit`."""
    name = unescape_name(request.path_params["name"])
    if not is_name(name):
        raise ApiError(ErrorKind.BAD_DATA, f'invalid label name: "{name}"')
    parameters = await read_parameters(request)
    found = await _select(services, parameters)
    values = {labels.get(name, "") for labels in found}
    return _answer(sorted(values - {""}), parameters)


def unescape_name(text: str) -> str:
    """Return the name that a path has, which may be escaped there: `U__service_2e_name`.

    What begins so and is not escaped is taken as it stands.

    Source:
        prometheus/common model/metric.go, UnescapeName

    Example:
        >>> unescape_name("U__service_2e_name"), unescape_name("U__a__b"), unescape_name("U__a_b")
        ('service.name', 'a_b', 'U__a_b')
    """
    if not _ESCAPED_NAME.fullmatch(text):
        return text
    return _ESCAPE.sub(_unescape, text.removeprefix("U__"))


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else "_"


async def _select(services: Services, parameters: Parameters) -> set[Labels]:
    """Return the label sets that meet any of the selectors; all where there is none."""
    start_ms = parameters.time_ms("start", -TIME_MS_MAX)
    end_ms = parameters.time_ms("end", TIME_MS_MAX)
    if end_ms < start_ms:
        raise invalid_parameter("end", "end timestamp must not be before start time")
    selectors = parse_selectors(parameters.texts("match[]"))
    parameters.limit()  # refused before the work is done

    def select(timeout_seconds: float) -> set[Labels]:
        budget = Budget(services.clock, DEFAULT_LIMITS, timeout_seconds)
        return set(_iter_series(services, selectors, start_ms, end_ms, budget))

    return await services.queries.run(select, parameters.timeout_seconds())


def _iter_series(
    services: Services,
    selectors: Sequence[Sequence[Matcher]],
    start_ms: int,
    end_ms: int,
    budget: Budget,
) -> Iterable[Labels]:
    for matchers in selectors or ((),):
        yield from services.querier.series(matchers, start_ms, end_ms, budget.watch)


def parse_selectors(texts: Sequence[str]) -> Sequence[Sequence[Matcher]]:
    """Return the matchers of each `match[]`.

    Raises:
        ApiError: one is no selector, or there are more than SELECTORS_MAX.
    """
    if len(texts) > SELECTORS_MAX:
        raise invalid_parameter(
            "match[]", f"expected at most {SELECTORS_MAX} selectors, found {len(texts)}"
        )
    try:
        return [parse_selector(text) for text in texts]
    except QueryError as error:
        raise invalid_parameter("match[]", str(error)) from None


def _answer(items: Sequence[object], parameters: Parameters) -> Response:
    limit = parameters.limit()
    if not limit or len(items) <= limit:
        return success(items)
    return success(items[:limit], warnings=["results truncated due to limit"])
