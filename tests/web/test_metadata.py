from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
from tests.web.conftest import NOW_MS, make_client

from sakshi.exposition import Exemplar
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.web import MetricDescription, SeriesExemplars, Services

CHAT, OTHER = Labels({"job": "chat"}), Labels({"job": "other"})
DESCRIPTIONS = (
    MetricDescription(CHAT, "requests_total", "counter", "All requests."),
    MetricDescription(OTHER, "requests_total", "counter", "All requests."),
    MetricDescription(OTHER, "requests_total", "gauge", "Some requests.", "s"),
    MetricDescription(CHAT, "up", "gauge"),
)
COUNTER = {"type": "counter", "help": "All requests.", "unit": ""}
GAUGE = {"type": "gauge", "help": "Some requests.", "unit": "s"}
UP = {"type": "gauge", "help": "", "unit": ""}


async def ask(services: Services, path: str, **parameters: Any) -> httpx2.Response:
    async with make_client(services) as client:
        return await client.get(path, params=parameters)


@pytest.mark.parametrize(
    ("parameters", "data"),
    [
        ({}, {"requests_total": [COUNTER, GAUGE], "up": [UP]}),
        ({"limit": 1}, {"requests_total": [COUNTER, GAUGE]}),
        ({"limit": 1, "limit_per_metric": 1}, {"requests_total": [COUNTER]}),
        ({"limit": 0}, {}),
        ({"limit": -1, "limit_per_metric": 0}, {"requests_total": [COUNTER, GAUGE], "up": [UP]}),
        ({"metric": "up"}, {"up": [UP]}),
        ({"metric": "down"}, {}),
    ],
)
async def test_metrics_are_described_once(services: Services, parameters, data) -> None:
    """What several targets say alike is said once; limits count metrics, and texts of each."""
    services = replace(services, descriptions=lambda: DESCRIPTIONS)

    answer = await ask(services, "/api/v1/metadata", **parameters)

    assert answer.json() == {"status": "success", "data": data}


@pytest.mark.parametrize(
    ("parameters", "data"),
    [
        (
            {"metric": "requests_total", "limit": 2},
            [
                {"target": {"job": "chat"}, **COUNTER},
                {"target": {"job": "other"}, **COUNTER},
            ],
        ),
        (
            {"match_target": '{job="chat"}'},
            [
                {"target": {"job": "chat"}, "metric": "requests_total", **COUNTER},
                {"target": {"job": "chat"}, "metric": "up", **UP},
            ],
        ),
    ],
)
async def test_targets_describe_their_metrics(services: Services, parameters, data) -> None:
    """Chosen by metric, which then need not be named, or by the target's labels."""
    services = replace(services, descriptions=lambda: DESCRIPTIONS)

    answer = await ask(services, "/api/v1/targets/metadata", **parameters)

    assert answer.json() == {"status": "success", "data": data}


@dataclass
class ListedExemplars:
    """Gives one exemplar, and notes what it was asked."""

    asked: list[Any] = field(default_factory=list)

    def __call__(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> Sequence[SeriesExemplars]:
        self.asked.append(([[str(one) for one in found] for found in selectors], start_ms, end_ms))
        exemplar = Exemplar(Labels({"trace_id": "7f"}), 0.25, NOW_MS + 123)
        return [SeriesExemplars(Labels({"__name__": "x"}), [exemplar])]


async def test_exemplars_of_all_selectors_are_answered(services: Services) -> None:
    """As Prometheus writes them: values as texts, times in seconds."""
    exemplars = ListedExemplars()
    services = replace(services, exemplars=exemplars)

    answer = await ask(
        services, "/api/v1/query_exemplars", query='rate(x[5m]) / y{a="b"}', start=1, end=2
    )

    assert exemplars.asked == [([['__name__="x"'], ['__name__="y"', 'a="b"']], 1000, 2000)]
    assert answer.json()["data"] == [
        {
            "seriesLabels": {"__name__": "x"},
            "exemplars": [
                {"labels": {"trace_id": "7f"}, "value": "0.25", "timestamp": NOW_MS / 1000 + 0.123}
            ],
        }
    ]


@pytest.mark.parametrize(
    ("path", "parameters", "error"),
    [
        (
            "query_exemplars",
            {"query": "x", "start": 2, "end": 1},
            'invalid parameter "end": end timestamp must not be before start timestamp',
        ),
        (
            "query_exemplars",
            {},
            'invalid parameter "query": expected a PromQL expression, found nothing',
        ),
        (
            "metadata",
            {"limit_per_metric": "1.5"},
            'invalid parameter "limit_per_metric": cannot parse "1.5" to a whole number',
        ),
        (
            "targets/metadata",
            {"limit": "x"},
            'invalid parameter "limit": cannot parse "x" to a whole number',
        ),
    ],
)
async def test_wrong_parameters_are_refused(services, path, parameters, error) -> None:
    """400; the message names the parameter."""
    answer = await ask(services, f"/api/v1/{path}", **parameters)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    ("path", "data"),
    [("metadata", {}), ("targets/metadata", []), ("query_exemplars", [])],
)
async def test_nobody_describes_anything_by_default(services: Services, path: str, data) -> None:
    """The answers are empty, not errors."""
    assert (await ask(services, f"/api/v1/{path}", query="x")).json()["data"] == data
