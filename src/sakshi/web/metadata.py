"""`/api/v1/metadata`, `/api/v1/targets/metadata`, `/api/v1/query_exemplars`: what targets tell."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from sakshi.exposition import Exemplar
from sakshi.model.labels import EMPTY_LABELS
from sakshi.model.matcher import matches_all
from sakshi.promql.ast import VectorSelector, iter_nodes
from sakshi.promql.errors import QueryError
from sakshi.promql.number import format_sample
from sakshi.promql.parser import parse_query, parse_selector
from sakshi.web.answer import success
from sakshi.web.description import MetricDescription, SeriesExemplars
from sakshi.web.parameter import TIME_MS_MAX, invalid_parameter, read_parameters, required_query
from sakshi.web.services import Services


async def metadata(services: Services, request: Request) -> Response:
    """Answer what metrics mean: `metric`, `limit`, `limit_per_metric`."""
    parameters = await read_parameters(request)
    limit, per_metric = parameters.bound("limit"), parameters.bound("limit_per_metric")
    chosen = parameters.text("metric")
    found: dict[str, list[Mapping[str, str]]] = {}
    for description in services.descriptions():
        if chosen not in ("", description.metric):
            continue
        if description.metric not in found and limit is not None and len(found) >= limit:
            continue
        texts = found.setdefault(description.metric, [])
        text = _texts(description)
        if text not in texts and (not per_metric or len(texts) < per_metric):
            texts.append(text)
    return success(found)


async def targets_metadata(services: Services, request: Request) -> Response:
    """Answer what metrics of which targets mean: `match_target`, `metric`, `limit`."""
    parameters = await read_parameters(request)
    limit, metric = parameters.bound("limit"), parameters.text("metric")
    selector = parameters.text("match_target")
    try:
        matchers = parse_selector(selector) if selector else ()
    except QueryError as error:
        raise invalid_parameter("match_target", str(error)) from None
    found = [
        {
            "target": dict(description.target.pairs),
            **({} if metric else {"metric": description.metric}),
            **_texts(description),
        }
        for description in services.descriptions()
        if metric in ("", description.metric)
        and description.target != EMPTY_LABELS
        and matches_all(matchers, description.target)
    ]
    return success(found[:limit])


async def query_exemplars(services: Services, request: Request) -> Response:
    """Answer the exemplars of the series that a query selects: `query`, `start`, `end`."""
    parameters = await read_parameters(request)
    start_ms = parameters.time_ms("start", -TIME_MS_MAX)
    end_ms = parameters.time_ms("end", TIME_MS_MAX)
    if end_ms < start_ms:
        raise invalid_parameter("end", "end timestamp must not be before start timestamp")
    expr = parse_query(required_query(parameters))
    selectors = [node.matchers for node in iter_nodes(expr) if isinstance(node, VectorSelector)]

    def select(_timeout_seconds: float) -> object:
        found = services.exemplars(selectors, start_ms, end_ms) if selectors else ()
        return [_exemplars(one) for one in found]

    return success(await services.queries.run(select, parameters.timeout_seconds()))


def _texts(description: MetricDescription) -> Mapping[str, str]:
    return {"type": description.type, "help": description.help, "unit": description.unit}


def _exemplars(found: SeriesExemplars) -> Mapping[str, object]:
    return {
        "seriesLabels": dict(found.series.pairs),
        "exemplars": [_exemplar(exemplar) for exemplar in found.exemplars],
    }


def _exemplar(exemplar: Exemplar) -> Mapping[str, object]:
    assert exemplar.timestamp_ms is not None
    return {
        "labels": dict(exemplar.labels.pairs),
        "value": format_sample(exemplar.value),
        "timestamp": exemplar.timestamp_ms / 1000,
    }
