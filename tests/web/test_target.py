from __future__ import annotations

import httpx2
import pytest
from tests.web.conftest import World, make_target

from sakshi.scrape.target import TargetHealth


async def test_targets_are_answered_as_prometheus_does(
    client: httpx2.AsyncClient, world: World
) -> None:
    """A target has Prometheus' fields; one that was never scraped has Go's zero time."""
    world.targets = [
        make_target("127.0.0.1:5000", TargetHealth.DOWN),
        make_target("127.0.0.1:5001", TargetHealth.UNKNOWN),
    ]

    answer = await client.get("/api/v1/targets")

    data = answer.json()["data"]
    assert data["activeTargets"][0] == {
        "discoveredLabels": {"__address__": "127.0.0.1:5000"},
        "labels": {"instance": "127.0.0.1:5000", "job": "chat"},
        "scrapePool": "chat",
        "scrapeUrl": "http://127.0.0.1:5000/metrics",
        "globalUrl": "http://127.0.0.1:5000/metrics",
        "lastError": "connection refused",
        "lastScrape": "2023-11-14T22:13:19.700Z",
        "lastScrapeDuration": 0.004,
        "health": "down",
        "scrapeInterval": "1s",
        "scrapeTimeout": "500ms",
    }
    assert data["activeTargets"][1]["lastScrape"] == "0001-01-01T00:00:00Z"
    assert (data["droppedTargets"], data["droppedTargetCounts"]) == ([], {})


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"state": "active"}, 1),
        ({"state": "any"}, 1),
        ({"state": "dropped"}, 0),
        ({"scrapePool": "chat"}, 1),
        ({"scrapePool": "other"}, 0),
    ],
)
async def test_targets_can_be_chosen(
    client: httpx2.AsyncClient, world: World, parameters: dict[str, str], count: int
) -> None:
    """By state and by scrape pool."""
    world.targets = [make_target("127.0.0.1:5000", TargetHealth.UP)]

    answer = await client.get("/api/v1/targets", params=parameters)

    assert len(answer.json()["data"]["activeTargets"]) == count


async def test_unknown_state_is_refused(client: httpx2.AsyncClient) -> None:
    """The answer names what was not understood."""
    answer = await client.get("/api/v1/targets?state=lost")

    assert answer.status_code == 400
    assert answer.json()["error"] == 'invalid parameter "state": not supported value "lost"'
