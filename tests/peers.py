"""The real programs that sakshi is compared with; a missing one fails the test that needs it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2
import pytest

UNPACKED = Path(__file__).parents[1] / ".build" / "peers" / "usr" / "bin"
START_SECONDS_MAX = 60.0
FEATURES = ",".join(
    [
        "promql-experimental-functions",
        "promql-delayed-name-removal",
        "promql-duration-expr",
        "promql-extended-range-selectors",
        "promql-binop-fill-modifiers",
        "promql-per-step-stats",
    ]
)
"""What sakshi always has of PromQL and Prometheus only on demand; a version leaves out, with a
warning, what it does not know."""


def find_peer(name: str) -> Path:
    """Return the path of a peer: in SAKSHI_PEERS, where `make peers` unpacks it, or on the PATH."""
    folders = [os.environ.get("SAKSHI_PEERS", ""), str(UNPACKED), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    if found is None:
        pytest.fail(f"{name} is missing: `make peers` installs it")
    return Path(found)


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that runs on loopback over samples that were given to it.

    Args:
        client: of its HTTP API.
    """

    client: httpx2.Client

    def instant(self, query: str, at_seconds: float) -> dict[str, Any]:
        """Return the body of the answer to an instant query, an error's too."""
        response = self.client.post("/api/v1/query", data={"query": query, "time": at_seconds})
        body: dict[str, Any] = response.json()
        return body

    def range(
        self, query: str, start_seconds: float, end_seconds: float, step_seconds: float
    ) -> dict[str, Any]:
        """Return the body of the answer to a range query, an error's too."""
        response = self.client.post(
            "/api/v1/query_range",
            data={
                "query": query,
                "start": start_seconds,
                "end": end_seconds,
                "step": step_seconds,
            },
        )
        body: dict[str, Any] = response.json()
        return body


class PrometheusPeer:
    """Starts Prometheus servers over given samples."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prometheus = find_peer("prometheus")
        self._promtool = find_peer("promtool")
        self._count = 0

    @property
    def version(self) -> tuple[int, ...]:
        """Of the server: (3, 5, 3). Before 3, ranges are closed, and experiments unknown."""
        text = subprocess.run(
            [self._prometheus, "--version"], capture_output=True, text=True, check=True
        )
        found = re.search(r"version (\d+)\.(\d+)\.(\d+)", text.stdout + text.stderr)
        assert found is not None, text
        return tuple(map(int, found.groups()))

    @contextmanager
    def serving(self, open_metrics: str) -> Iterator[Prometheus]:
        """Run a server over samples, each with a timestamp, until the block ends.

        Args:
            open_metrics: the samples in OpenMetrics' text format, `# EOF` included.
        """
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        text, data, configuration = folder / "samples", folder / "data", folder / "prometheus.yml"
        text.write_text(open_metrics)
        configuration.write_text("global: {}\n")
        create: list[str | Path] = [
            self._promtool,
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            text,
            data,
        ]
        subprocess.run(create, check=True, capture_output=True, timeout=START_SECONDS_MAX)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        command: list[str | Path] = [
            self._prometheus,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            f"--enable-feature={FEATURES}",
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        deadline = threading.Timer(START_SECONDS_MAX, process.kill)
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        deadline.start()
        try:
            _wait_until_ready(process.stderr)
            deadline.cancel()
            drain.start()
            with httpx2.Client(base_url=f"http://{address}", timeout=START_SECONDS_MAX) as client:
                yield Prometheus(client)
        finally:
            deadline.cancel()
            process.kill()
            process.wait()
            if drain.ident is not None:
                drain.join()
            process.stderr.close()


def _wait_until_ready(log: IO[str]) -> None:
    """Return when the log says so; fail with the log when it ends."""
    lines = []
    for line in log:
        lines.append(line)
        if "Server is ready to receive web requests" in line:
            return
    pytest.fail("prometheus did not start:\n" + "".join(lines))


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> PrometheusPeer:
    """Starts real Prometheus servers; fails where the program is missing."""
    return PrometheusPeer(tmp_path_factory.mktemp("prometheus"))
