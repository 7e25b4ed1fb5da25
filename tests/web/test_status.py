from __future__ import annotations

import httpx2
from tests.web.conftest import World


async def test_process_that_answers_is_healthy(client: httpx2.AsyncClient, world: World) -> None:
    """Healthy, even where it is not ready."""
    world.waiting_for = "the storage"

    answer = await client.get("/-/healthy")

    assert (answer.status_code, answer.text) == (200, "sakshi is healthy.\n")


async def test_readiness_names_what_is_waited_for(client: httpx2.AsyncClient, world: World) -> None:
    """503 with a reason until nothing is missing; then 200."""
    world.waiting_for = "the storage"
    waiting = await client.get("/-/ready")
    world.waiting_for = ""
    ready = await client.get("/-/ready")

    assert (waiting.status_code, waiting.text) == (503, "sakshi is not ready: the storage\n")
    assert (ready.status_code, ready.text) == (200, "sakshi is ready.\n")


async def test_own_metrics_are_exposed_in_the_format_that_is_asked_for(
    client: httpx2.AsyncClient,
) -> None:
    """Requests are counted; text by default, OpenMetrics where it is accepted."""
    await client.get("/api/v1/query", params={"query": "sum("})

    text = await client.get("/metrics")
    openmetrics = await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})

    assert text.headers["content-type"].startswith("text/plain")
    assert 'sakshi_http_request_errors_total{route="/api/v1/query"} 1.0' in text.text
    assert 'sakshi_http_request_duration_seconds_count{route="/api/v1/query"} 1.0' in text.text
    assert "sakshi_live_clients 0.0" in text.text
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


async def test_build_information_names_the_api_and_sakshi(client: httpx2.AsyncClient) -> None:
    """Grafana reads `version` as Prometheus'; ours stands beside it."""
    data = (await client.get("/api/v1/status/buildinfo")).json()["data"]

    assert (data["application"], data["applicationVersion"]) == ("sakshi", "1.2.3")
    assert data["version"] == "3.0.0"
