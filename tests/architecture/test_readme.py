"""What README tells people to write works as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import prometheus_client
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

README = (Path(__file__).parents[2] / "README.md").read_text()


async def test_the_three_lines_instrument_an_application():
    """The snippets run, and the numbers that they promise are exposed."""
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) == 2

    async def hello(_request: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/hello", hello)])
    names: dict[str, Any] = {"app": app, "user_id": "anna"}
    try:
        for snippet in snippets:
            exec(snippet, names)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.get("/hello")
            exposed = (await client.get("/metrics")).text
    finally:
        for collector in list(prometheus_client.REGISTRY._collector_to_names):
            prometheus_client.REGISTRY.unregister(collector)

    ok = 'status="200"'
    for line in (
        f'consciousness_response_time_seconds_count{{endpoint="/hello",method="GET",{ok}}} 1.0',
        'consciousness_pipeline_duration_seconds_count{layer="memory",user_id="anna"} 1.0',
        'ai_requests_total{model="gpt-4o",outcome="success",provider="openai"} 1.0',
    ):
        assert line in exposed
