"""The function `info(x, {data labels})`: series with the labels of the info metric of their target.

    x{instance="a", job="j"}  and  target_info{instance="a", job="j", version="2"}
    make  x{instance="a", job="j", version="2"}

Source:
    https://prometheus.io/docs/prometheus/latest/querying/functions/#info
    prometheus/prometheus promql/info.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from sakshi.model.labels import METRIC_NAME, Labels, quote_value
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql.ast import Call, VectorSelector
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.vector import Nameless, Relabeling, merge, presence
from sakshi.storage.store import SeriesList

IDENTIFYING_LABELS: Final = ("instance", "job")
TARGET_INFO: Final = Matcher(METRIC_NAME, MatchOperator.EQUAL, "target_info")

Identity = tuple[str, Labels]
"""An info metric's name, and the identifying labels."""


def _info(block: Block, call: Call) -> Vector:
    vector = block.vector(call.arguments[0])
    matchers: tuple[Matcher, ...] = ()
    if len(call.arguments) > 1:
        assert isinstance(call.arguments[1], VectorSelector)
        matchers = call.arguments[1].matchers
    names = tuple(matcher for matcher in matchers if matcher.name == METRIC_NAME)
    data = tuple(matcher for matcher in matchers if matcher.name != METRIC_NAME)
    is_info = [
        bool(names or len(call.arguments) == 1)
        and all(matcher.matches(labels.name) for matcher in names or (TARGET_INFO,))
        for labels in vector.series
    ]
    identities = [
        Labels() if known else labels.only(IDENTIFYING_LABELS)
        for labels, known in zip(vector.series, is_info, strict=True)
    ]
    if not any(identities):
        return _enriched(block, vector, is_info, {}, data)
    asked = (*(names or (TARGET_INFO,)), *data, *_identifying(identities))
    infos = block.times_beside(call.arguments[0], asked)
    return _enriched(block, vector, is_info, _by_identity(infos.series), data, infos)


def _identifying(identities: Sequence[Labels]) -> Iterator[Matcher]:
    """Yield matchers of the series that have an identity of these, and maybe of some others."""
    for name in IDENTIFYING_LABELS:
        values = sorted({labels[name] for labels in identities if name in labels})
        if len(values) == 1:
            yield Matcher(name, MatchOperator.EQUAL, values[0])
        elif values:
            pattern = "|".join(map(_escaped, values))
            yield Matcher(name, MatchOperator.REGEX, pattern)


def _escaped(text: str) -> str:
    """Return a regular expression that matches a text only."""
    return "".join(f"\\{part}" if part in _SPECIAL else part for part in text)


_SPECIAL: Final = frozenset("\\.+*?()|[]{}^$")


def _by_identity(series: SeriesList) -> Mapping[Identity, list[int]]:
    columns: dict[Identity, list[int]] = {}
    for column, labels in enumerate(series):
        identity = labels.name, labels.only(IDENTIFYING_LABELS)
        columns.setdefault(identity, []).append(column)
    return columns


def _enriched(
    block: Block,
    vector: Vector,
    is_info: Sequence[bool],
    columns: Mapping[Identity, list[int]],
    data: Sequence[Matcher],
    infos: Vector | None = None,
) -> Vector:
    """Return the vector with data labels added, each series at the steps of each label set.

    A series without an info series is kept if the data matchers accept that it has no such labels.
    """
    wanted = frozenset(matcher.name for matcher in data)
    keeps_bare = all(matcher.matches("") for matcher in data)
    names = sorted({name for name, _ in columns})
    labels: list[Labels] = []
    sources: list[int] = []
    present: list[np.ndarray[tuple[int], np.dtype[np.bool_]]] = []
    here = presence(vector)
    for column, base in enumerate(vector.series):
        block.budget.check()
        choices = [
            _newest(infos, columns.get((name, base.only(IDENTIFYING_LABELS)), []), here[:, column])
            for name in names
            if infos is not None and not is_info[column]
        ]
        rows = np.stack(choices, axis=1) if choices else np.full((len(here), 0), -1, np.intp)
        for choice in np.unique(rows, axis=0):
            chosen = [index for index in choice.tolist() if index >= 0]
            if not chosen and not keeps_bare and not is_info[column]:
                continue
            assert infos is not None or not chosen
            added = [] if infos is None else [infos.series[index] for index in chosen]
            labels.append(_with_data(base, added, wanted))
            sources.append(column)
            present.append(here[:, column] & (rows == choice).all(axis=1))
    if not labels:
        return Vector(SeriesList(()), np.empty((len(here), 0)))
    nameless: Nameless = vector.nameless
    if isinstance(nameless, np.ndarray):
        nameless = nameless[sources]
    return merge(
        Relabeling.of(labels), vector.values[:, sources], np.stack(present, axis=1), nameless
    )


def _newest(
    infos: Vector | None,
    columns: Sequence[int],
    wanted: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return which info series counts at each step: the one with the newest sample; -1: none.

    Raises:
        QueryEvaluationError: two have a sample of the same time.
    """
    if infos is None or not columns:
        return np.full(len(wanted), -1, np.intp)
    times = np.where(presence(infos)[:, columns], infos.values[:, columns], -np.inf)
    best = times.max(axis=1, keepdims=True)
    twice = (times == best).sum(axis=1) > 1
    clash = np.flatnonzero(twice & np.isfinite(best[:, 0]) & wanted)
    if len(clash):
        step = clash[0]
        first, second = np.flatnonzero(times[step] == best[step])[:2].tolist()
        raise QueryEvaluationError(
            "found duplicate series for info metric: "
            f"{infos.series[columns[first]]}, {infos.series[columns[second]]}"
        )
    chosen = np.array(columns, np.intp)[times.argmax(axis=1)]
    return np.where(np.isfinite(best[:, 0]), chosen, -1)


def _with_data(base: Labels, infos: Sequence[Labels], wanted: frozenset[str]) -> Labels:
    """Return a label set with the labels of info series that are wanted and that it lacks.

    Raises:
        QueryEvaluationError: two info series differ in a label.
    """
    added: dict[str, str] = {}
    for info in infos:
        for name, value in info.items():
            if name == METRIC_NAME or (wanted and name not in wanted):
                continue
            if added.get(name, value) != value:
                raise QueryEvaluationError(f"conflicting label in info(): {quote_value(name)}")
            if name not in base:
                added[name] = value
    return base.updated(added) if added else base


FUNCTIONS: Final[Mapping[str, Implementation]] = {"info": _info}
