"""What `make torture` does for minutes, for seconds; and that it would notice a loss."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

import pytest
from torture.__main__ import main
from torture.cut import CutTorture
from torture.full import FullTorture
from torture.image import DiskImage
from torture.kill import KillTorture
from torture.mutate import MutationTorture
from torture.progress import Progress, load_progress
from torture.recorder import Acknowledge, Event, Sync, Truncate, Write


def nothing() -> None:
    """Nobody wants to be told."""


def fresh_chance() -> random.Random:
    """Each run tries other moments; the seed is shown where a test fails."""
    seed = secrets.randbelow(1 << 32)
    print(f"seed={seed}")  # noqa: T201 - pytest shows it
    return random.Random(seed)


@pytest.mark.slow
def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """After kill -9 at a random moment, every acknowledged sample is there, bit by bit."""
    progress = Progress()

    KillTorture(tmp_path / "data", fresh_chance()).run(progress, 5, nothing)

    assert progress.is_clean, progress
    assert progress.rounds == 5
    assert progress.samples > 1000


@pytest.mark.slow
def test_kill_torture_notices_a_store_that_acknowledges_too_early(tmp_path: Path) -> None:
    """The negative control: who says "durable" before the commit loses samples."""
    progress = Progress()
    torture = KillTorture(tmp_path / "data", fresh_chance(), is_early=True)

    while progress.rounds < 100 and progress.is_clean:
        torture.run(progress, progress.rounds + 5, nothing)

    assert progress.lost > 0


@pytest.mark.slow
def test_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Whatever of the unsynced writes reached the disk: all acknowledged samples are there."""
    progress = Progress()

    CutTorture(tmp_path, fresh_chance(), steps=150).run(progress, 100, nothing)

    assert progress.is_clean, progress
    assert progress.rounds == 100
    assert progress.samples > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("synchronous", ["normal", "off"])
def test_power_cut_torture_notices_a_store_that_does_not_sync(
    tmp_path: Path, synchronous: str
) -> None:
    """The negative control: without a sync for each commit, samples are lost."""
    progress = Progress()

    CutTorture(tmp_path, fresh_chance(), synchronous, steps=150).run(progress, 50, nothing)

    assert not progress.is_clean
    assert progress.wrong == 0, "even then no value is made up"


@pytest.mark.slow
def test_damaged_store_opens_and_never_lies(tmp_path: Path) -> None:
    """Whatever is damaged: the store opens, and gives no value that was never written."""
    progress = Progress()

    MutationTorture(tmp_path, fresh_chance()).run(progress, 100, nothing)

    assert progress.is_clean, progress
    assert progress.samples > 100_000, "most damage costs little"


def test_mutation_torture_notices_a_wrong_value(tmp_path: Path) -> None:
    """The negative control: a value that was never written, under a checksum that is right."""
    progress = Progress()

    MutationTorture(tmp_path, fresh_chance(), is_forged=True).run(progress, 1, nothing)

    assert progress.wrong == 1


@pytest.mark.slow
def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A disk that refuses stops no reader; once there is room, everything is durable."""
    progress = Progress()

    FullTorture(tmp_path / "data", fresh_chance()).run(progress, 10, nothing)

    assert progress.is_clean, progress
    assert progress.samples > 1000


@pytest.mark.slow
def test_full_torture_notices_a_store_that_gives_up(tmp_path: Path) -> None:
    """The negative control: who keeps nothing for the next commit loses it."""
    progress = Progress()

    FullTorture(tmp_path / "data", fresh_chance(), is_forgetful=True).run(progress, 3, nothing)

    assert progress.lost > 0


def test_image_has_what_was_synced_and_chance_decides_about_the_rest(tmp_path: Path) -> None:
    """Synced bytes are in every image; of others, sectors may be missing, in any combination."""
    disk = DiskImage()
    events: list[Event] = [
        Write("a", 0, b"x" * 1024),
        Sync("a"),
        Acknowledge(3),
        Write("a", 1024, b"y" * 1024),
        Truncate("b", 0),
    ]
    for event in events:
        disk.apply(event)
    images = set()

    for seed in range(200):
        disk.cut(tmp_path, random.Random(seed))
        images.add((tmp_path / "a").read_bytes())

    x, y, zero = b"x" * 1024, b"y" * 512, bytes(512)
    assert images == {x, x + y, x + y + y, x + zero + y}
    assert disk.acknowledged == 3


def test_torture_goes_on_where_it_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts are kept in a file; what has been done is not done again."""
    Progress(rounds=7, samples=70).save(tmp_path / "cut.json")

    assert main(["cut", "--rounds", "7", "--seed", "5", "--folder", str(tmp_path)]) == 0

    assert load_progress(tmp_path / "cut.json") == Progress(rounds=7, samples=70)
    assert capsys.readouterr().out == (
        "cut seed=5 begins at round 7 of 7\n"
        "cut rounds=7 samples=70 lost=0 wrong=0 unopenable=0 broken=0 acknowledged=0 seconds=0\n"
    )


@pytest.mark.parametrize(
    ("arguments", "counts", "code", "said"),
    [
        pytest.param([], Progress(rounds=1), 0, "", id="nothing lost"),
        pytest.param([], Progress(rounds=1, lost=1), 1, "cut: FAILED\n", id="lost"),
        pytest.param([], Progress(rounds=1, wrong=1), 1, "cut: FAILED\n", id="wrong"),
        pytest.param([], Progress(rounds=1, unopenable=1), 1, "cut: FAILED\n", id="unopenable"),
        pytest.param([], Progress(rounds=1, broken=1), 1, "cut: FAILED\n", id="broken"),
    ],
)
def test_torture_fails_where_anything_was_lost(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    counts: Progress,
    code: int,
    said: str,
) -> None:
    """The exit code says what the counts say."""
    counts.save(tmp_path / "cut.json")

    assert main(["cut", "--rounds", "1", "--folder", str(tmp_path), *arguments]) == code

    assert capsys.readouterr().out.split("\n", 2)[2] == said
