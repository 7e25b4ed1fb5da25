"""A real Prometheus pushes to sakshi over the loopback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from tests.peers import find_peer
from tests.web.test_server import serving

from sakshi.model.clock import SystemClock
from sakshi.promql.local import LocalEngine
from sakshi.storage import MemoryStore
from sakshi.web import Receiver, Services, build_hub

COMMITS = 6
WAIT_SECONDS_MAX = 60

CONFIGURATION = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ["127.0.0.1:{own}"]}}]
remote_write:
  - url: http://127.0.0.1:{sakshi}/api/v1/write
    queue_config: {{batch_send_deadline: 100ms, min_shards: 3, max_samples_per_send: 100}}
"""


class CountingStore(MemoryStore):
    """Says when so many commits have been made."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop, self._left = loop, COMMITS
        self.is_filled = asyncio.Event()

    def commit(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._loop.call_soon_threadsafe(self.is_filled.set)


@pytest.mark.slow
async def test_values_of_a_real_sender_arrive_bit_by_bit(
    services: Services, tmp_path: Path
) -> None:
    """What sakshi has of each series is the beginning of what the sender itself has."""
    store, clock = CountingStore(asyncio.get_running_loop()), SystemClock()
    receiver = Receiver(store, clock, CollectorRegistry())
    services = replace(
        services,
        engine=LocalEngine(store, clock),
        querier=store,
        clock=clock,
        registry=CollectorRegistry(),
        receiver=receiver,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own: int = probe.getsockname()[1]
    async with serving(services, build_hub(services)) as port:
        configuration = tmp_path / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(own=own, sakshi=port))
        sender = await asyncio.create_subprocess_exec(
            find_peer("prometheus"),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{own}",
            stderr=subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await store.is_filled.wait()
            here = await ask(port)
            there = await ask(own)
        finally:
            sender.kill()
            await sender.wait()

    assert sum(map(len, here.values())) > 500
    for labels, samples in here.items():
        assert samples == there[labels][: len(samples)]


async def ask(port: int) -> dict[Any, list[Any]]:
    """Return times and values of the sender's own series, as a Prometheus API answers them."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.get("/api/v1/query", params={"query": '{job="itself"}[1h]'})
    result = answer.json()["data"]["result"]
    return {tuple(sorted(one["metric"].items())): one["values"] for one in result}
