"""What README tells people to write works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()

BEFORE = """\
import asyncio, httpx2
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def hello(request):
    return PlainTextResponse("hello")

app = Starlette(routes=[Route("/hello", hello)])
user_id = "anna"
"""

AFTER = """
async def ask():
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/hello")
        return await client.get("/metrics")

print(asyncio.run(ask()).text)
"""


def test_the_three_lines_instrument_an_application(tmp_path):
    """The snippets run in a program of their own, and what they promise is exposed."""
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    program = tmp_path / "program.py"
    program.write_text("\n".join([BEFORE, *snippets, AFTER]))

    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert len(snippets) == 2
    for series in (
        'consciousness_response_time_seconds_count{endpoint="/hello",method="GET",status="200"}',
        'consciousness_pipeline_duration_seconds_count{layer="memory",user_id="anna"}',
        'ai_requests_total{model="gpt-4o",outcome="success",provider="openai"}',
    ):
        assert f"{series} 1.0\n" in done.stdout
