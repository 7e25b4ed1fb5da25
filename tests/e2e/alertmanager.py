"""Real Alertmanagers and Prometheus servers on loopback, for tests of what they are told."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
from tests.e2e.process import free_port, wait_for
from tests.peers import find_peer

CONFIG = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
"""


class Alertmanager:
    """A real Alertmanager that tells nobody, and its API."""

    def __init__(self, folder: Path, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.http = httpx2.Client(base_url=f"http://{self.address}", trust_env=False, timeout=10)
        folder.mkdir(exist_ok=True)
        config = folder / "alertmanager.yml"
        config.write_text(CONFIG)
        arguments = [f"--config.file={config}", f"--storage.path={folder / 'data'}"]
        arguments += [f"--web.listen-address={self.address}", "--cluster.listen-address="]
        self.process = subprocess.Popen(
            [find_peer("prometheus-alertmanager"), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Return once it answers."""
        wait_for("Alertmanager", lambda: self.http.get("/-/ready").status_code == 200)

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that it shows, by name; those that are resolved are not shown."""
        answer = self.http.get("/api/v2/alerts").json()
        return {alert["labels"]["alertname"]: alert for alert in answer}

    def close(self) -> None:
        """End it without a goodbye."""
        self.process.kill()
        self.process.wait()
        self.http.close()


@contextlib.contextmanager
def alertmanager(folder: Path, port: int | None = None) -> Iterator[Alertmanager]:
    """Run an Alertmanager until the block ends; it may not be ready yet."""
    peer = Alertmanager(folder, port or free_port())
    try:
        yield peer
    finally:
        peer.close()


@contextlib.contextmanager
def prometheus(folder: Path, config: Path) -> Iterator[httpx2.Client]:
    """Run a real Prometheus by a configuration; yield a client of its API, not ready yet."""
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            find_peer("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder}",
            f"--web.listen-address={address}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx2.Client(base_url=f"http://{address}", trust_env=False, timeout=10) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def comparable(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert as Alertmanager shows it, less what must differ between two senders.

    When it was evaluated (`startsAt`, `endsAt`, `updatedAt`), the sender's address in
    `generatorURL`, and annotations without a text: sakshi has none, Prometheus tells them.
    """
    left = {
        key: value for key, value in alert.items() if key not in ("startsAt", "endsAt", "updatedAt")
    }
    texts = {name: text for name, text in alert["annotations"].items() if text}
    link = "/" + str(alert["generatorURL"]).split("/", 3)[3]
    return {**left, "annotations": texts, "generatorURL": link}
