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


def test_what_proxies_and_token_servers_are_sent_is_hidden() -> None:
    """Headers for a proxy, and the secret of a client; not the client's name."""
    text = """\
proxy_connect_header: {X-Token: [hush]}
oauth2: {client_id: me, client_secret: hush, token_url: 'https://jo:hush@a/t'}
"""
    assert yaml.safe_load(redact(text)) == {
        "proxy_connect_header": {"X-Token": "<secret>"},
        "oauth2": {
            "client_id": "me",
            "client_secret": "<secret>",
            "token_url": "https://jo:<secret>@a/t",
        },
    }


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
            },
            "samples": {
                "totalQueryableSamplesPerStep": [[NOW_MS / 1000, 0]],
                "totalQueryableSamples": 0,
                "peakSamples": 1,
            },
        },
    }


async def test_stats_without_steps(client: httpx2.AsyncClient, world: World) -> None:
    """Any other value of `stats` has the sums alone."""
    world.load({"__name__": "up"}, [1.0] * 20, 15_000)

    answer = await client.get(
        "/api/v1/query_range",
        params={
            "query": "rate(up[1m]) + up",
            "start": NOW_MS / 1000 - 60,
            "end": NOW_MS / 1000,
            "step": "60",
            "stats": "true",
        },
    )

    samples = answer.json()["data"]["stats"]["samples"]
    assert samples.keys() == {"totalQueryableSamples", "peakSamples"}
    assert samples["totalQueryableSamples"] == (4 + 1) + (4 + 1)


@pytest.mark.parametrize(
    ("lookback", "is_found"),
    [
        pytest.param("", True, id="none: the engine's five minutes"),
        pytest.param("0", True, id="zero: the same"),
        pytest.param("-60", True, id="less than zero: the same"),
        pytest.param("1m", False, id="a minute"),
        pytest.param("60.001", True, id="a little more than the sample's age"),
        pytest.param("60", False, id="the sample's age"),
    ],
)
@pytest.mark.parametrize("path", ["query", "query_range"])
async def test_lookback_may_be_chosen(
    client: httpx2.AsyncClient, world: World, path: str, lookback: str, is_found: bool
) -> None:
    """A sample must be younger than the lookback that is asked for."""
    world.load({"__name__": "up"}, [1.0], 0)
    at = NOW_MS / 1000 + 60
    parameters: dict[str, str | float] = {
        "query": "up",
        "time": at,
        "start": at,
        "end": at,
        "step": 1.0,
    }

    answer = await client.get(f"/api/v1/{path}", params={**parameters, "lookback_delta": lookback})

    assert bool(answer.json()["data"]["result"]) is is_found


async def test_a_lookback_is_a_duration(client: httpx2.AsyncClient) -> None:
    """What is none is refused."""
    answer = await client.get("/api/v1/query", params={"query": "1", "lookback_delta": "soon"})

    assert answer.status_code == 400
    assert answer.json()["error"] == (
        'invalid parameter "lookback_delta": cannot parse "soon" to a valid duration'
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
