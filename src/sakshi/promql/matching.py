"""Which series of two vectors belong together: the plan of a binary operator, made once.

The plan depends on labels only, so it is remembered with the left vector's series list. Whether a
match is ambiguous depends on what is present at a step, and is checked there (`binary.py`).

    a{x="1"} ─┐                                 "one" side: at most one series a match group
    a{x="2"} ─┼─ group_left: many to one ─ b    "many" side: any number, each its own result
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.promql.ast import Cardinality, VectorMatching
from sakshi.promql.errors import QueryLimitError
from sakshi.promql.limit import Budget
from sakshi.promql.memo import derive
from sakshi.promql.vector import Indices, Relabeling
from sakshi.storage.store import SeriesList


@dataclass(frozen=True)
class Ambiguity:
    """Columns that must not be present together: they share a match group.

    Args:
        columns: of one side, one group after the other, each group of two or more.
        starts: where each group begins in `columns`.
        groups: the match groups' label sets.
    """

    columns: Indices
    starts: Indices
    groups: Sequence[Labels]


@dataclass(frozen=True)
class Pairing:
    """The pairs of series that a binary operator is computed for.

    Args:
        many: shape (pairs,): column of the side that may have several series a match group (the
            left one where neither may).
        one: shape (pairs,): column of the other side.
        result: the pairs' label sets, and which of them are the same.
        rivals: shape (pairs,): pairs with the same number must not have values at the same step;
            None where all are different.
    """

    many: Indices
    one: Indices
    result: Relabeling
    rivals: Indices | None


def pairing_of(
    left: SeriesList,
    right: SeriesList,
    matching: VectorMatching,
    *,
    drop_name: bool,
    budget: Budget,
) -> Pairing:
    """Return the pairs of two vectors' series.

    Args:
        left: the left operand's series.
        right: the right operand's series.
        matching: not many-to-many.
        drop_name: whether the results lose the metric name.
        budget: what the query may cost, pairs among it.

    Raises:
        QueryLimitError: there are more pairs than it may have.
    """
    key = ("pairing", matching, right, drop_name)
    return derive(left, key, lambda: _pair(left, right, matching, drop_name, budget))


def ambiguity_of(series: SeriesList, matching: VectorMatching) -> Ambiguity:
    """Return which series of the one side must not be present together; empty where none."""
    key = ("ambiguity", matching.on, matching.labels)
    return derive(series, key, lambda: _ambiguity(_columns_of(series, matching)))


def match_groups(series: SeriesList, matching: VectorMatching) -> Sequence[Labels]:
    """Return the match group of each series: the labels that are compared."""
    key = ("match groups", matching.on, matching.labels)
    return derive(series, key, lambda: list(map(_match_group(matching), series)))


def _match_group(matching: VectorMatching) -> Callable[[Labels], Labels]:
    if matching.on:
        names = frozenset(matching.labels)
        return lambda labels: labels.only(names)
    ignored = frozenset((*matching.labels, METRIC_NAME))
    return lambda labels: labels.without(ignored)


def _pair(
    left: SeriesList,
    right: SeriesList,
    matching: VectorMatching,
    drop_name: bool,
    budget: Budget,
) -> Pairing:
    swapped = matching.cardinality is Cardinality.ONE_TO_MANY
    many_series, one_series = (right, left) if swapped else (left, right)
    columns_of, many_groups = _columns_of(one_series, matching), match_groups(many_series, matching)
    count = sum(len(columns_of.get(group, ())) for group in many_groups)
    if count > budget.limits.pairs:
        raise QueryLimitError(
            f"a binary operator would pair {count:,} series, of which {budget.limits.pairs:,} are "
            "allowed"
        )
    pairs = [
        (many_column, one_column, group)
        for many_column, group in enumerate(many_groups)
        for one_column in columns_of.get(group, ())
    ]
    describe = _result_labels(matching, drop_name)
    labels = []
    for many, one, _ in pairs:
        budget.check()
        labels.append(describe(many_series[many], one_series[one]))
    result = Relabeling.of(labels)
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        rivals = Relabeling.of([group for _, _, group in pairs]).columns
    else:
        rivals = result.columns
    return Pairing(
        np.array([many for many, _, _ in pairs], np.intp),
        np.array([one for _, one, _ in pairs], np.intp),
        result,
        rivals,
    )


def _columns_of(series: SeriesList, matching: VectorMatching) -> dict[Labels, list[int]]:
    """Return the columns of each match group."""
    columns_of: dict[Labels, list[int]] = {}
    for column, group in enumerate(match_groups(series, matching)):
        columns_of.setdefault(group, []).append(column)
    return columns_of


def _ambiguity(columns_of: dict[Labels, list[int]]) -> Ambiguity:
    shared = {group: columns for group, columns in columns_of.items() if len(columns) > 1}
    sizes = np.array([len(columns) for columns in shared.values()], np.intp)
    return Ambiguity(
        np.array([column for columns in shared.values() for column in columns], np.intp),
        np.cumsum(sizes) - sizes,
        tuple(shared),
    )


def _result_labels(matching: VectorMatching, drop_name: bool) -> Callable[[Labels, Labels], Labels]:
    """Return what makes a pair's label set of those of the many and the one side."""
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        dropped = (*matching.labels, METRIC_NAME) if drop_name else matching.labels
        if matching.on:
            kept = frozenset(matching.labels) - ({METRIC_NAME} if drop_name else set())
            return lambda many, _: many.only(kept)
        return lambda many, _: many.without(dropped)

    def describe(many: Labels, one: Labels) -> Labels:
        labels = many.without_name() if drop_name else many
        if not matching.include:
            return labels
        return labels.updated({name: one.get(name, "") for name in matching.include})

    return describe
