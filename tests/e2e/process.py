"""Real sakshi processes on loopback: started, asked, stopped or killed."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

Answer = TypeVar("Answer")

START_SECONDS_MAX = 30.0
STEP_SECONDS = 0.1


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_for(what: str, ask: Callable[[], Answer], seconds: float = START_SECONDS_MAX) -> Answer:
    """Return the first true answer; fail, naming what was waited for, where none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if answer := ask():
                return answer
        time.sleep(STEP_SECONDS)
    pytest.fail(f"{what}: not within {seconds:g} s")


class Sakshi:
    """A `sakshi serve` process, and its API.

    Args:
        config: its configuration.
        data: its folder.
        log: where its standard error goes, appended.
    """

    def __init__(self, config: Path, data: Path, log: Path, port: int) -> None:
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=10)
        arguments = [sys.executable, "-m", "sakshi", "serve", "--config", str(config)]
        arguments += ["--data", str(data), "--listen", f"127.0.0.1:{port}"]
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        wait_for(f"sakshi ready, see {log}", lambda: self.http.get("/-/ready").status_code == 200)

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        answer = self.http.post("/api/v1/query", data={"query": expr}).json()
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, expr: str) -> float | None:
        """Return the value of the first series of an instant query; None where there is none."""
        result = self.query(expr)
        return float(result[0]["value"][1]) if result else None

    def get(self, path: str) -> Any:
        """Return `data` of an API answer."""
        return self.http.get(path).json()["data"]

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_SECONDS_MAX)

    def kill(self) -> None:
        """Kill it as a power cut would: no goodbye."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.kill()
        self.http.close()


@contextlib.contextmanager
def running(config: Path, data: Path, port: int | None = None) -> Iterator[Sakshi]:
    """Run a sakshi until the block ends."""
    sakshi = Sakshi(config, data, data.parent / f"{data.name}.log", port or free_port())
    try:
        yield sakshi
    finally:
        sakshi.close()


def children_of(pid: int) -> Sequence[int]:
    """Return the process ids of the living descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += parents.get(parent, [])
    return found[1:]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
