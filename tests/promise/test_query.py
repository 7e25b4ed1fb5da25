"""What `python -m torture query` does for minutes, for seconds; and that it would notice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from torture.progress import Progress
from torture.query import QueryTorture


def nothing() -> None:
    """Nobody wants to be told."""


@pytest.mark.slow
def test_no_query_takes_the_server_down(tmp_path: Path) -> None:
    """One of each kind: all are answered or stopped, and every scrape in between succeeds."""
    progress = Progress()
    torture = QueryTorture(
        tmp_path, random.Random(1), timeout_seconds=0.1, grace_seconds=60, jitter_part_max=60
    )

    torture.run(progress, 25, nothing)

    assert progress.is_clean, progress
    assert progress.rounds == 25
    assert progress.samples >= 1


@pytest.mark.slow
def test_query_torture_notices_an_engine_that_hears_no_deadline(tmp_path: Path) -> None:
    """The negative control: a query that goes on and on is found."""
    progress = Progress()
    torture = QueryTorture(
        tmp_path, random.Random(1), "deaf", timeout_seconds=0.01, grace_seconds=0, warm=0
    )

    torture.run(progress, 5, nothing)

    assert progress.broken > 0
