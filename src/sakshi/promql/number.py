"""Numbers as Prometheus prints them: the shortest digits that read back as the same float."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import orjson

from sakshi.storage.store import Values


def format_plain(value: float) -> str:
    """Return a number without an exponent: `count_values` and scalars in JSON.

    Source:
        https://pkg.go.dev/strconv#FormatFloat with 'f' and -1.

    Example:
        >>> format_plain(1e21), format_plain(-0.0), format_plain(1e-7), format_plain(float("inf"))
        ('1000000000000000000000', '-0', '0.0000001', '+Inf')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" in text:
        text = np.format_float_positional(value, trim="-")
    return text.removesuffix(".0")


def format_sample(value: float) -> str:
    """Return a number as samples have it in JSON: very large and small ones with an exponent.

    Source:
        prometheus/prometheus util/jsonutil/marshal.go, MarshalFloat.

    Example:
        >>> format_sample(1e21), format_sample(1e-7), format_sample(1e-5), format_sample(1e16)
        ('1e+21', '1e-07', '0.00001', '10000000000000000')
    """
    magnitude = abs(value)
    if magnitude and not math.isinf(magnitude) and (magnitude < 1e-6 or magnitude >= 1e21):
        return repr(float(value))
    return format_plain(value)


def format_open_metrics(value: float) -> str:
    """Return a number as OpenMetrics has it in labels: whole ones with a decimal.

    Example:
        >>> format_open_metrics(1.0), format_open_metrics(0.99), format_open_metrics(float("inf"))
        ('1.0', '0.99', '+Inf')
    """
    return format_plain(value) if value - value != 0 else repr(float(value))


def format_samples(values: Values) -> Sequence[bytes]:
    """Return `format_sample` of each number of an array of one dimension, in ASCII."""
    if not len(values):
        return []
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    if b"e" in text or b"n" in text:  # an exponent, or the null that stands for NaN and infinities
        return [format_sample(value).encode() for value in values.tolist()]
    return [number.removesuffix(b".0") for number in text[1:-1].split(b",")]
