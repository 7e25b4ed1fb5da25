"""What must be said to an Alertmanager, and when; pure.

new, or changed its state     at once
accepted                      again a minute later: the Alertmanager may have been restarted
refused for what it says      again five minutes later, alone
fires, but its rule has not   not said: it ends by itself, as the Alertmanager was told; at once
been evaluated for long       where the rule is evaluated again
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sakshi.alerting.alertmanager.statement import (
    RESEND_MS,
    FindSource,
    Statement,
    ends_at_ms,
)
from sakshi.ledger import OwedResolutions
from sakshi.model.alert import AlertState
from sakshi.model.labels import Labels

REFUSED_SECONDS: Final = 300.0  # it is refused again, unless the Alertmanager becomes another one


@dataclass(frozen=True)
class Said:
    """What was said last of a label set, and answered.

    Args:
        state: FIRING or RESOLVED.
        since_ms: as `Statement.since_ms`.
        at: seconds, monotonic.
        is_refused: whether the Alertmanager did not take it, for what it says.
    """

    state: AlertState
    since_ms: int
    at: float
    is_refused: bool = False

    def is_about(self, statement: Statement) -> bool:
        """Tell whether it said what is to be said."""
        return (self.state, self.since_ms) == (statement.alert.state, statement.since_ms)

    @property
    def again_at(self) -> float:
        """When it is said again, seconds, monotonic."""
        return self.at + (REFUSED_SECONDS if self.is_refused else RESEND_MS / 1000)


@dataclass(frozen=True)
class Due:
    """What must be said.

    Args:
        together: statements for common posts.
        alone: statements that were refused before, each for a post of its own.
        next_at: when something else is due if nothing changes; seconds, monotonic; None: never.
        awaits_evaluation: whether something is not said because its rule is not evaluated.
    """

    together: Sequence[Statement]
    alone: Sequence[Statement]
    next_at: float | None
    awaits_evaluation: bool


def find_due(
    statements: Iterable[Statement],
    said: Mapping[Labels, Said],
    find_source: FindSource,
    now: float,
    now_ms: int,
) -> Due:
    """Return what must be said now.

    Args:
        statements: what the Alertmanager must know.
        said: what it has been told, by label set.
        find_source: gives the rule of an alert.
        now: seconds, monotonic.
        now_ms: milliseconds since the epoch.
    """
    together, alone, later = [], [], []
    awaits_evaluation = False
    for statement in statements:
        last = said.get(statement.labels)
        is_known = last is not None and last.is_about(statement)
        if last is not None and is_known and last.again_at > now:
            later.append(last.again_at)
        elif _has_lapsed(statement, find_source, now_ms):
            awaits_evaluation = True
        elif last is not None and is_known and last.is_refused:
            alone.append(statement)
        else:
            together.append(statement)
    return Due(together, alone, min(later, default=None), awaits_evaluation)


def find_settled_id(
    owed: OwedResolutions,
    statements: Mapping[Labels, Statement],
    said: Mapping[Labels, Said],
    labels_of: Mapping[Labels, Labels | None],
) -> int:
    """Return the transition up to which nothing is owed any more.

    A resolution is settled where it was said and answered, where something newer must be said of
    its label set, and where relabelling drops it.

    Args:
        owed: as it was when the statements were made.
        statements: what the Alertmanager must know.
        said: what it has been told.
        labels_of: the Alertmanager's label sets by ours.
    """
    for resolution in owed.owed:
        labels = labels_of.get(resolution.alert.labels)
        statement = statements.get(labels) if labels is not None else None
        if statement is None or statement.alert.state is AlertState.FIRING:
            continue
        last = said.get(statement.labels)
        if last is None or not last.is_about(statement):
            return resolution.transition_id - 1
    return owed.through_id


def _has_lapsed(statement: Statement, find_source: FindSource, now_ms: int) -> bool:
    alert = statement.alert
    if alert.state is not AlertState.FIRING:
        return False
    return ends_at_ms(alert, find_source(alert.rule_id)) <= now_ms
