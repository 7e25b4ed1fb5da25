"""The verdict on a KPI: defined here, once, as a function of what is known and what it was before.

        silent ──▶ STALE         not judged (no load, window not covered, ...), no value ──▶ NO DATA
                        target: what should be true       warning, critical: what should not
    value ──▶ OK · OFF TARGET (the target is missed, no limit is met) · WARNING · CRITICAL

A verdict gets worse at a limit and better only behind it: by the KPI's `recovery`, a share of the
limit. A value that wavers around a limit is one verdict, not twenty.

    warning >3000ms, recovery 5 %      2900   3010   2990   2900   2860   2840
                                        OK    WARN   WARN   WARN   WARN    OK
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sakshi.kpi.kpi import Kpi, LimitName, NoDataPolicy
from sakshi.kpi.limit import Limit, LimitOperator
from sakshi.model.duration import format_duration


class Verdict(StrEnum):
    """The judgement on a KPI; the values are shown to people."""

    OK = "OK"
    OFF_TARGET = "OFF TARGET"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    NO_DATA = "NO DATA"
    STALE = "STALE"

    @property
    def code(self) -> int:
        """The number that is recorded: 0 OK, 1 OFF TARGET, 2 WARNING, 3 CRITICAL, 4, 5."""
        return _CODES.index(self)

    @classmethod
    def of_code(cls, code: float) -> Verdict:
        """Return the verdict that a number was recorded for."""
        return _CODES[int(code)]


_CODES: Final = tuple(Verdict)
_FROM_WORST: Final = (
    Verdict.CRITICAL,
    Verdict.WARNING,
    Verdict.STALE,
    Verdict.NO_DATA,
    Verdict.OFF_TARGET,
    Verdict.OK,
)
_BAD: Final = {
    LimitName.CRITICAL: Verdict.CRITICAL,
    LimitName.WARNING: Verdict.WARNING,
    LimitName.TARGET: Verdict.OFF_TARGET,
}
_AT_LEAST: Final = {  # the verdicts from which a value has to come back behind a limit
    LimitName.CRITICAL: frozenset({Verdict.CRITICAL}),
    LimitName.WARNING: frozenset({Verdict.CRITICAL, Verdict.WARNING}),
    LimitName.TARGET: frozenset({Verdict.CRITICAL, Verdict.WARNING, Verdict.OFF_TARGET}),
}


@dataclass(frozen=True)
class Evidence:
    """What is known of a KPI at one moment.

    Args:
        value: in the KPI's unit; None where the expression gave nothing.
        series: how many series the expression yields.
        observations: how many observations the value rests on; None where they are not counted.
        applies: whether the KPI's condition is met.
        is_covered: whether its window is covered by data.
        silent_ms: how long nothing has come in of what it is computed from, where that is too
            long; None: something has, or nothing ever did.
        missing: metrics that it reads and that no target exposes.
        error: why its expression failed; empty where it did not.
    """

    value: float | None = None
    series: int = 1
    observations: float | None = None
    applies: bool = True
    is_covered: bool = True
    silent_ms: int | None = None
    missing: Sequence[str] = ()
    error: str = ""


@dataclass(frozen=True)
class Ruling:
    """A verdict with its grounds.

    Args:
        reason: why the KPI is not judged, or why the verdict is worse than the value alone says.
        warning: what is wrong with the KPI itself.
    """

    verdict: Verdict
    reason: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Judgement:
    """What is thought of a KPI at one moment, and since when.

    Args:
        value: in the KPI's unit; under STALE the last one known; None: there is none.
        at_ms: of the evidence, milliseconds since the epoch.
        since_ms: when the verdict became what it is; None: it was not judged yet.
        kept: the last verdict on a value, for the policy `keep`.
    """

    kpi: Kpi
    ruling: Ruling
    at_ms: int
    since_ms: int | None = None
    value: float | None = None
    observations: float | None = None
    kept: Verdict = field(default=Verdict.OK)

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        return self.ruling.verdict

    @property
    def counts_as(self) -> Verdict:
        """What it contributes to the verdict on everything: NO DATA by the KPI's policy."""
        if self.verdict is not Verdict.NO_DATA or self.kpi.no_data is NoDataPolicy.ALERT:
            return self.verdict
        return self.kept if self.kpi.no_data is NoDataPolicy.KEEP else Verdict.OK

    @property
    def distances(self) -> Mapping[LimitName, float]:
        """How far the value is from each limit: positive on its good side, negative beyond."""
        if self.value is None:
            return {}
        return {
            name: find_distance(name, limit, self.value) for name, limit in self.kpi.limits.items()
        }


def judge(kpi: Kpi, evidence: Evidence, previous: Verdict | None = None) -> Ruling:
    """Return the ruling on a KPI.

    Args:
        kpi: with its limits.
        evidence: of one moment.
        previous: the verdict before; None where there was none.
    """
    hindrance = _find_hindrance(kpi, evidence)
    if hindrance is not None:
        return hindrance
    assert evidence.value is not None, "no value is a hindrance"
    for name, limit in kpi.limits.items():
        if _is_bad(name, limit, evidence.value):
            return Ruling(_BAD[name])
        if previous in _AT_LEAST[name] and not is_recovered(kpi, name, evidence.value):
            return Ruling(_BAD[name], _describe_recovery(kpi, name))
    return Ruling(Verdict.OK)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; NO DATA where there is none.

    What is not known may be anything, so STALE and NO DATA are worse than OFF TARGET.
    """
    return min(verdicts, key=_FROM_WORST.index, default=Verdict.NO_DATA)


def find_distance(name: LimitName, limit: Limit, value: float) -> float:
    """Return how far a value is from a limit: positive on its good side, negative beyond."""
    bad_side = limit.operator.opposite if name is LimitName.TARGET else limit.operator
    return limit.value - value if bad_side is LimitOperator.ABOVE else value - limit.value


def find_recovery(kpi: Kpi, name: LimitName) -> float:
    """Return the value behind which a KPI has recovered from a limit, in its unit."""
    limit = kpi.limits[name]
    way = abs(limit.value) * kpi.recovery
    bad_side = limit.operator.opposite if name is LimitName.TARGET else limit.operator
    return limit.value - way if bad_side is LimitOperator.ABOVE else limit.value + way


def is_recovered(kpi: Kpi, name: LimitName, value: float) -> bool:
    """Tell whether a value lies far enough behind a limit for the verdict to improve."""
    limit = kpi.limits[name]
    return not _is_bad(name, Limit(limit.operator, find_recovery(kpi, name), limit.unit), value)


def _is_bad(name: LimitName, limit: Limit, value: float) -> bool:
    return limit.is_met(value) is not (name is LimitName.TARGET)


def _find_hindrance(kpi: Kpi, evidence: Evidence) -> Ruling | None:
    """Return why a KPI cannot be judged; None where it can."""
    if evidence.silent_ms is not None:
        return Ruling(Verdict.STALE, f"nothing has come in for {_describe_age(evidence.silent_ms)}")
    no_data = Verdict.NO_DATA
    if evidence.error:
        return Ruling(no_data, "its query failed", evidence.error)
    if not evidence.applies:
        return Ruling(no_data, "not judged: its condition is not met")
    if evidence.missing and evidence.value is None:
        return Ruling(no_data, "no value", f"no target exposes {', '.join(evidence.missing)}")
    if evidence.series > 1:
        warning = f"{evidence.series} series where one is judged"
        return Ruling(no_data, "no single value", f"{warning}: aggregate them")
    if not evidence.is_covered:
        return Ruling(no_data, f"its window of {kpi.window} is not covered yet")
    found = evidence.observations
    if kpi.min_observations and (found is None or found < kpi.min_observations):
        few = f"{found or 0:.3g} observations, {kpi.min_observations} are needed"
        return Ruling(no_data, few)
    if evidence.value is None or math.isnan(evidence.value):
        return Ruling(no_data, "no value")
    return None


def _describe_recovery(kpi: Kpi, name: LimitName) -> str:
    limit = kpi.limits[name]
    quantity = Limit(limit.operator, find_recovery(kpi, name), limit.unit).quantity
    bad_side = limit.operator.opposite if name is LimitName.TARGET else limit.operator
    side = "below" if bad_side is LimitOperator.ABOVE else "above"
    return f"recovers {side} {quantity}"


def _describe_age(age_ms: int) -> str:
    """Return an age in whole seconds."""
    return format_duration(age_ms // 1000 * 1000)
