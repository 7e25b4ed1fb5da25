"""Functions between scalars and vectors, and of time: scalar, vector, time, timestamp, start."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from sakshi.promql.ast import Call
from sakshi.promql.block import Block, Implementation
from sakshi.promql.duration import QueryTimes
from sakshi.promql.engine import Scalar, Vector
from sakshi.promql.vector import ONE_NAMELESS, presence, without_name
from sakshi.storage.store import Values


def _scalar(block: Block, call: Call) -> Scalar:
    """Return the only series' value; NaN where there is none, or more than one."""
    vector = block.vector(call.arguments[0])
    if vector.present is None and len(vector.series) == 1:
        return Scalar(vector.values[:, 0])
    present = presence(vector)
    if not len(vector.series):
        return Scalar(np.full(len(block.times), math.nan))
    found = vector.values[np.arange(len(present)), present.argmax(axis=1)]
    return Scalar(np.where(present.sum(axis=1) == 1, found, math.nan))


def _vector(block: Block, call: Call) -> Vector:
    return Vector(ONE_NAMELESS, block.scalar(call.arguments[0])[:, None])


def _time(block: Block, call: Call) -> Scalar:
    return Scalar(block.times / 1000)


def _pi(block: Block, call: Call) -> Scalar:
    return Scalar(np.full(len(block.times), math.pi))


def _of_query(milliseconds: Callable[[QueryTimes], int]) -> Implementation:
    """Return the implementation of what the whole query has one of, in seconds."""

    def apply(block: Block, call: Call) -> Scalar:
        return Scalar(np.full(len(block.times), milliseconds(block.query_times) / 1000))

    return apply


def _of_two(choose: Callable[[Values, Values], Values]) -> Implementation:
    def apply(block: Block, call: Call) -> Scalar:
        left, right = map(block.scalar, call.arguments)
        return Scalar(choose(left, right))

    return apply


def _timestamp(block: Block, call: Call) -> Vector:
    return without_name(block.sample_times(call.arguments[0]))


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "end": _of_query(lambda times: times.end_ms),
    "max_of": _of_two(np.maximum),
    "min_of": _of_two(np.minimum),
    "pi": _pi,
    "range": _of_query(lambda times: times.range_ms),
    "scalar": _scalar,
    "start": _of_query(lambda times: times.start_ms),
    "step": _of_query(lambda times: times.step_ms),
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
}
