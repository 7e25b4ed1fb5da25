"""What `python -m torture clock` does for minutes, for a second; and that it would notice."""

from __future__ import annotations

import random
from pathlib import Path

from torture.clock import ClockTorture
from torture.progress import Progress


def nothing() -> None:
    """Nobody wants to be told."""


def test_clock_steps_lose_and_poison_nothing(tmp_path: Path) -> None:
    """Whatever the clock did: the store has what the rules of `torture/clock.py` say."""
    progress = Progress()

    ClockTorture(tmp_path, random.Random(2), scrapes=100).run(progress, 2, nothing)

    assert progress.is_clean, progress
    assert progress.samples > 200


def test_clock_torture_notices_who_waits_for_the_clock(tmp_path: Path) -> None:
    """The negative control: an ingester that drops rows until the clock gets there again."""
    progress = Progress()

    ClockTorture(tmp_path, random.Random(2), is_waiting=True, scrapes=100).run(progress, 2, nothing)

    assert progress.lost > 0
