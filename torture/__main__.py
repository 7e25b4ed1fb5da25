"""Torture a store: `python -m torture kill`, and `cut`, `mutate`, `full` (see their modules).

A run that was stopped goes on where it was; `--fresh` begins anew. With `--control`, a store that
is known to lose is tortured, and the run fails unless losses are found.
"""

from __future__ import annotations

import argparse
import random
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from torture.cut import CutTorture
from torture.full import FullTorture
from torture.kill import KillTorture
from torture.mutate import MutationTorture
from torture.progress import Progress, load_progress

ROUNDS: Final = {"kill": 500, "cut": 20_000, "mutate": 1000, "full": 100}
CONTROL_ROUNDS: Final = {"kill": 20, "cut": 500, "mutate": 3, "full": 10}
CONTROLS: Final = {
    "kill": ("early",),
    "cut": ("normal", "off"),
    "mutate": ("forged",),
    "full": ("forgetful",),
}
FOLDER: Final = Path(".build/torture")
TELL_SECONDS: Final = 10.0


class Torture(Protocol):
    """What all of them can do."""

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None], /) -> None:
        """Count until so many rounds are done; `tell` is called now and then."""


def main(arguments: list[str] | None = None) -> int:
    """Run one torture; return 0 where it found what it had to find."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.control and options.control not in CONTROLS[options.torture]:
        parser.error(f"{options.torture} has the controls {', '.join(CONTROLS[options.torture])}")
    name = options.torture if not options.control else f"{options.torture}-{options.control}"
    rounds = options.rounds or (CONTROL_ROUNDS if options.control else ROUNDS)[options.torture]
    folder = options.folder / name
    file = options.folder / f"{name}.json"
    if options.fresh or options.control:
        file.unlink(missing_ok=True)
    progress = load_progress(file)
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    print(f"{name} seed={seed} begins at round {progress.rounds} of {rounds}", flush=True)
    torture = _make(options.torture, options.control, folder, random.Random(seed))
    told = time.monotonic()

    def tell() -> None:
        nonlocal told
        progress.save(file)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            print(f"{name} {progress}", flush=True)

    torture.run(progress, rounds, tell)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{name} {progress}", flush=True)
    return _judge(name, progress, is_control=bool(options.control))


def _judge(name: str, progress: Progress, *, is_control: bool) -> int:
    if is_control and progress.is_clean:
        print(f"{name}: the negative control lost nothing, so this torture proves nothing")
        return 1
    if not is_control and not progress.is_clean:
        print(f"{name}: FAILED")
        return 1
    return 0


def _make(torture: str, control: str | None, folder: Path, chance: random.Random) -> Torture:
    if torture == "kill":
        return KillTorture(folder, chance, is_early=control is not None)
    if torture == "mutate":
        return MutationTorture(folder, chance, is_forged=control is not None)
    if torture == "full":
        return FullTorture(folder, chance, is_forgetful=control is not None)
    return CutTorture(folder, chance, control or "full")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("torture", choices=sorted(ROUNDS))
    parser.add_argument("--rounds", type=int, help="of kills or images, earlier runs included")
    parser.add_argument("--control", help="early, normal, off, forged, forgetful")
    parser.add_argument("--seed", type=int, help="repeats what chance decided")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
