"""What every operator does with vectors: combine presence, give new label sets, join blocks.

A vector keeps its columns through filters: a comparison or `topk` only marks what is not present,
so that its series list, and all that is remembered for it, stays the same from step to step and
from query to query. `compacted` drops the empty columns once, from the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import EMPTY_LABELS, Labels
from sakshi.promql.engine import Scalar, Text, Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.memo import derive
from sakshi.storage.store import SeriesList, Values

Present = NDArray[np.bool_]
Indices = NDArray[np.intp]
Nameless: TypeAlias = NDArray[np.bool_] | bool

NO_SERIES: Final = SeriesList(())
ONE_NAMELESS: Final = SeriesList((EMPTY_LABELS,))


def empty_vector(steps: int) -> Vector:
    """Return the vector without series."""
    return Vector(NO_SERIES, np.empty((steps, 0)))


def both(left: Present | None, right: Present | None) -> Present | None:
    """Return where both are present; None stands for everywhere."""
    if left is None:
        return right
    return left if right is None else left & right


def presence(vector: Vector) -> Present:
    """Return the vector's presence as an array even where everything is present."""
    if vector.present is None:
        return np.ones(vector.values.shape, np.bool_)
    return vector.present


def present_count(vector: Vector) -> int:
    """Return how many values a vector has, all steps together."""
    return vector.values.size if vector.present is None else int(np.count_nonzero(vector.present))


@dataclass(frozen=True)
class Relabeling:
    """New label sets for the columns of a vector.

    Args:
        series: the distinct new label sets.
        columns: shape (n,): for each old column the new one; None where each keeps its own.
    """

    series: SeriesList
    columns: Indices | None

    @classmethod
    def of(cls, labels: Sequence[Labels]) -> Relabeling:
        """Return the relabeling of columns to these label sets, in order of their appearance."""
        positions: dict[Labels, int] = {}
        columns = [positions.setdefault(item, len(positions)) for item in labels]
        if len(positions) == len(labels):
            return cls(SeriesList(labels), None)
        return cls(SeriesList(tuple(positions)), np.array(columns, np.intp))


def relabel(vector: Vector, key: Hashable, change: Callable[[Labels], Labels]) -> Vector:
    """Return the vector with changed label sets; series that become one are merged.

    Args:
        vector: any.
        key: names the change with all its parameters.
        change: depends on its argument and the key only.

    Raises:
        QueryEvaluationError: two series become one and both have a value at the same step.
    """
    relabeling = derive(
        vector.series, key, lambda: Relabeling.of([change(labels) for labels in vector.series])
    )
    return merge(relabeling, vector.values, vector.present, vector.nameless)


def merge(
    relabeling: Relabeling, values: Values, present: Present | None, nameless: Nameless = False
) -> Vector:
    """Return the vector of new label sets; columns that became one are taken where present.

    Raises:
        QueryEvaluationError: two columns that became one have a value at the same step.
    """
    if relabeling.columns is None:
        return Vector(relabeling.series, values, present, nameless)
    if isinstance(nameless, np.ndarray):
        columns = relabeling.columns[nameless]
        nameless = np.zeros(len(relabeling.series), np.bool_)
        nameless[columns] = True
    if present is None:
        present = np.ones(values.shape, np.bool_)
    shape = (len(values), len(relabeling.series))
    merged, occupied = np.zeros(shape), np.zeros(shape, np.bool_)
    steps, columns = np.nonzero(present)
    targets = relabeling.columns[columns]
    occupied[steps, targets] = True
    if np.count_nonzero(occupied) != len(steps):
        raise QueryEvaluationError("vector cannot contain metrics with the same labelset")
    merged[steps, targets] = values[steps, columns]
    return Vector(relabeling.series, merged, occupied, nameless)


def without_name(vector: Vector) -> Vector:
    """Return the vector with its metric names marked: `settled` drops them when all is done.

    Until then they can be seen: `count(rate({__name__=~"a|b"}[5m]))` counts both.
    """
    return Vector(vector.series, vector.values, vector.present, nameless=True)


def settled(vector: Vector) -> Vector:
    """Return the vector less the metric names that are marked.

    Raises:
        QueryEvaluationError: two series differ by nothing else.
    """
    nameless = vector.nameless
    if nameless is False:
        return vector
    marked = nameless.tobytes() if isinstance(nameless, np.ndarray) else nameless
    relabeling = derive(
        vector.series,
        ("settled", marked),
        lambda: Relabeling.of(unmarked_names(vector.series, nameless)),
    )
    return merge(relabeling, vector.values, vector.present)


def unmarked_names(series: SeriesList, nameless: Nameless) -> Sequence[Labels]:
    """Return the label sets less the metric names that are marked."""
    marks = np.broadcast_to(nameless, len(series)).tolist()
    return [
        labels.without_name() if marked else labels
        for labels, marked in zip(series, marks, strict=True)
    ]


def joined_nameless(left: Vector, right: Vector) -> Nameless:
    """Return which series lose their name in the vector of both, one after the other."""
    if left.nameless is False and right.nameless is False:
        return False
    marks = [np.broadcast_to(vector.nameless, len(vector.series)) for vector in (left, right)]
    return np.concatenate(marks)


def any_present(vector: Vector) -> Present:
    """Tell at which steps there is any series, shape (steps, 1)."""
    return np.asarray(presence(vector).any(axis=1, keepdims=True))


def is_empty(vector: Vector) -> bool:
    """Tell whether no series has a value at any step."""
    return not vector.values.size or (vector.present is not None and not vector.present.any())


def broadcast(value: Scalar | Text | Vector, steps: int) -> Scalar | Text | Vector:
    """Return the value of one step for so many steps; its arrays are read-only views."""
    if isinstance(value, Text):
        return value
    if isinstance(value, Scalar):
        return Scalar(np.broadcast_to(value.values, (steps,)))
    shape = (steps, value.values.shape[1])
    present = value.present
    if present is not None:
        present = np.broadcast_to(present, shape)
    return value.holding(np.broadcast_to(value.values, shape), present)


def join_steps(blocks: Sequence[Scalar | Text | Vector]) -> Scalar | Text | Vector:
    """Return blocks of consecutive steps as one value; the first where there is but one."""
    first = blocks[0]
    if len(blocks) == 1 or isinstance(first, Text):
        return first
    if isinstance(first, Scalar):
        return Scalar(
            np.concatenate([block.values for block in blocks if isinstance(block, Scalar)])
        )
    vectors = [block for block in blocks if isinstance(block, Vector)]
    series = vectors[0].series
    if any(vector.series is not series for vector in vectors):
        vectors = _aligned(vectors)
        series = vectors[0].series
    values = np.concatenate([vector.values for vector in vectors])
    if all(vector.present is None for vector in vectors):
        return vectors[0].holding(values)
    return vectors[0].holding(values, np.concatenate([presence(vector) for vector in vectors]))


def joined_cells(blocks: Sequence[Scalar | Text | Vector]) -> int:
    """Return how many numbers `join_steps` makes because blocks have different series, at most."""
    vectors = [block for block in blocks if isinstance(block, Vector)]
    if all(vector.series is vectors[0].series for vector in vectors):
        return 0
    steps = sum(len(vector.values) for vector in vectors)
    return steps * sum(len(vector.series) for vector in vectors)


def _aligned(vectors: Sequence[Vector]) -> list[Vector]:
    """Return vectors of different series as vectors of all their series."""
    positions: dict[Labels, int] = {}
    for vector in vectors:
        for labels in vector.series:
            positions.setdefault(labels, len(positions))
    series, aligned = SeriesList(tuple(positions)), []
    nameless = np.zeros(len(series), np.bool_)
    for vector in vectors:
        columns = [positions[labels] for labels in vector.series]
        shape = (len(vector.values), len(series))
        values, present = np.zeros(shape), np.zeros(shape, np.bool_)
        values[:, columns] = vector.values
        present[:, columns] = presence(vector)
        nameless[columns] |= vector.nameless
        aligned.append(Vector(series, values, present, nameless))
    return aligned


def compacted(vector: Vector) -> Vector:
    """Return the vector, whose names are settled, less the series without any value."""
    if vector.present is None:
        return vector
    kept = vector.present.any(axis=0)
    if not kept.any():
        return empty_vector(len(vector.values))
    if kept.all():
        everywhere = bool(vector.present.all())
        return vector.holding(vector.values, None if everywhere else vector.present)
    return taken(vector, np.flatnonzero(kept))


def taken(vector: Vector, columns: Indices) -> Vector:
    """Return some columns of a vector, whose names are settled, in the order given."""
    present = None if vector.present is None else vector.present[:, columns]
    if present is not None and present.all():
        present = None
    labels = [vector.series[column] for column in columns.tolist()]
    return Vector(SeriesList(labels), vector.values[:, columns], present)
