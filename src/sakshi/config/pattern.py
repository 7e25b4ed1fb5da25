"""Paths with wildcards, as `rule_files` and `templates` name them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path


def find_files(folder: Path, pattern: str) -> Sequence[Path]:
    """Return the files that match a pattern, sorted by name; empty where there is none.

    Args:
        folder: what a relative pattern is relative to.
        pattern: as a shell's, `**` included; may be absolute.
    """
    names = glob.glob(str(folder / pattern), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
    return [Path(name) for name in sorted(names)]


def is_pattern(text: str) -> bool:
    """Tell whether a path has wildcards: it may then match nothing."""
    return glob.has_magic(text)
