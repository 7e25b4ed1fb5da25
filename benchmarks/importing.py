"""What an import costs the store: samples a second, microseconds and bytes a sample.

Counters with random steps, 1,000 series in 10 targets by default, in the order of their times or
series after series. The text is not read here: it is the store that is measured, and each batch is
durable before the next. CPU time stands beside: on a busy machine it says more than the clock.

    python -m benchmarks.importing [--samples 5000000] [--series 1000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch, SqliteStore

BATCH_SAMPLES: Final = 250_000
START_MS: Final = 1_700_000_000_000
INTERVAL_MS: Final = 15_000
TARGETS: Final = 10


def main() -> None:
    """Measure both orders, and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=5_000_000)
    parser.add_argument("--series", type=int, default=1_000)
    arguments = parser.parse_args()
    for order in ("time", "series"):
        measure(order, arguments.series, arguments.samples // arguments.series)


def measure(order: str, series: int, rows: int) -> None:
    """Import into a new folder, and print what it took."""
    names = [
        Labels({"__name__": f"m{i % 50}_total", "instance": f"i{i % TARGETS}", "n": str(i)})
        for i in range(series)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        taken, seconds, cpu, slowest = 0, 0.0, 0.0, 0.0
        for batch in batches(order, names, rows):
            started, cpu_started = time.perf_counter(), time.process_time()
            taken += store.import_samples(batch).taken
            took = time.perf_counter() - started
            cpu += time.process_time() - cpu_started
            seconds, slowest = seconds + took, max(slowest, took)
        size = store.statistics().disk_bytes
        store.close()
    print(
        f"order of {order}: {taken:,} samples, {taken / seconds:,.0f} a second, "
        f"{1e6 * seconds / taken:.2f} us ({1e6 * cpu / taken:.2f} of CPU) and "
        f"{size / taken:.2f} bytes a sample, "
        f"slowest batch {slowest:.3f} s"
    )


def batches(order: str, names: list[Labels], rows: int) -> Iterator[ImportBatch]:
    """Yield all samples, in batches of about `BATCH_SAMPLES`."""
    chance = np.random.default_rng(1)
    values = chance.integers(0, 10, (rows, len(names))).cumsum(axis=0).astype(np.float64)
    moments = START_MS + INTERVAL_MS * np.arange(rows, dtype=np.int64)
    by_time = order == "time"
    step = max(1, BATCH_SAMPLES // (len(names) if by_time else rows))
    for first in range(0, rows if by_time else len(names), step):
        chosen = slice(first, first + step)
        part = values[chosen] if by_time else values[:, chosen]
        here = moments[chosen] if by_time else moments
        places = np.arange(len(names)) if by_time else np.arange(len(names))[chosen]
        yield ImportBatch(
            names, np.tile(places, here.size), np.repeat(here, places.size), part.ravel()
        )


if __name__ == "__main__":
    main()
