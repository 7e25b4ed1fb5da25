"""What `python -m torture flood` does for a minute, for seconds; and that it would notice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from torture.flood import FloodTorture
from torture.progress import Progress


def nothing() -> None:
    """Nobody wants to be told."""


@pytest.mark.slow
@pytest.mark.parametrize("is_open", [False, True], ids=["bounded", "the negative control"])
def test_a_flood_of_series_takes_nothing_from_others(tmp_path: Path, is_open: bool) -> None:
    """With a bound for each target the other one is whole; without it, it is not."""
    progress = Progress()
    torture = FloodTorture(tmp_path, random.Random(6), is_open=is_open, new_series=500)

    torture.run(progress, 15, nothing)

    assert progress.is_clean is not is_open, progress
    assert (progress.lost > 0) is is_open
