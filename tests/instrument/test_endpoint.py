"""/metrics."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable, MutableMapping

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import Metric

from sakshi.instrument import metrics_app


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("messages_total", "Messages.", registry=registry).inc(3)
    Counter("turns_total", "Turns.", registry=registry)
    return registry


async def get(
    registry: CollectorRegistry, path: str = "/", method: str = "GET", **headers: str
) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=metrics_app(registry))
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        client.headers.pop("accept-encoding")
        return await client.request(method, path, headers=headers)


async def test_the_registry_is_exposed_as_text(registry: CollectorRegistry) -> None:
    """Plain clients get the text format, uncompressed."""
    response = await get(registry)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert "content-encoding" not in response.headers
    assert "messages_total 3.0\n" in response.text


async def test_openmetrics_is_given_to_who_asks(registry: CollectorRegistry) -> None:
    """`Accept` chooses the format."""
    response = await get(registry, accept="application/openmetrics-text; version=1.0.0")

    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_gzip_is_given_to_who_asks(registry: CollectorRegistry) -> None:
    """`Accept-Encoding: gzip` compresses, and the content is the same."""
    plain, packed = await get(registry), await get(registry, **{"accept-encoding": "gzip"})

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept-encoding"
    assert without_created(packed.text) == without_created(plain.text)
    transport_bytes = int(packed.headers["content-length"])
    assert transport_bytes == len(gzip.compress(plain.content, 1))


async def test_only_the_named_families_are_exposed(registry: CollectorRegistry) -> None:
    """`name[]` restricts the exposition."""
    response = await get(registry, "/?name[]=turns_total")

    assert "turns_total 0.0\n" in response.text
    assert "messages" not in response.text


async def test_head_has_the_headers_of_get(registry: CollectorRegistry) -> None:
    """A probe costs no body."""
    got, head = await get(registry), await get(registry, method="HEAD")

    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_other_methods_are_refused(registry: CollectorRegistry) -> None:
    """A registry cannot be written through its exposition."""
    response = await get(registry, method="POST")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"


async def test_only_http_is_answered(registry: CollectorRegistry) -> None:
    """A WebSocket that is routed here is a mistake of the application, and said to be one."""
    never = asyncio.Event()

    async def receive() -> dict[str, object]:
        await never.wait()
        return {}

    async def send(message: MutableMapping[str, object]) -> None:
        raise AssertionError(f"nothing is answered, not {message}")

    with pytest.raises(RuntimeError, match="metrics_app serves http, not websocket"):
        await metrics_app(registry)({"type": "websocket"}, receive, send)


class Broken:
    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        raise OSError("secret path")


async def test_a_collector_that_raises_is_a_500_that_tells_no_details(
    registry: CollectorRegistry,
) -> None:
    """The scraper learns that it failed; what failed is in the log."""
    registry.register(Broken())

    response = await get(registry)

    assert response.status_code == 500
    assert response.text == "exposition failed: OSError\n"


def without_created(text: str) -> list[str]:
    return [line for line in text.splitlines() if "_created" not in line]
