"""A real Prometheus that scrapes what a test serves, beside sakshi."""

from __future__ import annotations

import contextlib
import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.peers import find_peer

START_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05


@contextlib.contextmanager
def serving_bodies(bodies: Mapping[str, tuple[str, bytes]]) -> Iterator[str]:
    """Serve bodies by path, each with its Content-Type; yield the server's address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content_type, body = bodies.get(self.path.partition("?")[0], ("text/plain", b""))
            self.send_response(200)
            if content_type:
                self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 1024  # sakshi asks for all of them at once
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing of connections that Prometheus' end has cut."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def scraping(
    folder: Path, configuration: Mapping[str, Any], *options: str
) -> Iterator[httpx2.Client]:
    """Run a Prometheus by this configuration; yield a client of its API."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(dict(configuration), allow_unicode=True))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [
            find_peer("prometheus"),
            f"--config.file={path}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--enable-feature=exemplar-storage,promql-per-step-stats",
            *options,
        ],
        stderr=log,
    )
    try:
        with httpx2.Client(base_url=f"http://{address}", timeout=START_SECONDS_MAX) as client:
            wait_until(lambda: is_ready(client), folder / "log")
            yield client
    finally:
        process.kill()
        process.wait()
        log.close()


def is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(condition: Callable[[], object], log: Path) -> None:
    """Return once a condition holds; fail with Prometheus' log where it never does."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"Prometheus did not come so far:\n{log.read_text()}")
        time.sleep(POLL_SECONDS)


def data(client: httpx2.Client, path: str, **parameters: str) -> Any:
    """Return the data of an answer of the API."""
    return client.get(f"/api/v1/{path}", params=parameters).json()["data"]


def version(client: httpx2.Client) -> str:
    """Return the version, which tests print."""
    return str(data(client, "status/buildinfo")["version"])
