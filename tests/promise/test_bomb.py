"""What `python -m torture bomb` does for minutes, for seconds; and that it would notice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from torture.bomb import BombTorture
from torture.progress import Progress


def nothing() -> None:
    """Nobody wants to be told."""


@pytest.mark.slow
def test_bodies_are_bounded_before_they_are_decoded(tmp_path: Path) -> None:
    """Each bomb for a push is refused, and takes no memory that would be noticed."""
    progress = Progress()

    BombTorture(tmp_path, random.Random(5), sizes=range(36, 40)).run(progress, 17, nothing)

    assert progress.is_clean, progress
    assert progress.acknowledged >= 14
