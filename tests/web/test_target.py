from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest
from tests.web.conftest import World, make_client, make_target

from sakshi.scrape.target import TargetHealth
from sakshi.web.services import Services
from sakshi.web.target import globalize


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


@pytest.mark.parametrize(
    ("url", "external", "expected"),
    [
        ("http://localhost:9100/m?a=b", "http://s.org/x", "http://s.org:9100/m?a=b"),
        ("https://127.0.0.1:9100/", "http://s.org:9090", "https://s.org:9100/"),
        ("http://[::1]:9100/", "http://[fd00::1]:9090", "http://[fd00::1]:9100/"),
        ("http://10.0.0.1:9100/", "http://s.org", "http://10.0.0.1:9100/"),
        ("http://localhost.org:9100/", "http://s.org", "http://localhost.org:9100/"),
        ("http://localhost/", "http://s.org", "http://localhost/"),
        ("http://localhost:9100/", "", "http://localhost:9100/"),
    ],
)
def test_targets_of_this_machine_are_shown_by_its_name(
    url: str, external: str, expected: str
) -> None:
    """Others know it by the external URL; a link to their own loopback would lead nowhere."""
    assert globalize(url, external) == expected


async def test_active_targets_alone_have_no_count_of_dropped_ones(
    client: httpx2.AsyncClient,
) -> None:
    """Prometheus says null there."""
    answer = await client.get("/api/v1/targets", params={"state": "active"})

    assert answer.json()["data"]["droppedTargetCounts"] is None


async def test_scrape_pools_are_named(services: Services) -> None:
    """All jobs, sorted, whether they have targets or not."""
    counts = {"worker": 0, "chat": 3}
    async with make_client(replace(services, dropped_target_counts=lambda: counts)) as client:
        answer = await client.get("/api/v1/scrape_pools")

    assert answer.json()["data"] == {"scrapePools": ["chat", "worker"]}
