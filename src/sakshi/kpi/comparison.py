"""Compares what indicators are with a baseline and with their targets; pure.

baseline 1800        now 1650        target 1600       lower is better
    └──── 75 % of ─────┘                │
    └──────── 11.1 % promised ──────────┘
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sakshi.kpi.baseline import Baseline, Better, Indicator, Measurement

EQUAL_SHARE: Final = 1e-9
"""Two values whose difference is a smaller share of them are equal: sums and quotients of binary
fractions differ in the 15th digit, and nobody's response time became worse by that."""


class Standing(StrEnum):
    """Where an indicator stands between its baseline and its target."""

    REACHED = "reached"
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    NO_DATA = "no data"


@dataclass(frozen=True)
class Entry:
    """One indicator in a comparison; its numbers are finite, and None where there are none.

    Args:
        baseline: what it was.
        now: what it is.
        change_percent: from baseline to now, signed, in % of the baseline; None for one of 0.
        promised_percent: from baseline to target, in % of the baseline; positive: better.
        reached_percent: how much of a promised improvement lies behind; negative: it is worse than
            the baseline. None where no improvement is promised.
        observations: how many `now` rests on.
        reason: why the standing is `no data`; else empty.
    """

    indicator: Indicator
    baseline: float | None
    now: float | None
    change_percent: float | None
    promised_percent: float | None
    reached_percent: float | None
    observations: float | None
    standing: Standing
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """All indicators beside a baseline.

    Args:
        at_ms: the end of the period that was measured.
        over_ms: its length.
        entries: in the order of the indicators.
    """

    baseline: Baseline
    at_ms: int
    over_ms: int
    entries: Sequence[Entry]

    @property
    def reached(self) -> int:
        """How many targets are reached."""
        return sum(entry.standing is Standing.REACHED for entry in self.entries)

    @property
    def missed(self) -> int:
        """How many targets are not, although there is data."""
        return self._targets - self.reached - self.unknown

    @property
    def unknown(self) -> int:
        """Of how many targets it is not known, for want of data."""
        return sum(
            entry.indicator.target is not None and entry.now is None for entry in self.entries
        )

    @property
    def _targets(self) -> int:
        return sum(entry.indicator.target is not None for entry in self.entries)


def compare(
    baseline: Baseline,
    indicators: Sequence[Indicator],
    measured: Mapping[str, Measurement],
    at_ms: int,
    over_ms: int,
) -> Comparison:
    """Return how the indicators stand.

    Args:
        baseline: may lack indicators; values of what is no indicator any more are left out.
        indicators: with their targets.
        measured: by indicator name; what is missing has no data.
        at_ms: the end of the period that was measured.
        over_ms: its length.
    """
    unknown = Measurement(None, reason="not measured")
    entries = [
        compare_indicator(
            indicator, baseline.values.get(indicator.name), measured.get(indicator.name, unknown)
        )
        for indicator in indicators
    ]
    return Comparison(baseline, at_ms, over_ms, entries)


def compare_indicator(
    indicator: Indicator, baseline: float | None, measurement: Measurement
) -> Entry:
    """Return how one indicator stands.

    Args:
        indicator: with its target.
        baseline: finite; None where the baseline lacks it.
        measurement: what it is.
    """
    now, target = measurement.value, indicator.target
    standing = find_standing(indicator, baseline, now)
    reason = "" if standing is not Standing.NO_DATA else measurement.reason
    if standing is Standing.NO_DATA and now is not None:
        reason = "the baseline has no value for it"
    return Entry(
        indicator,
        baseline,
        now,
        change_percent=_percent(_difference(baseline, now), baseline),
        promised_percent=_percent(_improvement(indicator, baseline, target), baseline),
        reached_percent=_find_reached(indicator, baseline, now),
        observations=measurement.observations,
        standing=standing,
        reason=reason,
    )


def find_standing(indicator: Indicator, baseline: float | None, now: float | None) -> Standing:
    """Return where a value stands: the target counts first, then the baseline."""
    if now is None:
        return Standing.NO_DATA
    if indicator.target is not None and is_reached(now, indicator.target, indicator.better):
        return Standing.REACHED
    if baseline is None:
        return Standing.NO_DATA
    if _is_equal(now, baseline):
        return Standing.SAME
    return Standing.BETTER if is_reached(now, baseline, indicator.better) else Standing.WORSE


def is_reached(value: float, target: float, better: Better) -> bool:
    """Tell whether a value lies at a target or beyond it, on the better side.

    Example:
        >>> is_reached(1600.0, 1600.0, Better.LOWER), is_reached(0.87, 0.88, Better.HIGHER)
        (True, False)
    """
    beyond = value <= target if better is Better.LOWER else value >= target
    return beyond or _is_equal(value, target)


def _find_reached(indicator: Indicator, baseline: float | None, now: float | None) -> float | None:
    promised = _improvement(indicator, baseline, indicator.target)
    if promised is None or promised <= 0:
        return None
    return _percent(_improvement(indicator, baseline, now), promised)


def _improvement(indicator: Indicator, baseline: float | None, value: float | None) -> float | None:
    """Return how much better a value is than the baseline; negative: worse."""
    difference = _difference(baseline, value)
    if difference is None:
        return None
    return 0.0 - difference if indicator.better is Better.LOWER else difference  # never -0.0


def _difference(baseline: float | None, value: float | None) -> float | None:
    if baseline is None or value is None:
        return None
    return 0.0 if _is_equal(baseline, value) else value - baseline


def _percent(part: float | None, whole: float | None) -> float | None:
    """Return a part in % of the size of a whole; None where that is 0, or the result too large."""
    if part is None or not whole:
        return None
    percent = part / abs(whole) * 100
    return percent if math.isfinite(percent) else None


def _is_equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=EQUAL_SHARE)
