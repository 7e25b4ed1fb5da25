"""Torture sakshi: `python -m torture kill`, and the others of `kind.py` (see their modules).

A run that was stopped goes on where it was; `--fresh` begins anew. With `--control`, a build that
is known to be bad is tortured, and the run fails unless it is caught.
"""

from __future__ import annotations

import argparse
import logging
import random
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from torture.kind import KINDS
from torture.progress import Progress, load_progress

FOLDER: Final = Path(".build/torture")
TELL_SECONDS: Final = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Run one torture; return 0 where it found what it had to find."""
    parser = _parser()
    options = parser.parse_args(arguments)
    kind = KINDS[options.torture]
    if options.control and options.control not in kind.controls:
        parser.error(f"{options.torture} has the controls {', '.join(kind.controls)}")
    name = options.torture if not options.control else f"{options.torture}-{options.control}"
    rounds = options.rounds or (kind.control_rounds if options.control else kind.rounds)
    folder = options.folder / name
    file = options.folder / f"{name}.json"
    if options.fresh or options.control:
        file.unlink(missing_ok=True)
    progress = load_progress(file)
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    print(f"{name} seed={seed} begins at round {progress.rounds} of {rounds}", flush=True)
    torture = kind.make(folder, random.Random(seed), options.control)
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
        print(f"{name}: the negative control was not caught, so this torture proves nothing")
        return 1
    if not is_control and not progress.is_clean:
        print(f"{name}: FAILED")
        return 1
    return 0


def _describe_controls() -> str:
    return "; ".join(f"{name}: {', '.join(kind.controls)}" for name, kind in KINDS.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("torture", choices=sorted(KINDS))
    parser.add_argument("--rounds", type=int, help="earlier runs included")
    parser.add_argument("--control", default="", help=_describe_controls())
    parser.add_argument("--seed", type=int, help="repeats what chance decided")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # what is broken on purpose is not news
    sys.exit(main())
