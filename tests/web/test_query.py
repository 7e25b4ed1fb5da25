from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.web.conftest import NOW_MS, World, make_client

from sakshi.promql.engine import QueryResult
from sakshi.promql.errors import (
    QueryError,
    QueryEvaluationError,
    QueryLimitError,
    QuerySyntaxError,
    QueryTimeoutError,
)
from sakshi.web import Services

NOW = NOW_MS / 1000
UP = {"__name__": "up", "job": "chat"}


class RefusingEngine:
    """Refuses every query with one error."""

    def __init__(self, error: QueryError) -> None:
        self.error = error
        self.timeouts: list[float | None] = []

    def instant(
        self,
        query: str,
        at_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        self.timeouts.append(timeout_seconds)
        raise self.error

    def range(
        self,
        query: str,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        self.timeouts.append(timeout_seconds)
        raise self.error


async def ask(client: httpx2.AsyncClient, path: str, **parameters: object) -> tuple[int, Any]:
    answer = await client.get(f"/api/v1/{path}", params={k: str(v) for k, v in parameters.items()})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


async def test_instant_query_answers_a_vector_of_now(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Without a time it is evaluated now; numbers are strings, times are seconds."""
    world.load(UP, [1.0], 1000)

    status, answer = await ask(client, "query", query="up")

    assert status == 200
    assert answer == {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": UP, "value": [NOW, "1"]}]},
    }


@pytest.mark.parametrize("time", [str(NOW - 1), "2023-11-14T22:13:19Z"])
async def test_instant_query_is_evaluated_at_its_time(
    client: httpx2.AsyncClient, world: World, time: str
) -> None:
    """A time may be seconds or RFC 3339."""
    world.load(UP, [0.5, 1.0], 1000)

    _, answer = await ask(client, "query", query="up", time=time)

    assert answer["data"]["result"][0]["value"] == [NOW - 1, "0.5"]


async def test_form_body_is_read_before_the_url(client: httpx2.AsyncClient, world: World) -> None:
    """A POST's body counts more than its URL; parameters that nobody knows are ignored."""
    world.load(UP, [1.0], 1000)

    answer = await client.post(
        "/api/v1/query?query=down&time=" + str(NOW), data={"query": "up", "unknown": "x"}
    )

    assert answer.json()["data"]["result"] == [{"metric": UP, "value": [NOW, "1"]}]


@pytest.mark.parametrize(
    ("query", "kind", "result"),
    [
        ("42", "scalar", [NOW, "42"]),
        ('"text"', "string", [NOW, "text"]),
        ("up[2s]", "matrix", [{"metric": UP, "values": [[NOW - 1, "0.5"], [NOW, "NaN"]]}]),
        ("nothing", "vector", []),
    ],
)
async def test_instant_query_answers_every_type(
    client: httpx2.AsyncClient, world: World, query: str, kind: str, result: object
) -> None:
    """Each of PromQL's types has its form."""
    world.load(UP, [0.5, float("nan")], 1000)

    _, answer = await ask(client, "query", query=query)

    assert answer["data"] == {"resultType": kind, "result": result}


async def test_range_query_answers_a_matrix(client: httpx2.AsyncClient, world: World) -> None:
    """Start and end are inclusive, the step may be a duration or seconds."""
    world.load(UP, [0, 1, 2], 1000)

    for step in ("1", "1s", "1.0"):
        status, answer = await ask(
            client, "query_range", query="up", start=NOW - 2, end=NOW, step=step
        )

        assert status == 200
        assert answer["data"] == {
            "resultType": "matrix",
            "result": [{"metric": UP, "values": [[NOW - 2, "0"], [NOW - 1, "1"], [NOW, "2"]]}],
        }


async def test_range_query_of_a_scalar_is_a_matrix_too(client: httpx2.AsyncClient) -> None:
    """A range query has one form of answer."""
    _, answer = await ask(client, "query_range", query="7", start=NOW - 1, end=NOW, step="1")

    assert answer["data"] == {
        "resultType": "matrix",
        "result": [{"metric": {}, "values": [[NOW - 1, "7"], [NOW, "7"]]}],
    }


async def test_limit_leaves_series_out_and_says_so(
    client: httpx2.AsyncClient, world: World
) -> None:
    """What is left out is warned of; a limit of zero is none."""
    world.load(UP, [1.0], 1000)
    world.load({**UP, "job": "other"}, [1.0], 1000)

    _, limited = await ask(client, "query", query="up", limit=1)
    _, ranged = await ask(client, "query_range", query="up", start=NOW, end=NOW, step=1, limit=1)
    _, samples = await ask(client, "query", query="up[5m]", limit=1)
    _, all_of_them = await ask(client, "query", query="up", limit=0)

    for answer in (limited, ranged, samples):
        assert len(answer["data"]["result"]) == 1
        assert answer["warnings"] == ["results truncated due to limit"]
    assert len(all_of_them["data"]["result"]) == 2
    assert "warnings" not in all_of_them


async def test_infos_stand_beside_the_answer(client: httpx2.AsyncClient, world: World) -> None:
    """What the engine wants to say is no error."""
    world.load(UP, [1.0, 1.0], 1000)

    _, answer = await ask(client, "query", query="rate(up[5m])")

    assert answer["status"] == "success"
    assert len(answer["infos"]) == 1
    assert "might not be a counter" in answer["infos"][0]


RANGE = {"query": "up", "start": "0", "end": "10", "step": "1"}


@pytest.mark.parametrize(
    ("path", "parameters", "error"),
    [
        (
            "query",
            {},
            'invalid parameter "query": expected a PromQL expression, found nothing',
        ),
        (
            "query",
            {"query": "up", "time": "soon"},
            'invalid parameter "time": cannot parse "soon" to a valid timestamp',
        ),
        (
            "query",
            {"query": "up", "timeout": "x"},
            'invalid parameter "timeout": cannot parse "x" to a valid duration',
        ),
        (
            "query",
            {"query": "up", "limit": "-1"},
            'invalid parameter "limit": limit must be non-negative',
        ),
        (
            "query",
            {"query": "up", "limit": "many"},
            'invalid parameter "limit": cannot parse "many" to a whole number',
        ),
        (
            "query_range",
            {**RANGE, "start": ""},
            'invalid parameter "start": cannot parse "" to a valid timestamp',
        ),
        (
            "query_range",
            {**RANGE, "end": "-1"},
            'invalid parameter "end": end timestamp must not be before start time',
        ),
        (
            "query_range",
            {**RANGE, "step": "0"},
            'invalid parameter "step": zero or negative query resolution step widths are not '
            "accepted. Try a positive integer",
        ),
        (
            "query_range",
            {**RANGE, "step": "-1m"},
            'invalid parameter "step": cannot parse "-1m" to a valid duration',
        ),
        (
            "query_range",
            {**RANGE, "end": "11001"},
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)",
        ),
    ],
)
async def test_bad_parameters_are_refused(
    client: httpx2.AsyncClient, path: str, parameters: dict[str, str], error: str
) -> None:
    """The answer names the parameter, and says as Prometheus does what is wrong with it."""
    status, answer = await ask(client, path, **parameters)

    assert status == 400
    assert answer == {"status": "error", "errorType": "bad_data", "error": error}


async def test_query_that_is_no_promql_is_bad_data_with_its_place(
    client: httpx2.AsyncClient,
) -> None:
    """A syntax error names line and column."""
    for path in ("query", "query_range"):
        status, answer = await ask(client, path, **{**RANGE, "query": "sum(up"})

        assert (status, answer["errorType"]) == (400, "bad_data")
        assert answer["error"].startswith('invalid parameter "query": 1:')


@pytest.mark.parametrize(
    "query", ["+".join("x" * 5000), "(" * 5000 + "x" + ")" * 5000, "x" * 100_000]
)
async def test_monstrous_query_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    """A query without measure costs an error, no more."""
    answer = await client.post("/api/v1/query", data={"query": query})

    assert answer.status_code in (400, 422)
    assert answer.json()["status"] == "error"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (QuerySyntaxError(1, 2, "a", "b"), 400, "bad_data"),
        (QueryEvaluationError("many-to-many"), 422, "execution"),
        (QueryLimitError("too many samples"), 422, "execution"),
        (QueryTimeoutError("after 120 s"), 503, "timeout"),
    ],
)
async def test_each_error_of_the_engine_has_its_status(
    services: Services, error: QueryError, status: int, kind: str
) -> None:
    """The engine's tree of errors becomes Prometheus' errorType."""
    async with make_client(replace(services, engine=RefusingEngine(error))) as client:
        answers = [
            await ask(client, "query", query="up"),
            await ask(client, "query_range", **RANGE),
        ]

    for found_status, answer in answers:
        assert (found_status, answer["errorType"]) == (status, kind)
        assert answer["error"].endswith(str(error))


async def test_timeout_shortens_the_deadline_and_never_lengthens_it(services: Services) -> None:
    """The engine gets what `timeout` asks for, at most two minutes."""
    engine = RefusingEngine(QueryLimitError("no"))
    async with make_client(replace(services, engine=engine)) as client:
        for timeout in ("2s", "1h", ""):
            await ask(client, "query", query="up", timeout=timeout)

    short, long, default = (timeout or 0 for timeout in engine.timeouts)
    assert 1 < short <= 2
    assert 119 < long <= 120
    assert 119 < default <= 120


async def test_more_than_a_megabyte_is_refused(client: httpx2.AsyncClient) -> None:
    """A body is bounded before it is decoded."""
    answer = await client.post("/api/v1/query", data={"query": "x" * (1 << 20)})

    assert answer.status_code == 413
    assert answer.json() == {
        "status": "error",
        "errorType": "bad_data",
        "error": "a body of more than 1048576 bytes",
    }


async def test_too_many_parameters_are_refused(client: httpx2.AsyncClient) -> None:
    """Ten thousand fields are enough."""
    answer = await client.post(
        "/api/v1/query",
        content="a=1&" * 20_000,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "more than 10000 parameters")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/query", "/api/v1/query/x/y"])
async def test_unknown_path_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    """A path that is not there is answered in the API's own form."""
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.json() == {
        "status": "error",
        "errorType": "not_found",
        "error": f"there is nothing at {path}",
    }


async def test_other_methods_are_refused(client: httpx2.AsyncClient) -> None:
    """The answer names the methods that are allowed."""
    answer = await client.delete("/api/v1/query")

    assert answer.status_code == 405
    assert answer.json()["error"] == "DELETE is not allowed at /api/v1/query"
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


async def test_defect_is_an_internal_error_and_shows_nothing(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is logged, not shown."""

    class BrokenEngine(RefusingEngine):
        def instant(
            self,
            query: str,
            at_ms: int,
            *,
            timeout_seconds: float | None = None,
            lookback_ms: int | None = None,
            counts_samples: bool = False,
        ) -> QueryResult:
            raise KeyError("secret")

    broken = replace(services, engine=BrokenEngine(QueryLimitError("")))
    async with make_client(broken, raise_defects=False) as client:
        status, answer = await ask(client, "query", query="up")

    assert status == 500
    assert answer == {
        "status": "error",
        "errorType": "internal",
        "error": "an internal error, see sakshi's log",
    }
    assert "defect path=/api/v1/query" in caplog.text
