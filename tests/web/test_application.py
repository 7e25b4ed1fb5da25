from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.web.conftest import World

from sakshi.web import Services, build_app
from sakshi.web.application import ROUTES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "http-api.md"


@pytest.mark.parametrize(("path", "methods"), [route[:2] for route in ROUTES])
def test_every_route_is_documented_with_its_methods(path: str, methods: tuple[str, ...]) -> None:
    """The reference has a line for each route, and none for a route that is not there."""
    rows = [
        line.split("|")[1:3] for line in REFERENCE.read_text().splitlines() if line[:3] == "| `"
    ]
    documented = {row[0].strip().strip("`"): row[1].strip() for row in rows}

    assert documented[path] == ", ".join(methods)
    api = {name for name in documented if name.startswith(("/api/", "/-/", "/metrics", "/graph"))}
    assert api == {route[0] for route in ROUTES}


async def test_application_can_be_mounted_in_another(services: Services, world: World) -> None:
    """It needs no start of its own: under a prefix the API answers all the same."""
    world.load({"__name__": "up"}, [1.0], 1000)
    outer = Starlette(routes=[Mount("/monitor", build_app(services))])
    transport = httpx2.ASGITransport(outer)

    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/monitor/api/v1/query", params={"query": "up"})

    assert answer.json()["data"]["result"][0]["value"][1] == "1"


async def test_head_is_answered_as_get_without_a_body(client: httpx2.AsyncClient) -> None:
    """Health checks often send HEAD."""
    answer = await client.head("/-/healthy")

    assert (answer.status_code, answer.content) == (200, b"")


def test_registry_of_another_application_is_a_programmer_error(services: Services) -> None:
    """Two applications that count into the same metrics would each tell half the truth."""
    build_app(services)

    with pytest.raises(ValueError, match="Duplicated timeseries"):
        build_app(services)
