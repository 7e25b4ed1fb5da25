"""Processes that are known to be bad, for the negative controls.

Usage: python -m torture.bad_monitor CONTROL (what `sakshi serve` takes)
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import uvloop
from prometheus_client import CollectorRegistry

from sakshi.app import Monitor
from sakshi.cli import serve
from sakshi.config import read_configuration
from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine, QueryResult
from sakshi.storage import Store
from sakshi.web.receipt import Receipt
from sakshi.web.received_series import ReceivedSeries
from sakshi.web.receiver import OnPush, Read, ReceivedSamples, Receiver


class DeafEngine(LocalEngine):
    """Never hears how much time a query has."""

    def instant(self, query: str, at_ms: int, **_: Any) -> QueryResult:
        """Answer as the real one, however long it takes."""
        return super().instant(query, at_ms)

    def range(self, query: str, start_ms: int, end_ms: int, step_ms: int, **_: Any) -> QueryResult:
        """Answer as the real one, however long it takes."""
        return super().range(query, start_ms, end_ms, step_ms)


class HoardingEngine(LocalEngine):
    """Keeps two blocks of numbers of every query."""

    def range(self, *arguments: Any, **named: Any) -> QueryResult:
        """Answer as the real one, and keep something."""
        self.__dict__.setdefault("kept", []).append(np.ones(2_000_000))
        return super().range(*arguments, **named)


class RestampingReceiver(Receiver):
    """Gives each push times of its own, so that no repetition is seen to be one."""

    pushes = 0

    async def receive(self, read: Read) -> Receipt:
        """Take in as the real one, some milliseconds later."""
        self.pushes += 1
        later = self.pushes % 7

        def read_later(series: ReceivedSeries, receipt: Receipt) -> ReceivedSamples:
            samples = read(series, receipt)
            return replace(samples, timestamps=samples.timestamps + later)

        return await super().receive(read_later)


class DeafMonitor(Monitor):
    """Has a DeafEngine."""

    def make_engine(self, store: Store) -> LocalEngine:
        """Return the bad engine."""
        return DeafEngine(store, SystemClock())


class HoardingMonitor(Monitor):
    """Has a HoardingEngine."""

    def make_engine(self, store: Store) -> LocalEngine:
        """Return the bad engine."""
        return HoardingEngine(store, SystemClock())


class RestampingMonitor(Monitor):
    """Has a RestampingReceiver."""

    def make_receiver(self, store: Store, registry: CollectorRegistry, on_push: OnPush) -> Receiver:
        """Return the bad receiver."""
        return RestampingReceiver(store, SystemClock(), registry, on_push)


CONTROLS: Final[Mapping[str, type[Monitor]]] = {
    "deaf": DeafMonitor,
    "hoarding": HoardingMonitor,
    "restamping": RestampingMonitor,
}


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    arguments = parser.parse_args(sys.argv[2:])
    configuration = read_configuration(arguments.config, os.environ)
    monitor = CONTROLS[sys.argv[1]](configuration, arguments.data, *arguments.listen)
    arguments.data.mkdir(parents=True, exist_ok=True)
    uvloop.run(monitor.run())


if __name__ == "__main__":
    main()
