"""What every benchmark writes: its figures, with all that is needed to measure them again."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parents[1]

Figures: TypeAlias = dict[str, Any]
"""Numbers by name; a name ends in the unit (`_s`, `_ms`, `_us`, `_mib`). May be nested."""


def describe_machine() -> Mapping[str, object]:
    """Return what the figures depend on, besides the settings: commit, machine, Python, load."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "is_modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the argument that every benchmark has."""
    parser.add_argument("--out", type=Path, help="write the JSON here (default: standard output)")


def write_report(
    out: Path | None, benchmark: str, settings: Mapping[str, object], **results: object
) -> None:
    """Write a benchmark's JSON to a file, or to standard output.

    Args:
        out: its folder is made where it does not exist.
        benchmark: its name.
        settings: the arguments that change the figures.
        results: what was measured.
    """
    report = {"benchmark": benchmark, **describe_machine(), "settings": settings, **results}
    text = json.dumps(report, indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)


def summarise(values: Sequence[float], digits: int = 3) -> Figures:
    """Return least, median, 95th percentile (nearest rank) and greatest; nothing of nothing.

    Example:
        >>> summarise([0.3, 0.1, 0.2])
        {'count': 3, 'min': 0.1, 'median': 0.2, 'p95': 0.3, 'max': 0.3}
    """
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    rank = math.ceil(0.95 * len(ordered)) - 1
    return {
        "count": len(ordered),
        "min": round(ordered[0], digits),
        "median": round(statistics.median(ordered), digits),
        "p95": round(ordered[rank], digits),
        "max": round(ordered[-1], digits),
    }


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text, the first column to the left, the others to the right.

    Example:
        >>> print(format_table(["what", "s"], [["ready", "0.6"], ["imports", "0.45"]]))
        what        s
        -------------
        ready     0.6
        imports  0.45
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    """Return the processor's name; empty where the kernel does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else ""
