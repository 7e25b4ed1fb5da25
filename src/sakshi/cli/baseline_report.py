"""Shows baselines and comparisons: to people, to pull requests, to whoever reads JUnit's XML."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from xml.etree import ElementTree

from sakshi.cli.terminal import Colour, paint
from sakshi.model.duration import format_duration

NOTHING: Final = "-"
"""Stands where there is no number."""

_COLOURS: Final = {"reached": Colour.GREEN, "worse": Colour.RED, "no data": Colour.YELLOW}
_HEADINGS: Final = ("baseline", "now", "target", "change", "promised", "reached", "observations")
_PLAIN_MAX: Final = 1e9  # beyond it, digits say less than a power of ten
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Comparison = Mapping[str, Any]
Entry = Mapping[str, Any]


def render_table(comparison: Comparison) -> Sequence[str]:
    """Return a comparison's lines: a table by group, and how many targets are reached."""
    rows: list[Sequence[str]] = []
    for group, entries in groupby(comparison["entries"], lambda entry: entry["group"]):
        rows.append([group, *([""] * len(_HEADINGS)), ""])
        rows += [[f"  {_short_name(entry)}", *_cells(entry), ""] for entry in entries]
    words = [""] + [
        word
        for _, entries in groupby(comparison["entries"], lambda entry: entry["group"])
        for word in ["", *map(_standing, entries)]
    ]
    lines = align([["", *_HEADINGS, ""], *rows])
    table = [f"{line}  {word}".rstrip() for line, word in zip(lines, words, strict=True)]
    return [_title(comparison), "", *table, "", summarize(comparison)]


def render_markdown(comparison: Comparison) -> Sequence[str]:
    """Return a comparison as a table of Markdown, with a heading that says the whole."""
    head = [f"### {_escape(_title(comparison))}", "", f"{summarize(comparison)}.", ""]
    columns = ["indicator", *_HEADINGS, "standing"]
    rows = [[entry["title"], *_cells(entry), _words(entry)] for entry in comparison["entries"]]
    line = ["---", *["---:"] * len(_HEADINGS), "---"]
    return [*head, *map(_row, [columns, line, *rows])]


def render_junit(comparison: Comparison) -> str:
    """Return a comparison as JUnit's XML.

    A case an indicator: failed where its target is missed, skipped where there is no data.
    """
    entries = comparison["entries"]
    failed = [entry for entry in entries if is_missed(entry)]
    skipped = [entry for entry in entries if entry["now"] is None]
    counts = {
        "tests": str(len(entries)),
        "failures": str(len(failed)),
        "errors": "0",
        "skipped": str(len(skipped)),
    }
    root = ElementTree.Element("testsuites", counts)
    name = f"sakshi baseline {comparison['baseline']['name']}"
    moment = comparison["at"].partition(".")[0]
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, "timestamp": moment, **counts})
    for entry in entries:
        suite.append(_case(entry))
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'


def render_list(baselines: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Return the lines of all baselines."""
    if not baselines:
        return ["no baselines"]
    rows = [
        [
            baseline["name"],
            str(baseline["values"]),
            _over(baseline["over_seconds"]) if baseline["over_seconds"] else NOTHING,
            baseline["recorded_at"] or NOTHING,
        ]
        for baseline in baselines
    ]
    lines = align([["", "values", "over", "recorded"], *rows])
    titles = ["", *(baseline["title"] for baseline in baselines)]
    return [f"{line}  {title}".rstrip() for line, title in zip(lines, titles, strict=True)]


def render_baseline(
    baseline: Mapping[str, Any], indicators: Sequence[Mapping[str, Any]]
) -> Sequence[str]:
    """Return the lines of one baseline: its values and what they rest on.

    Args:
        baseline: with its values.
        indicators: that have units; a value without an indicator has none.
    """
    units = {indicator["name"]: indicator["unit"] for indicator in indicators}
    rows = [
        [f"  {name}", format_value(value, units.get(name, "")), _count(baseline, name)]
        for name, value in baseline["values"].items()
    ]
    return [_describe(baseline), "", *align([["", "value", "observations"], *rows])]


def summarize(comparison: Comparison) -> str:
    """Return a comparison in words.

    Example:
        >>> summarize({"reached": 3, "missed": 8, "unknown": 1})
        '3 of 12 targets reached, 1 without data'
    """
    reached, unknown = comparison["reached"], comparison["unknown"]
    total = reached + comparison["missed"] + unknown
    if not total:
        return "no indicator has a target"
    without = f", {unknown} without data" if unknown else ""
    return f"{reached} of {total} {'target' if total == 1 else 'targets'} reached{without}"


def format_value(value: float | None, unit: str) -> str:
    """Return a number with its unit, as the strategy writes it; a ratio has none there.

    Example:
        >>> format_value(1800.0, "ms"), format_value(0.8234567, "ratio"), format_value(None, "%")
        ('1800ms', '0.8235', '-')
    """
    if value is None:
        return NOTHING
    digits = f"{value:.0f}" if 1000 <= abs(value) < _PLAIN_MAX else f"{value:.4g}"
    return digits + ("" if unit == "ratio" else unit)


def format_percent(percent: float | None, *, signed: bool = False) -> str:
    """Return a share with one decimal.

    Example:
        >>> format_percent(11.1111), format_percent(25.0, signed=True), format_percent(-0.01)
        ('11.1%', '+25.0%', '0.0%')
    """
    if percent is None:
        return NOTHING
    text = f"{percent:.1f}"
    if float(text) == 0:
        return "0.0%"
    return f"{'+' if signed and percent > 0 else ''}{text}%"


def align(rows: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return rows as lines: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]).rstrip()
        for first, *rest in rows
    ]


def is_missed(entry: Entry) -> bool:
    """Tell whether an indicator has a target that is not reached, although there is data."""
    has_target = entry["target"] is not None and entry["now"] is not None
    return has_target and entry["standing"] != "reached"


def _cells(entry: Entry) -> Sequence[str]:
    unit, observations = entry["unit"], entry["observations"]
    return [
        *(format_value(entry[key], unit) for key in ("baseline", "now", "target")),
        format_percent(entry["change_percent"], signed=True),
        format_percent(entry["promised_percent"]),
        format_percent(entry["reached_percent"]),
        NOTHING if observations is None else f"{observations:,.0f}",
    ]


def _standing(entry: Entry) -> str:
    word, colour = entry["standing"], _COLOURS.get(entry["standing"])
    painted = paint(word, colour, sys.stdout) if colour else word
    return painted + _words(entry).removeprefix(word)


def _words(entry: Entry) -> str:
    return f"{entry['standing']}: {entry['reason']}" if entry["reason"] else str(entry["standing"])


def _case(entry: Entry) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", {"classname": entry["group"], "name": _short_name(entry)}
    )
    unit = entry["unit"]
    if entry["now"] is None:
        ElementTree.SubElement(case, "skipped", {"message": _NOT_XML.sub("?", entry["reason"])})
    elif is_missed(entry):
        now, target = (format_value(entry[key], unit) for key in ("now", "target"))
        message = f"{now}, the target is {target}"
        ElementTree.SubElement(case, "failure", {"message": message, "type": entry["standing"]})
    return case


def _title(comparison: Comparison) -> str:
    baseline, over = comparison["baseline"], _over(comparison["over_seconds"])
    return f"{_describe(baseline)}; now: {over} until {comparison['at']}"


def _describe(baseline: Mapping[str, Any]) -> str:
    title = baseline["title"]
    name = baseline["name"] + (f" ({title})" if title not in ("", baseline["name"]) else "")
    if baseline["recorded_at"] is None:
        return f"{name}, of the configuration"
    return f"{name}, {_over(baseline['over_seconds'])} until {baseline['recorded_at']}"


def _count(baseline: Mapping[str, Any], name: str) -> str:
    count = baseline["observations"].get(name)
    return NOTHING if count is None else f"{count:,.0f}"


def _over(seconds: float) -> str:
    return format_duration(round(seconds * 1000))


def _short_name(entry: Entry) -> str:
    return str(entry["name"]).removeprefix(f"{entry['group']}.")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escape, cells))} |"


def _escape(text: str) -> str:
    """Return a text in which nothing is Markdown's or HTML's."""
    escaped = re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text)
    return " ".join(escaped.split())
