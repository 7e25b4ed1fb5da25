"""What `python -m torture hostile` does for minutes, for seconds; and that it would notice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from torture.hostile import HostileTorture
from torture.progress import Progress


def nothing() -> None:
    """Nobody wants to be told."""


@pytest.mark.slow
@pytest.mark.parametrize("is_forgetful", [False, True], ids=["whole", "the negative control"])
def test_a_scrape_that_fails_is_up_0_and_one_stale_marker_a_series(
    tmp_path: Path, is_forgetful: bool
) -> None:
    """However the target misbehaves; an ingester without stale markers is found."""
    progress = Progress()
    torture = HostileTorture(tmp_path, random.Random(8), is_forgetful=is_forgetful)

    torture.run(progress, 60, nothing)

    assert progress.is_clean is not is_forgetful, progress
    assert progress.samples > 300
