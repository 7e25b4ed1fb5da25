"""Processes that are known to be bad, for the negative controls.

Usage: python -m torture.bad_monitor CONTROL (what `sakshi serve` takes)
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import uvloop

from sakshi.app import Monitor
from sakshi.cli import serve
from sakshi.config import read_configuration
from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine, QueryResult
from sakshi.storage import Store


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


ENGINES: Final[Mapping[str, type[LocalEngine]]] = {"deaf": DeafEngine, "hoarding": HoardingEngine}


class BadMonitor(Monitor):
    """A monitor whose engine is one of ENGINES."""

    engine: type[LocalEngine] = LocalEngine

    def make_engine(self, store: Store) -> LocalEngine:
        """Return the bad engine."""
        return self.engine(store, SystemClock())


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    arguments = parser.parse_args(sys.argv[2:])
    configuration = read_configuration(arguments.config, os.environ)
    monitor = BadMonitor(configuration, arguments.data, *arguments.listen)
    monitor.engine = ENGINES[sys.argv[1]]
    arguments.data.mkdir(parents=True, exist_ok=True)
    uvloop.run(monitor.run())


if __name__ == "__main__":
    main()
