"""One engine on one data folder; may be started and stopped again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.api import UNREACHABLE, Api, ApiError
from benchmarks.engine.feed import Feed
from benchmarks.engine.kind import Place, Watch, find_kind, notification_lines
from benchmarks.engine.settings import Settings
from benchmarks.process import Process, cpu_seconds, free_port, memory_bytes

POLL_SECONDS = 0.005
READY_SECONDS_MAX = 60.0
LOG_LINES = 20  # of an error


class SubjectError(Exception):
    """The subject did not do what it must; the message ends with its log."""


class Subject:
    """An engine under measurement.

    Args:
        spec: see `find_kind`.
        work: a folder of its own.
    """

    def __init__(self, spec: str, work: Path, settings: Settings) -> None:
        self.spec = spec
        self.kind = find_kind(spec, settings.programs)
        self.work = work
        self.data = work / "data"
        self.data.mkdir(parents=True)
        self.port = 0
        self.api = Api(self.port)
        self._log = work / "subject.log"
        self._alertmanager_program = settings.programs["alertmanager"]
        self._started = 0.0
        self._measured: list[Process] = []
        self._alertmanager: Process | None = None  # its CPU is not the subject's

    def start(self, watch: Watch = Watch()) -> None:  # noqa: B008 - immutable
        """Start it; returns before it is ready."""
        self.port = free_port()
        self.api = Api(self.port)
        place = Place(self.work / "config.yml", self.data, self.port)
        place.config.write_text(self.kind.configuration(watch))
        self._started = time.perf_counter()
        command, environment = self.kind.command(place, watch), self.kind.environment()
        self._measured = [Process(command, self._log, environment)]
        runner = self.kind.rule_runner(place, watch)
        if runner:
            self.wait_until_it_answers("vector(1)")
            self._measured.append(Process(runner, self.work / "rule-runner.log"))

    def start_alertmanager(self, webhook: str) -> str:
        """Return the address of an Alertmanager that tells the webhook of every alert at once."""
        config, address = self.work / "alertmanager.yml", f"127.0.0.1:{free_port()}"
        config.write_text("\n".join(notification_lines(webhook)) + "\n")
        command = [
            self._alertmanager_program,
            f"--config.file={config}",
            f"--storage.path={self.work / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        self._alertmanager = Process(command, self.work / "alertmanager.log")
        return address

    def wait_until_it_answers(self, expr: str, **parameters: Any) -> float:
        """Return the seconds from its start to the first answer to a query that is not empty.

        Raises:
            SubjectError: it ended, or that took more than a minute.
        """
        return self._wait_until(
            f"answer to {expr}", lambda: bool(self.api.query(expr, **parameters))
        )

    def wait_until_ready(self) -> float:
        """Return the seconds from its start to the first good answer at /-/ready."""
        return self._wait_until(
            "good answer at /-/ready", lambda: bool(self.api.request("/-/ready"))
        )

    def cpu_seconds(self) -> float:
        """Return the CPU time since its start."""
        return sum(cpu_seconds(process.pid) for process in self._measured)

    def memory_bytes(self) -> int:
        """Return its resident memory."""
        return sum(memory_bytes(process.pid) for process in self._measured)

    def stop(self, *, kill: bool = False) -> None:
        """Stop everything that was started, the newest first."""
        self.api.close()
        for process in reversed(self._measured):
            process.stop(kill=kill)
        self._measured = []
        if self._alertmanager is not None:
            self._alertmanager.stop(kill=kill)
            self._alertmanager = None

    def wait_until_it_scraped(self, feed: Feed, times: int = 2) -> None:
        """Return once it has scraped every target so often.

        Raises:
            SubjectError: it ended, or that took more than a minute.
        """
        self._wait_until(f"{times} scrapes", lambda: min(map(len, feed.served())) >= times)

    def _wait_until(self, what: str, is_done: Callable[[], bool]) -> float:
        """Return the seconds from its start until this is true."""
        process = self._measured[0]
        while process.is_running and time.perf_counter() - self._started < READY_SECONDS_MAX:
            try:
                if is_done():
                    return time.perf_counter() - self._started
            except (*UNREACHABLE, ApiError):
                pass  # not yet
            time.sleep(POLL_SECONDS)
        log = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        raise SubjectError("\n".join([f"{self.spec}: no {what}. Its log ends so:", *log]))
