"""Appends rows to a store until it is killed, and names each on standard output once it is durable.

Usage: journal_writer.py FOLDER FIRST_ROW
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage import SqliteStore, StorageConfig

START_MS = 1_700_000_000_000
SERIES = 50
CONFIG = StorageConfig(head_ms=20_000, seal_rows=10)


def row_values(row: int) -> NDArray[np.float64]:
    """What row number `row` holds: some series stand still, some count, some are noise."""
    counters = np.arange(SERIES, dtype=np.float64) * row
    counters[::3] = np.arange(SERIES)[::3]
    counters[1::3] = np.random.default_rng(row).random(counters[1::3].size)
    return counters


def row_labels(part: int) -> list[Labels]:
    return [
        Labels({"__name__": f"m{n % 7}", "n": str(n), "part": str(part)}) for n in range(SERIES)
    ]


def main() -> None:
    store = SqliteStore(Path(sys.argv[1]), CONFIG)
    parts = [store.target(Labels({"part": str(part)})) for part in range(2)]
    columns = [target.columns(row_labels(part)) for part, target in enumerate(parts)]
    row = int(sys.argv[2])
    while True:
        for part, target in enumerate(parts):
            target.append(START_MS + row * 1000, columns[part], row_values(row) + part)
        store.commit()
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()
        row += 1


if __name__ == "__main__":
    main()
