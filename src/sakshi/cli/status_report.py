"""Shows how everything stands to people: KPIs by group, alerts, targets, Alertmanagers.

WARNING  1 of 22 KPIs; judged 2s ago at http://127.0.0.1:9090

                         value   target  verdict    since   next limit              observations
Response time
  Overall response time  1240ms  <2000ms  OK        for 12m  760ms until off target          312
  Venice response time   1702ms  <1000ms  WARNING   for 3m   798ms until critical            108
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sakshi.cli.baseline_report import NOTHING, format_value
from sakshi.cli.terminal import Colour, paint
from sakshi.model.duration import format_duration

LIMITS: Final = ("target", "warning", "critical")
"""From the inner to the outer one."""

_COLOURS: Final = {
    "OK": Colour.GREEN,
    "OFF TARGET": Colour.YELLOW,
    "WARNING": Colour.YELLOW,
    "CRITICAL": Colour.RED,
    "STALE": Colour.YELLOW,
    "firing": Colour.RED,
    "pending": Colour.YELLOW,
    "down": Colour.RED,
}
_BEYOND: Final = {"OK": 0, "OFF TARGET": 1, "WARNING": 2, "CRITICAL": 3}
"""How many of the limits, from the inner one, a verdict stands beyond."""

_HEADINGS: Final = ("value", "target", "verdict", "since", "next limit", "observations")
_RIGHT: Final = frozenset({1, 2, 6})  # columns of numbers
_GIVEN_UP: Final = (6, 4, 5)  # columns that a narrow terminal does without, the first one first
_STATES: Final = ("firing", "pending")
_IDENTITY: Final = ("alertname", "severity", "kpi")  # labels that are shown otherwise, or repeat

Judgement = Mapping[str, Any]


@dataclass(frozen=True)
class Status:
    """What a server knows at one moment.

    Args:
        url: of the server.
        now: its clock, in seconds since the epoch.
        at: the moment of the judgements, RFC 3339.
        verdict: on everything.
        groups: titles of the KPIs' groups, by name.
        kpis: judgements, each with `title`, `group`, `unit` and `limits` by name.
        alerts: as `/api/v1/alerts` answers them.
        targets: the active ones, as `/api/v1/targets` answers them.
        alertmanagers: as `/api/v1/sakshi/alertmanagers` answers them.
    """

    url: str
    now: float
    at: str
    verdict: str
    groups: Mapping[str, str]
    kpis: Sequence[Judgement]
    alerts: Sequence[Mapping[str, Any]] = ()
    targets: Sequence[Mapping[str, Any]] = ()
    alertmanagers: Sequence[Mapping[str, Any]] = ()


def render_status(status: Status, width: int | None = None) -> Sequence[str]:
    """Return the lines that show a status.

    Args:
        status: of one moment.
        width: of the terminal in characters: columns are left out until the table fits; None: all
            are shown.
    """
    parts = [
        [_headline(status)],
        _render_kpis(status, width),
        _render_alerts(status),
        _render_targets(status),
        *([_render_alertmanagers(status)] if status.alertmanagers else []),
    ]
    return [line for part in parts for line in ["", *part]][1:]


def describe_distance(kpi: Judgement) -> str:
    """Return how far a KPI's value is from the next worse limit; empty where it is not judged.

    Example:
        >>> kpi = {"verdict": "WARNING", "unit": "ms", "distances": {"warning": -50.0}}
        >>> describe_distance(kpi | {"distances": {"warning": -50.0, "critical": 1950.0}})
        '1950ms until critical'
        >>> describe_distance(kpi)
        '50ms beyond warning'
    """
    if kpi["verdict"] not in _BEYOND:
        return ""
    distances, passed = kpi["distances"], _BEYOND[kpi["verdict"]]
    for name in LIMITS[passed:]:
        if name in distances:
            return _describe_way(distances[name], "until", name, kpi["unit"])
    for name in reversed(LIMITS[:passed]):
        if name in distances:
            way = distances[name]
            return _describe_way(abs(way), "beyond" if way < 0 else "behind", name, kpi["unit"])
    return ""


def describe_age(seconds: float) -> str:
    """Return how long something has been so, in its one or two largest units.

    Example:
        >>> [describe_age(seconds) for seconds in (-1, 42.9, 725, 12_045, 200_000)]
        ['0s', '42s', '12m', '3h20m', '2d7h']
    """
    whole = max(0, int(seconds))
    grain = next((grain for most, grain in ((60, 1), (86_400, 60)) if whole < most), 3600)
    return format_duration(whole // grain * grain * 1000)


def _headline(status: Status) -> str:
    """Return the verdict, what it comes from, and how old it is."""
    alike, count = sum(kpi["counts_as"] == status.verdict for kpi in status.kpis), len(status.kpis)
    noun = "KPI" if count == 1 else "KPIs"
    parts = [f"{count} {noun}" if alike == count else f"{alike} of {count} {noun}"]
    firing = sum(alert["state"] == "firing" for alert in status.alerts)
    down = sum(target["health"] == "down" for target in status.targets)
    for number, word in ((firing, "alert firing"), (down, "target down")):
        if number:
            parts.append(f"{number} {word if number == 1 else word.replace(' ', 's ')}")
    age = describe_age(status.now - _seconds(status.at))
    return f"{_paint(status.verdict)}  {', '.join(parts)}; judged {age} ago at {status.url}"


def _render_kpis(status: Status, width: int | None) -> Sequence[str]:
    if not status.kpis:
        return ["No KPIs: the configuration declares none."]
    rows = [["", *_HEADINGS], *(_cells(kpi, status.at) for kpi in status.kpis)]
    heading, *lines = _align(rows, width)
    found = [heading]
    by_group = groupby(zip(status.kpis, lines, strict=True), lambda pair: pair[0]["group"])
    for group, pairs in by_group:
        found.append(status.groups.get(group, group))
        for kpi, line in pairs:
            found += [line, *_remarks(kpi)]
    return found


def _cells(kpi: Judgement, at: str) -> Sequence[str]:
    target, since, observations = kpi["limits"]["target"], kpi["since"], kpi["observations"]
    return [
        f"  {kpi['title']}",
        format_value(kpi["value"], kpi["unit"]),
        target["text"] if target else NOTHING,
        kpi["verdict"],
        f"for {describe_age(_seconds(at) - _seconds(since))}" if since else NOTHING,
        describe_distance(kpi) or NOTHING,
        NOTHING if observations is None else f"{observations:,.0f}",
    ]


def _remarks(kpi: Judgement) -> Sequence[str]:
    """Return the lines below a KPI: why its verdict is what it is, and what is wrong with it."""
    reason, counts_as = kpi["reason"], kpi["counts_as"]
    if counts_as != kpi["verdict"]:
        reason = f"{reason or 'not judged'}; counts as {counts_as}"
    warning = kpi["warning"]
    lines = [f"      {reason}"] if reason else []
    return lines + (
        [f"      {paint('warning:', Colour.YELLOW, sys.stdout)} {warning}"] * bool(warning)
    )


def _align(rows: Sequence[Sequence[str]], width: int | None) -> Sequence[str]:
    """Return rows as lines, the verdict in its colour, without the columns that do not fit."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = list(range(len(widths)))
    for column in _GIVEN_UP:
        if width is not None and sum(widths[index] + 2 for index in shown) - 2 > width:
            shown.remove(column)
    return [
        "  ".join(_pad(row[index], index, widths[index]) for index in shown).rstrip()
        for row in rows
    ]


def _pad(cell: str, column: int, width: int) -> str:
    blanks = " " * (width - len(cell))
    return blanks + cell if column in _RIGHT else _paint(cell) + blanks


def _render_alerts(status: Status) -> Sequence[str]:
    if not status.alerts:
        return ["Alerts: none"]
    ranked = sorted(status.alerts, key=lambda alert: _STATES.index(alert["state"]))
    counts = Counter(alert["state"] for alert in ranked)
    rows = [
        [
            f"  {alert['state']}",
            alert["labels"].get("severity", ""),
            _alert_name(alert["labels"]),
            f"for {describe_age(status.now - _seconds(alert['activeAt']))}",
            _alert_text(alert["annotations"]),
        ]
        for alert in ranked
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    title = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
    return [f"Alerts: {title}", *(_alert_line(row, widths) for row in rows)]


def _alert_line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = list(map(str.ljust, row, widths))
    state = row[0].strip()
    padded[0] = padded[0].replace(state, _paint(state))
    return "  ".join(padded).rstrip()


def _alert_name(labels: Mapping[str, str]) -> str:
    further = [f'{name}="{labels[name]}"' for name in sorted(labels) if name not in _IDENTITY]
    return _printable(labels["alertname"] + (f"{{{', '.join(further)}}}" if further else ""))


def _alert_text(annotations: Mapping[str, str]) -> str:
    """Return what an alert says in one line: what it is in numbers, or what it is about."""
    text = annotations.get("description") or annotations.get("summary") or ""
    return _printable(" ".join(text.split()))


def _render_targets(status: Status) -> Sequence[str]:
    counts = Counter(target["health"] for target in status.targets)
    title = ", ".join(
        f"{counts[health]} {health}" for health in ("down", "unknown", "up") if counts[health]
    )
    down = [
        f"  {_paint('down')}  {target['scrapeUrl']}: {_printable(target['lastError'])}"
        for target in status.targets
        if target["health"] == "down"
    ]
    return [f"Targets: {title or 'none'}", *down]


def _render_alertmanagers(status: Status) -> Sequence[str]:
    """Return how many Alertmanagers are told, and those that are not."""
    bad = [one for one in status.alertmanagers if one["last_error"] or one["refused"]]
    lines = [
        f"  {_paint('down')}  {one['url']}: {_printable(one['last_error'])};"
        f" waiting: {one['waiting']}"
        if one["last_error"]
        else f"  {one['url']}: refused alerts: {one['refused']}"
        for one in bad
    ]
    down = sum(bool(one["last_error"]) for one in bad)
    counts = ((down, "down"), (len(status.alertmanagers) - down, "told"))
    title = ", ".join(f"{count} {word}" for count, word in counts if count)
    return [f"Alertmanagers: {title}", *lines]


def _describe_way(distance: float, side: str, name: str, unit: str) -> str:
    word = "off target" if name == "target" and side == "until" else name
    return f"{format_value(distance, unit)} {side} {word}"


def _printable(text: str) -> str:
    """Return a text of somebody else's without what would steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _paint(word: str) -> str:
    colour = _COLOURS.get(word)
    return paint(word, colour, sys.stdout) if colour else word


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
