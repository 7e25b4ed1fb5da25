"""What `MetricsMiddleware` adds to a request: paired runs of one app, bare and watched.

Both handle the same request in alternating blocks, in random order, on the thread's CPU clock; the
figure is the median of the paired differences, so that a slow moment of the machine hits both.

    python benchmarks/middleware.py [--pairs 200] [--requests 500]

Prints JSON. Target: 5 us a request; limit: 10 us.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.routing import Route

from sakshi.instrument import Metrics, MetricsMiddleware
from sakshi.instrument.asgi import App, Receive, Send

Scope = MutableMapping[str, Any]

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"ok"}


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as a framework does that has matched a route."""
    scope["route"] = ROUTE
    await send(START)
    await send(BODY)


async def _endpoint(request: object) -> None: ...


ROUTE = Route("/api/consciousness/chat", _endpoint, methods=["POST"])


async def receive() -> MutableMapping[str, Any]:
    """Return an empty request body."""
    return {"type": "http.request", "body": b""}


async def send(message: MutableMapping[str, Any]) -> None:
    """Take a message as a server does that has room in its buffer."""


async def block_microseconds(app: App, requests: int) -> float:
    """Return the mean thread CPU time of so many requests, in microseconds."""
    scopes = [
        {"type": "http", "path": "/api/consciousness/chat", "method": "POST", "root_path": ""}
        for _ in range(requests)
    ]
    started = time.thread_time_ns()
    for scope in scopes:
        await app(scope, receive, send)
    return (time.thread_time_ns() - started) / requests / 1000


async def measure(pairs: int, requests: int, seed: int) -> dict[str, float]:
    """Return the cost of both apps and of the difference, in microseconds a request."""
    metrics = Metrics(CollectorRegistry())
    apps: dict[str, App] = {"bare": answer, "watched": MetricsMiddleware(answer, metrics)}
    order = random.Random(seed)
    costs: dict[str, list[float]] = {"bare": [], "watched": []}
    for app in apps.values():
        await block_microseconds(app, requests)  # warm up
    for _ in range(pairs):
        for name in order.sample(list(apps), 2):
            costs[name].append(await block_microseconds(apps[name], requests))
    added = [w - b for b, w in zip(costs["bare"], costs["watched"], strict=True)]
    deciles = statistics.quantiles(added, n=10)
    return {
        "bare_us": round(statistics.median(costs["bare"]), 3),
        "watched_us": round(statistics.median(costs["watched"]), 3),
        "added_us": round(statistics.median(added), 3),
        "added_us_p10": round(deciles[0], 3),
        "added_us_p90": round(deciles[-1], 3),
    }


def commit() -> str:
    """Return the checkout's commit; empty outside of one."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--requests", type=int, default=500, help="per block")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    figures = asyncio.run(measure(options.pairs, options.requests, options.seed))
    settings = {"pairs": options.pairs, "requests": options.requests, "seed": options.seed}
    machine = {"machine": platform.machine(), "kernel": platform.release(), "cores": os.cpu_count()}
    print(
        json.dumps(
            {
                "benchmark": "middleware",
                "commit": commit(),
                "python": platform.python_version(),
                **machine,
                "settings": settings,
                **figures,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
