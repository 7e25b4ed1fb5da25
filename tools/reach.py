"""Measure how much of sakshi its tests reach, branches included, and print it by package.

    python tools/reach.py [options for pytest]

Fails where the tests fail, or where a package is below its floor (docs/STYLE.md, Tests).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".build" / "coverage"  # pyproject.toml names it too
PACKAGE = "src/sakshi/"
TESTS = ("-m", "pytest", "-n", "2", "--dist", "loadscope", "-q")

FLOORS = {"model": 100.0, "exposition": 100.0, "promql": 100.0, "alerting": 100.0}
TOTAL = "all"
TOTAL_FLOOR = 95.0


@dataclass
class Reach:
    """How many statements and branches there are, how many were reached, and where others stand."""

    count: int = 0
    reached: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """100 only where nothing is missing: it is rounded down."""
        return int(1000 * self.reached / self.count) / 10 if self.count else 100.0

    def add(self, path: str, file: Mapping[str, Any]) -> None:
        """Add what coverage says of a file."""
        summary = file["summary"]
        self.count += summary["num_statements"] + summary["num_branches"]
        self.reached += summary["covered_lines"] + summary["covered_branches"]
        lines = [str(line) for line in file["missing_lines"]]
        leaps = [
            f"{start}->{end if end > 0 else 'exit'}" for start, end in file["missing_branches"]
        ]
        if lines or leaps:
            self.missing.append(f"{path}: {' '.join([*lines, *leaps])}")


def main() -> int:
    """Run the tests under coverage and print the table."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    tests = _coverage("run", *TESTS, *sys.argv[1:])
    report = FOLDER / "report.json"
    if _coverage("combine", "--quiet") or _coverage("json", "--quiet", "-o", str(report)):
        return 1
    rows = by_package(json.loads(report.read_text())["files"])
    for name, reach in rows.items():
        for place in reach.missing if name != TOTAL else ():
            print(f"  {place}")
    print(f"{'package':<12} {'floor':>6} {'reached':>8}")
    for name, reach in rows.items():
        floor = _floor(name)
        print(f"{name:<12} {f'{floor:.0f} %' if floor else '':>6} {reach.percent:6.1f} %")
    below = [name for name, reach in rows.items() if reach.percent < _floor(name)]
    if below:
        print(f"Below their floor: {', '.join(below)}", file=sys.stderr)
    return tests or bool(below)


def by_package(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Reach]:
    """Return the reach of each package, and of all at the end."""
    rows: dict[str, Reach] = defaultdict(Reach)
    for path, file in sorted(files.items()):
        package, _, module = path.removeprefix(PACKAGE).partition("/")
        rows[package if module else "sakshi"].add(path, file)
    rows[TOTAL] = _sum(rows.values())
    return rows


def _sum(rows: Iterable[Reach]) -> Reach:
    total = Reach()
    for row in rows:
        total.count += row.count
        total.reached += row.reached
    return total


def _floor(name: str) -> float:
    return TOTAL_FLOOR if name == TOTAL else FLOORS.get(name, 0)


def _coverage(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
