from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace

import httpx2
import pytest
import yaml
from tests.peers import find_peer
from tests.web.conftest import NOW_MS, World, make_client
from tests.web.test_server import serving

from sakshi.web import Services, Startup, build_hub, redact


async def test_configuration_and_flags_are_those_of_the_start(services: Services) -> None:
    """As they were given."""
    startup = Startup(NOW_MS, "global: {}\n", {"config.file": "sakshi.yml"}, 86_400_000)
    async with make_client(replace(services, startup=startup)) as client:
        configuration = await client.get("/api/v1/status/config")
        flags = await client.get("/api/v1/status/flags")
        runtime = await client.get("/api/v1/status/runtimeinfo")

    assert configuration.json()["data"] == {"yaml": "global: {}\n"}
    assert flags.json()["data"] == {"config.file": "sakshi.yml"}
    data = runtime.json()["data"]
    assert data["startTime"] == data["serverTime"] == "2023-11-14T22:13:20.000Z"
    assert (data["storageRetention"], data["reloadConfigSuccess"]) == ("1d", True)


async def test_series_are_counted_by_name_and_label(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Largest first, then by name; at most `limit` of each."""
    for job in ("a", "b"):
        world.load({"__name__": "up", "job": job}, [1.0], 1000)
    world.load({"__name__": "down", "job": "a"}, [1.0], 1000)

    data = (await client.get("/api/v1/status/tsdb", params={"limit": 2})).json()["data"]

    assert data["headStats"] == {
        "numSeries": 3,
        "numLabelPairs": 4,
        "chunkCount": 0,
        "minTime": (1 << 63) - 1,
        "maxTime": -(1 << 63),
    }
    assert data["seriesCountByMetricName"] == [
        {"name": "up", "value": 2},
        {"name": "down", "value": 1},
    ]
    assert data["labelValueCountByLabelName"] == [
        {"name": "__name__", "value": 2},
        {"name": "job", "value": 2},
    ]
    assert data["memoryInBytesByLabelName"] == [
        {"name": "__name__", "value": 6},
        {"name": "job", "value": 2},
    ]
    assert data["seriesCountByLabelValuePair"] == [
        {"name": "__name__=up", "value": 2},
        {"name": "job=a", "value": 2},
    ]


@pytest.mark.parametrize("limit", ["0", "10001"])
async def test_counts_have_a_bound(client: httpx2.AsyncClient, limit: str) -> None:
    """From 1 to 10,000."""
    answer = await client.get("/api/v1/status/tsdb", params={"limit": limit})

    assert answer.json()["error"] == (
        f'invalid parameter "limit": expected a number from 1 to 10000, found {limit}'
    )


SECRETS = """
global: {slack_api_url: https://hooks.slack.com/S1, smtp_auth_password: S2, smtp_from: me}
scrape_configs:
  - job_name: chat
    basic_auth: {username: me, password: S3, password_file: /run/password}
    authorization: {type: Bearer, credentials: S4, credentials_file: /run/c}
    oauth2: {client_id: id, client_secret: S5, token_url: https://token.example/}
    bearer_token: S6
    proxy_url: http://me:S7@proxy.example:80/
    http_headers: {X-Key: {values: [S8]}}
remote_write: [{url: "https://me:S9@remote.example/", headers: {X-Scope: S10}}]
receivers:
  - name: all
    webhook_configs: [{url: https://hook.example/S11}]
    pagerduty_configs: [{routing_key: S12, service_key: S13, url: https://pagerduty.example}]
    slack_configs: [{api_url: https://hooks.slack.com/S14, channel: x}]
"""


def test_secrets_are_in_no_answer() -> None:
    """Whatever may open a door is replaced; the rest, and where a secret lies, is shown."""
    shown = redact(SECRETS)
    tree = yaml.safe_load(shown)

    assert [number for number in range(1, 15) if f"S{number}" in shown.replace("SCRAM", "")] == []
    scrape = tree["scrape_configs"][0]
    assert scrape["basic_auth"] == {
        "username": "me",
        "password": "<secret>",
        "password_file": "/run/password",
    }
    assert scrape["oauth2"]["token_url"] == "https://token.example/"
    assert scrape["proxy_url"] == "http://me:<secret>@proxy.example:80/"
    assert tree["receivers"][0]["pagerduty_configs"][0]["url"] == "https://pagerduty.example"


def test_what_is_no_yaml_shows_nothing() -> None:
    """Rather nothing than a secret."""
    assert redact("password: [") == redact("") == ""


async def test_stats_say_how_long_a_query_took(client: httpx2.AsyncClient) -> None:
    """Where they are asked for; in Prometheus' words."""
    plain = await client.get("/api/v1/query", params={"query": "1"})
    timed = await client.get("/api/v1/query", params={"query": "1", "stats": "all"})

    assert "stats" not in plain.json()["data"]
    assert timed.json()["data"] == {
        **plain.json()["data"],
        "stats": {
            "timings": {
                "evalTotalTime": 0.0,
                "resultSortTime": 0.0,
                "queryPreparationTime": 0.0,
                "innerEvalTime": 0.0,
                "execQueueTime": 0.0,
                "execTotalTime": 0.0,
            }
        },
    }


async def test_lookback_is_the_engines(client: httpx2.AsyncClient) -> None:
    """Five minutes are accepted, however they are written; another is refused, not passed over."""
    path = "/api/v1/query"
    same = await client.get(path, params={"query": "1", "lookback_delta": "300"})
    other = await client.get(path, params={"query": "1", "lookback_delta": "1m"})

    assert same.status_code == 200
    assert other.json()["error"] == (
        'invalid parameter "lookback_delta": expected 5m, the only one that there is, found "1m"'
    )


PROMTOOL = [
    (["instant", "URL", "up", "--time=1700000000"], 'up{job="chat"} => 1 @[1700000000]'),
    (
        ["range", "URL", "up", "--start=1699999999", "--end=1700000000"],
        'up{job="chat"} =>\n1 @[1700000000]',
    ),
    (
        ["series", "URL", "--match=up", "--start=1699999000", "--end=1700000000"],
        '{__name__="up", job="chat"}',
    ),
    (["labels", "URL", "job", "--start=1699999000", "--end=1700000000"], "chat"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "text"), PROMTOOL, ids=[row[0][0] for row in PROMTOOL])
async def test_promtool_queries(services: Services, world: World, arguments, text: str) -> None:
    """Prometheus' own tool reads the answers."""
    world.load({"__name__": "up", "job": "chat"}, [1.0], 1000)
    async with serving(services, build_hub(services)) as port:
        command = [word.replace("URL", f"http://127.0.0.1:{port}") for word in arguments]
        process = await asyncio.create_subprocess_exec(
            find_peer("promtool"), "query", *command, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()

    assert (process.returncode, output.decode().strip()) == (0, text)
