"""The demo's last page: what was stored, how the indicators stand, who was told what and when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sakshi.demo.witness import CHANNEL_TITLES, CHANNELS, Witness

_APPENDED: Final = re.compile(r"^sakshi_storage_samples_appended_total (\S+)$", re.MULTILINE)
_SERIES: Final = re.compile(r"^sakshi_storage_series (\S+)$", re.MULTILINE)


def render_summary(
    metrics: str,
    definitions: Sequence[Mapping[str, Any]],
    readings: Sequence[Mapping[str, Any]],
    witness: Witness,
) -> str:
    """Return the summary as text.

    Args:
        metrics: sakshi's own exposition.
        definitions: the KPIs of `/api/v1/sakshi/dashboard`.
        readings: those of `/api/v1/sakshi/kpis`, in the same order.
        witness: what was seen.
    """
    stored, series = _APPENDED.search(metrics), _SERIES.search(metrics)
    lines = [
        "",
        f"Stored: {_whole(stored)} samples of {_whole(series)} series.",
        "",
        "Indicators at the end:",
        *render_table(
            ("indicator", "value", "target", "verdict"),
            [_kpi_row(*pair) for pair in zip(definitions, readings, strict=True)],
        ),
        "",
        "Alerts (mm:ss into the demo; fired, then who was told when; resolved likewise):",
    ]
    if not witness.stories:
        lines.append("  none")
    for story in witness.stories.values():
        lines.append(f"  {story.name} ({story.severity or 'no severity'})")
        lines.append(
            f"    fired     {moment(story.fired_at)}   {_told(witness, story.name, False)}"
        )
        lines.append(
            f"    resolved  {moment(story.resolved_at)}   {_told(witness, story.name, True)}"
        )
    return "\n".join(lines)


def moment(seconds: float | None) -> str:
    """Return a moment of the demo as mm:ss.

    Example:
        >>> moment(75.2), moment(None)
        ('01:15', '-----')
    """
    return "-----" if seconds is None else f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def render_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return the lines of a table, columns aligned.

    Example:
        >>> render_table(("a", "b"), [("long", "x")])
        ['  a     b', '  long  x']
    """
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head))]
    return [
        "  ".join(
            ["", *(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))]
        ).rstrip()
        for row in [head, *rows]
    ]


def _kpi_row(
    definition: Mapping[str, Any], reading: Mapping[str, Any]
) -> tuple[str, str, str, str]:
    value, target = reading["value"], definition["target"]
    shown = "-" if value is None else f"{value:,.4g} {definition['unit']}".strip()
    return definition["name"], shown, target["text"] if target else "-", reading["verdict"]


def _told(witness: Witness, name: str, resolved: bool) -> str:
    return "  ".join(
        f"{CHANNEL_TITLES[kind]} {moment(witness.told(name, kind, resolved=resolved))}"
        for kind in CHANNELS
        if witness.told(name, kind, resolved=resolved) is not None
    )


def _whole(match: re.Match[str] | None) -> str:
    return f"{float(match[1]):,.0f}" if match else "an unknown number of"
