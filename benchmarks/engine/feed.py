"""The synthetic targets as a child process, and what they handed out so far."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.api import Api
from benchmarks.engine.settings import Settings
from benchmarks.process import cpu_seconds

SPARE_TICKS = 20  # scraped before the measurement begins, and rendered beforehand too


class Feed:
    """All targets of one run. Each tick of a target is one scrape of it."""

    def __init__(self, settings: Settings) -> None:
        numbers = {
            "--series": settings.series,
            "--targets": settings.targets,
            "--prerender": int(settings.duration_seconds) + SPARE_TICKS,
            "--seed": settings.seed,
        }
        arguments = [text for name, number in numbers.items() for text in (name, str(number))]
        self._popen = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("exporter.py")), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        with self._popen.stdout as output:
            hello = json.loads(output.readline())
        self.ports: Sequence[int] = hello["targets"]
        self.series_per_target = settings.series // settings.targets
        self._api = Api(hello["control"])

    def log(self) -> Sequence[Sequence[tuple[int, float]]]:
        """Return, for each target, every tick that was handed out, with its moment."""
        return [
            [(int(tick), float(at)) for tick, at in target] for target in self._api.json("/served")
        ]

    def served(self, until: float = math.inf) -> Sequence[set[int]]:
        """Return, for each target, the ticks that were handed out until a moment, inclusive."""
        return [{tick for tick, at in target if at <= until} for target in self.log()]

    def samples(self) -> int:
        """Return how many samples were handed out."""
        ticks: Mapping[str, list[int]] = self._api.json("/ticks")
        return sum(ticks["ticks"]) * self.series_per_target

    def set_fault(self, slot: int, value: int) -> float:
        """Set a fault gauge of the first target; return the moment."""
        return float(self._api.json("/fault", slot=slot, value=value)["at"])

    def cpu_seconds(self) -> float:
        """Return the CPU time that the targets themselves took."""
        return cpu_seconds(self._popen.pid)

    def stop(self) -> None:
        """End the child."""
        self._api.close()
        self._popen.terminate()
        self._popen.wait()
