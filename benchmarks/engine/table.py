"""Runs of one subject or several as a table: median [least..most], and the ratio to the others."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.report import Figures, format_table

HIDDEN = ("begin", "end")  # moments, not measures
SIZES = (".series", ".points")  # of answers: shown only where they disagree
SIZES_TOLERANCE = 0.05
SUBJECT_WIDTH_MAX = 24


def format_runs(runs: Sequence[Figures], subjects: Sequence[str]) -> str:
    """Return the table; a ratio is the first subject's median to another's."""
    rows_by_subject = [
        [flatten(run) for run in runs if run["subject"] == subject] for subject in subjects
    ]
    measures = dict.fromkeys(name for rows in rows_by_subject for row in rows for name in row)
    lines, differences = [], []
    for measure in measures:
        columns = [[row[measure] for row in rows if measure in row] for rows in rows_by_subject]
        medians = [statistics.median(column) if column else None for column in columns]
        if measure.endswith(SIZES):
            if _differ(medians):
                differences.append(f"{measure}: {' and '.join(map(_format_column, columns))}")
            continue
        ratios = [format_ratio(medians[0], other) for other in medians[1:]]
        lines.append([measure, *map(_format_column, columns), *ratios])
    head = ["measure", *(subject[:SUBJECT_WIDTH_MAX] for subject in subjects)]
    head += ["ratio"] * (len(subjects) - 1)
    sizes = [f"the answers differ in size: {line}" for line in differences]
    return "\n".join([format_table(head, lines), *sizes])


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, float]:
    """Return the numbers of a tree by their paths.

    Example:
        >>> flatten({"subject": "sakshi", "ingest": {"cpu_s": 1.5, "begin": 17}})
        {'ingest.cpu_s': 1.5}
    """
    flat: dict[str, float] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and name not in HIDDEN:
            flat[prefix + name] = value
    return flat


def format_ratio(first: float | None, second: float | None) -> str:
    """Return first / second; a dash where there is none.

    Example:
        >>> format_ratio(1.0, 2.0), format_ratio(1.0, 0.0), format_ratio(None, 2.0)
        ('0.50', '-', '-')
    """
    return f"{first / second:.2f}" if first is not None and second else "-"


def _differ(medians: Sequence[float | None]) -> bool:
    known = [median for median in medians if median is not None]
    return len(known) > 1 and max(known) - min(known) > SIZES_TOLERANCE * max(known)


def _format_column(values: Sequence[float]) -> str:
    if not values:
        return "-"
    text = _format_number(statistics.median(values))
    if min(values) == max(values):
        return text
    return f"{text} [{_format_number(min(values))}..{_format_number(max(values))}]"


def _format_number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.0f}"
