"""Functions of one number at a time, applied to every sample: mathematics, rounding, clamping.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from sakshi.promql.ast import Call
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.vector import both, without_name
from sakshi.storage.store import Values


def elementwise(function: Callable[[Values], Values]) -> Implementation:
    """Return the implementation that applies a function of arrays to its only argument."""

    def apply(block: Block, call: Call) -> Vector:
        vector = block.vector(call.arguments[0])
        return without_name(vector.holding(function(vector.values), vector.present))

    return apply


def _round(block: Block, call: Call) -> Vector:
    """Round to the nearest multiple of a number, halves up."""
    vector = block.vector(call.arguments[0])
    inverse: Values = np.ones((1, 1))
    if len(call.arguments) > 1:
        inverse = 1 / block.scalar(call.arguments[1])[:, None]
    rounded = np.floor(vector.values * inverse + 0.5) / inverse
    return without_name(vector.holding(rounded, vector.present))


def _clamp(block: Block, call: Call) -> Vector:
    """Raise to a minimum, cut to a maximum; nothing is left where the minimum is the greater."""
    vector = block.vector(call.arguments[0])
    least, most = (block.scalar(argument)[:, None] for argument in call.arguments[1:])
    clamped = np.maximum(least, np.minimum(most, vector.values))
    present = vector.present
    if (most < least).any():
        present = both(present, np.broadcast_to(~(most < least), clamped.shape))
    return without_name(vector.holding(clamped, present))


def _clamp_against(bound: Callable[[Values, Values], Values]) -> Implementation:
    def apply(block: Block, call: Call) -> Vector:
        vector = block.vector(call.arguments[0])
        clamped = bound(vector.values, block.scalar(call.arguments[1])[:, None])
        return without_name(vector.holding(clamped, vector.present))

    return apply


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "abs": elementwise(np.abs),
    "acos": elementwise(np.arccos),
    "acosh": elementwise(np.arccosh),
    "asin": elementwise(np.arcsin),
    "asinh": elementwise(np.arcsinh),
    "atan": elementwise(np.arctan),
    "atanh": elementwise(np.arctanh),
    "ceil": elementwise(np.ceil),
    "clamp": _clamp,
    "clamp_max": _clamp_against(np.minimum),
    "clamp_min": _clamp_against(np.maximum),
    "cos": elementwise(np.cos),
    "cosh": elementwise(np.cosh),
    "deg": elementwise(np.degrees),
    "exp": elementwise(np.exp),
    "floor": elementwise(np.floor),
    "ln": elementwise(np.log),
    "log10": elementwise(np.log10),
    "log2": elementwise(np.log2),
    "rad": elementwise(np.radians),
    "round": _round,
    "sgn": elementwise(np.sign),
    "sin": elementwise(np.sin),
    "sinh": elementwise(np.sinh),
    "sqrt": elementwise(np.sqrt),
    "tan": elementwise(np.tan),
    "tanh": elementwise(np.tanh),
}
