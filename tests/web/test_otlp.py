from __future__ import annotations

import gzip
import json
import struct
from typing import Any

import httpx2
import pytest
from tests.web.conftest import NOW_MS, World
from tests.web.pushing import message, varint
from tests.web.test_remote_write import stored

from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.storage import STALE_MARKER

PATH = "/api/v1/otlp/v1/metrics"
NANOSECONDS = NOW_MS * 1_000_000


def attribute(key: str, value: Any) -> dict[str, Any]:
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}


def export(*metrics: dict[str, Any], **resource: Any) -> dict[str, Any]:
    """Return an export of one resource; `service_name` stands for `service.name`."""
    attributes = [attribute(key.replace("_", "."), value) for key, value in resource.items()]
    return {
        "resourceMetrics": [
            {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": list(metrics)}]}
        ]
    }


def point(at_ms: int = NOW_MS, **fields: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(at_ms * 1_000_000), **fields}


def gauge(name: str, value: float, unit: str = "", **fields: Any) -> dict[str, Any]:
    return {"name": name, "unit": unit, "gauge": {"dataPoints": [point(asDouble=value, **fields)]}}


async def push(client: httpx2.AsyncClient, tree: Any, **headers: str) -> httpx2.Response:
    body = json.dumps(tree).encode()
    return await client.post(
        PATH, content=body, headers={"Content-Type": "application/json", **headers}
    )


async def test_json_export_is_stored(client: httpx2.AsyncClient, world: World) -> None:
    """Job and instance come from the resource, whose other attributes are target_info's."""
    answer = await push(
        client,
        export(
            gauge("chat.load", 0.5, "1", attributes=[attribute("http.route", "/x")]),
            service_name="chat",
            service_namespace="ai",
            service_instance_id="a:1",
            cloud_region="eu",
        ),
    )

    assert (answer.status_code, answer.text) == (200, "{}")
    identity = {"job": "ai/chat", "instance": "a:1"}
    half, one = struct.pack("<d", 0.5), struct.pack("<d", 1.0)
    load = Labels({METRIC_NAME: "chat_load_ratio", "http_route": "/x", **identity})
    info = Labels({METRIC_NAME: "target_info", "cloud_region": "eu", **identity})
    assert stored(world.store, "chat_load_ratio") == {load: [(NOW_MS, half)]}
    assert stored(world.store, "target_info") == {info: [(NOW_MS, one)]}


async def test_compressed_protobuf_is_stored(client: httpx2.AsyncClient, world: World) -> None:
    """A sum, encoded by hand; the answer is an empty message."""
    number_point = b"\x19" + struct.pack("<Q", NANOSECONDS) + b"\x31" + struct.pack("<q", -7)
    number_point += message(7, message(1, b"code") + message(2, b"\x18" + varint(200)))
    total = message(1, number_point) + b"\x10\x02\x18\x01"
    metric = message(1, b"requests") + message(3, b"{request}") + message(7, total)
    resource = message(1, message(1, b"service.name") + message(2, message(1, b"chat")))
    body = message(1, message(1, resource) + message(2, message(2, metric)))

    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    answer = await client.post(PATH, content=gzip.compress(body), headers=headers)

    assert (answer.status_code, answer.content) == (200, b"")
    labels = Labels({METRIC_NAME: "requests_total", "code": "200", "job": "chat"})
    assert stored(world.store, "requests_total") == {labels: [(NOW_MS, struct.pack("<d", -7.0))]}


async def test_point_without_value_ends_its_series(
    client: httpx2.AsyncClient, world: World
) -> None:
    """The flag becomes a stale marker."""
    await push(client, export(gauge("x", 0.0, flags=1), service_name="chat"))

    (samples,) = stored(world.store, "x").values()
    assert samples == [(NOW_MS, struct.pack("<d", STALE_MARKER))]


async def test_delta_is_refused_and_the_rest_taken(
    client: httpx2.AsyncClient, world: World
) -> None:
    """A partial success says how many points were refused, why, and what helps."""
    delta = {
        "name": "requests",
        "sum": {"aggregationTemporality": 1, "dataPoints": [point(asInt="1"), point(asInt="2")]},
    }

    answer = await push(client, export(delta, gauge("x", 1.0), service_name="chat"))

    assert answer.status_code == 200
    assert answer.json() == {
        "partialSuccess": {
            "rejectedDataPoints": "2",
            "errorMessage": "2 of 3 samples were not taken: unsupported (2): requests: expected "
            "cumulative temporality, found another; "
            "set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative",
        }
    }
    assert len(stored(world.store, "x")) == 1


async def test_exponential_histogram_is_refused(client: httpx2.AsyncClient) -> None:
    """The message says what to choose instead."""
    tree = export({"name": "h", "exponentialHistogram": {"dataPoints": [{}]}})

    answer = await push(client, tree)

    assert answer.json()["partialSuccess"] == {
        "rejectedDataPoints": "1",
        "errorMessage": "1 of 1 samples were not taken: unsupported (1): h: exponential histograms "
        "are not stored, only those with explicit bounds; "
        "choose ExplicitBucketHistogramAggregation",
    }


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        pytest.param([], "the body: expected a JSON object, found list", id="list"),
        pytest.param(
            {"resourceMetrics": 1},
            "resourceMetrics: expected a list of the right kind, found int",
            id="no list",
        ),
        pytest.param(export({"name": ""}), "a metric: expected a name, found none", id="no name"),
        pytest.param(
            export(gauge("x", "y")),  # type: ignore[arg-type]
            "a data point of x: expected numbers, found could not convert string to float: 'y'",
            id="no number",
        ),
        pytest.param(
            export(
                {
                    "name": "h",
                    "histogram": {
                        "aggregationTemporality": 2,
                        "dataPoints": [point(bucketCounts=["1"], explicitBounds=[1.0])],
                    },
                }
            ),
            "a data point of h: expected 2 bucket counts, found 1",
            id="buckets",
        ),
        pytest.param(
            export(gauge("x", 1.0, attributes=[{"value": {"stringValue": "y"}}])),
            "a data point of x: expected attributes with keys, found one without",
            id="no key",
        ),
        pytest.param(
            export(gauge("x", 1.0, attributes=[{"key": "k", "value": {"intValue": "y"}}])),
            "an attribute: expected a number, found 'y'",
            id="attribute",
        ),
    ],
)
async def test_what_is_no_export_is_refused(client: httpx2.AsyncClient, tree, text: str) -> None:
    """400 with a Status; nothing is taken."""
    answer = await push(client, tree)

    assert (answer.status_code, answer.json()) == (400, {"message": text})


@pytest.mark.parametrize(
    ("headers", "body", "status", "text"),
    [
        (
            {"Content-Type": "text/plain"},
            b"",
            415,
            "expected application/x-protobuf or application/json as Content-Type, "
            "found 'text/plain'",
        ),
        ({"Content-Encoding": "zstd"}, b"", 415, "expected gzip as Content-Encoding, found 'zstd'"),
        (
            {"Content-Encoding": "gzip"},
            b"hello",
            400,
            "expected gzip, found something else: Error -3 while decompressing data: "
            "incorrect header check",
        ),
        (
            {"Content-Encoding": "gzip"},
            gzip.compress(b"{}")[:-1],
            400,
            "expected gzip, found less than all of it",
        ),
        (
            {"Content-Encoding": "gzip"},
            gzip.compress(bytes((64 << 20) + 1), 1),
            413,
            "a body of more than 33554432 bytes uncompressed",
        ),
    ],
    ids=["type", "encoding", "no gzip", "cut", "bomb"],
)
async def test_bodies_are_checked(client: httpx2.AsyncClient, headers, body, status, text) -> None:
    """Type, encoding and size; the message says what was expected."""
    headers = {"Content-Type": "application/json", **headers}

    answer = await client.post(PATH, content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (status, {"message": text})


async def test_histogram_and_summary_become_classic_series(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Buckets are cumulative, bounds without exponent; the unit stands before the suffix."""
    histogram = {
        "name": "latency",
        "unit": "ms",
        "histogram": {
            "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE",
            "dataPoints": [
                point(
                    count="6",
                    sum=12.5,
                    bucketCounts=["1", 2, "3"],
                    explicitBounds=[0.005, 1000000.0],
                )
            ],
        },
    }
    summary = {
        "name": "size",
        "unit": "By",
        "summary": {
            "dataPoints": [
                point(count="3", sum=1.5, quantileValues=[{"quantile": 0.5, "value": 0.25}])
            ]
        },
    }

    answer = await push(client, export(histogram, summary))

    assert answer.text == "{}"
    assert await everything(client) == {
        'latency_milliseconds_bucket{le="+Inf"}': "6",
        'latency_milliseconds_bucket{le="0.005"}': "1",
        'latency_milliseconds_bucket{le="1000000"}': "3",
        "latency_milliseconds_count": "6",
        "latency_milliseconds_sum": "12.5",
        "size_bytes_count": "3",
        "size_bytes_sum": "1.5",
        'size_bytes{quantile="0.5"}': "0.25",
    }


async def test_attributes_become_labels(client: httpx2.AsyncClient) -> None:
    """Every kind of value is a text; attributes whose names become one are joined."""
    attributes = [
        attribute("http.status_code", 200),
        attribute("a_b", "second"),
        attribute("a.b", "first"),
        attribute("_private", True),
        attribute("2xx", 0.25),
        attribute("empty", ""),
        attribute("whole", 3.0),
        {
            "key": "list",
            "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "1"}]}},
        },
        {"key": "raw", "value": {"bytesValue": "AQI="}},
        {
            "key": "map",
            "value": {"kvlistValue": {"values": [attribute("k", "v")]}},
        },
    ]

    await push(client, export(gauge("x", 1.0, attributes=attributes)))

    assert list(await everything(client)) == [
        str(
            Labels(
                {
                    METRIC_NAME: "x",
                    "http_status_code": "200",
                    "a_b": "first;second",
                    "key_private": "true",
                    "key_2xx": "0.25",
                    "whole": "3",
                    "list": '["x",1]',
                    "raw": "AQI=",
                    "map": '{"k":"v"}',
                }
            )
        )
    ]


async def test_target_information_is_there_at_each_moment(
    client: httpx2.AsyncClient, world: World
) -> None:
    """An export of several times has it every 150 s between them, and at the last."""
    early = point(NOW_MS - 400_000, asDouble=1.0)
    metric = {"name": "x", "gauge": {"dataPoints": [early, point(asDouble=2.0)]}}

    await push(client, export(metric, service_name="chat", host="h"))

    (samples,) = stored(world.store, "target_info").values()
    assert [NOW_MS - at_ms for at_ms, _ in samples] == [400_000, 250_000, 100_000, 0]


async def everything(client: httpx2.AsyncClient) -> dict[str, str]:
    """Return all series, sorted, with their values."""
    answer = await client.get(
        "/api/v1/query", params={"query": '{__name__=~".+"}', "time": NOW_MS / 1000}
    )
    result = answer.json()["data"]["result"]
    return dict(sorted((str(Labels(one["metric"])), one["value"][1]) for one in result))
