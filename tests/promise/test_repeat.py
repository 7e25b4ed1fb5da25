"""What `python -m torture repeat` does for minutes, for seconds; and that it would notice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from torture.progress import Progress
from torture.repeat import RepeatTorture


def nothing() -> None:
    """Nobody wants to be told."""


@pytest.mark.slow
def test_a_batch_that_is_sent_again_is_stored_once(tmp_path: Path) -> None:
    """Over many connections, in any order, cut off or not; also after a restart."""
    progress = Progress()

    RepeatTorture(tmp_path, random.Random(4)).run(progress, 100, nothing)

    assert progress.is_clean, progress
    assert progress.samples > 500


@pytest.mark.slow
def test_repeat_torture_notices_who_knows_no_repetition(tmp_path: Path) -> None:
    """The negative control: a receiver that gives each push times of its own."""
    progress = Progress()

    RepeatTorture(tmp_path, random.Random(4), "restamping").run(progress, 20, nothing)

    assert progress.wrong > 0
