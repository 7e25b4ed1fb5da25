"""A real `sakshi serve` under torture: started in a folder, asked, weighed, stopped.

A negative control is the same process with a `Monitor` that is known to be bad (`bad_monitor.py`).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

ROOT: Final = Path(__file__).resolve().parent.parent
START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 30.0
STEP_SECONDS: Final = 0.05  # between two looks at whether it is ready


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP.

    Args:
        status: of HTTP; 0: the connection broke.
        body: at most as much as was asked for.
        size: how long it really was.
        seconds: until its end.
    """

    status: int
    body: bytes
    size: int
    seconds: float


class Serving:
    """A process that runs.

    Args:
        process: of it.
        port: at which it listens.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def ask(
        self,
        path: str,
        parameters: Mapping[str, str],
        timeout_seconds: float,
        kept_bytes: int = 1 << 16,
    ) -> Answer:
        """Return the answer to a POST of a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.post(path, urlencode(parameters).encode(), headers, timeout_seconds, kept_bytes)

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float,
        kept_bytes: int = 1 << 16,
    ) -> Answer:
        """Return the answer to a POST of a body."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)
        try:
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            kept = response.read(kept_bytes)
            size = len(kept)
            while part := response.read(1 << 20):
                size += len(part)
            return Answer(response.status, kept, size, time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, repr(error).encode(), 0, time.monotonic() - began)
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def samples(self, selector: str, seconds: int) -> list[tuple[float, float]]:
        """Return the samples of the first series that a selector finds, of the last seconds."""
        answer = self.ask("/api/v1/query", {"query": f"{selector}[{seconds}s]"}, 30, 1 << 24)
        result: list[dict[str, Any]] = json.loads(answer.body)["data"]["result"]
        return [(at, float(value)) for at, value in result[0]["values"]] if result else []

    def memory_bytes(self) -> int:
        """Return how much memory the process has that is its own."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise RuntimeError("the process is gone")

    def peak_bytes(self) -> int:
        """Return the most memory that the process had since `forget_peak`."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
        raise RuntimeError("the process is gone")

    def forget_peak(self) -> None:
        """Begin anew with `peak_bytes`."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def stop(self) -> int:
        """Ask it to end; return its exit code, negative where it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextlib.contextmanager
def serving(folder: Path, configuration: str, control: str = "") -> Iterator[Serving]:
    """Run a process on a folder until the block ends.

    Args:
        folder: gets `sakshi.yml`, the folder `data` and `sakshi.log`.
        configuration: of it, YAML.
        control: the known-bad monitor that it has; empty: the real one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sakshi.yml").write_text(configuration)
    port = free_port()
    module = ["torture.bad_monitor", control] if control else ["sakshi", "serve"]
    command = [sys.executable, "-m", *module, "--config", str(folder / "sakshi.yml")]
    command += ["--data", str(folder / "data"), "--listen", f"127.0.0.1:{port}"]
    with (folder / "sakshi.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT
        )
    try:
        server = Serving(process, port)
        _await_ready(server, folder / "sakshi.log")
        yield server
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _await_ready(server: Serving, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if server.get("/-/ready")[0] == 200:
                return
        if server.process.poll() is not None:
            break
        time.sleep(STEP_SECONDS)
    raise RuntimeError(f"sakshi serve is not ready: {log.read_text()[-2000:]}")


def free_port() -> int:
    """Return a port at which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
