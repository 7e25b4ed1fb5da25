"""Answers as the Prometheus HTTP API writes them: the `data` of a response, as JSON bytes.

    {"resultType":"vector","result":[{"metric":{"job":"chat"},"value":[1700000000,"0.5"]}]}

Times are seconds, numbers are strings. A label set is encoded once (`Labels.json`), and gathered
once for each series list, so that the same panel, asked again, costs its numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, islice
from typing import Final, TypeAlias

import orjson

from sakshi.promql.engine import QueryResult, Samples, Scalar, SeriesSamples, Text, Vector
from sakshi.promql.memo import derive
from sakshi.promql.number import format_plain, format_samples
from sakshi.promql.vector import Present
from sakshi.storage.store import SeriesList, Values

NUMBERS_AT_ONCE: Final = 10_000
"""Numbers that one C call formats: 1 ms. It does not let go of the interpreter meanwhile, so an
answer of 20 million at once would stop scrapes and page for a second."""


Watch: TypeAlias = Callable[[int], None]
"""Told again and again how many bytes an answer has so far; raises what ends it."""


def unwatched(_size: int) -> None:
    """Let everything be written."""


def render_instant(result: QueryResult, watch: Watch = unwatched) -> bytes:
    """Return the `data` of the answer to an instant query: vector, matrix, scalar or string."""
    time = _format_time(int(result.steps[0]))
    match result.value:
        case Scalar(values):
            number = format_plain(float(values[0])).encode()
            return _data(b"scalar", b'[%b,"%b"]' % (time, number))
        case Text(text):
            return _data(b"string", b"[%b,%b]" % (time, orjson.dumps(text)))
        case Samples(series):
            return _data(b"matrix", _rows(map(_render_samples, series), watch))
        case vector:
            return _data(b"vector", _rows(_render_vector(vector, time), watch))


def render_range(result: QueryResult, watch: Watch = unwatched) -> bytes:
    """Return the `data` of the answer to a range query: always a matrix."""
    times = [_format_time(step) for step in result.steps.tolist()]
    match result.value:
        case Scalar(values):
            rows: Iterable[bytes] = [_render_series(b"{}", _points(times, format_samples(values)))]
        case Vector() as vector:
            rows = _render_matrix(vector, times)
        case _:
            raise AssertionError("a range query answers a scalar or a vector")
    return _data(b"matrix", _rows(rows, watch))


def _data(kind: bytes, result: bytes) -> bytes:
    return b"".join([b'{"resultType":"', kind, b'","result":', result, b"}"])


def _rows(rows: Iterable[bytes], watch: Watch) -> bytes:
    """Return rows as a list, watched while it grows."""
    parts, size = [], 0
    for row in rows:
        size += len(row) + 1
        watch(size)
        parts.append(row)
    return b"".join([b"[", b",".join(parts), b"]"])


def _render_vector(vector: Vector, time: bytes) -> Iterable[bytes]:
    encoded, numbers = _encode_series(vector.series), format_samples(vector.values[0])
    rows = (
        b'{"metric":%b,"value":[%b,"%b"]}' % (labels, time, number)
        for labels, number in zip(encoded, numbers, strict=True)
    )
    return rows if vector.present is None else compress(rows, vector.present[0].tolist())


def _render_matrix(vector: Vector, times: Sequence[bytes]) -> Iterable[bytes]:
    encoded = _encode_series(vector.series)
    width = max(1, NUMBERS_AT_ONCE // len(times))
    for first in range(0, len(encoded), width):
        columns = slice(first, first + width)
        values = vector.values[:, columns]
        present = None if vector.present is None else vector.present[:, columns]
        yield from _render_columns(encoded[columns], times, values, present)


def _render_columns(
    encoded: Sequence[bytes], times: Sequence[bytes], values: Values, present: Present | None
) -> Iterable[bytes]:
    if present is None:
        numbers = iter(format_samples(values.T.reshape(-1)))
        for labels in encoded:
            yield _render_series(labels, _points(times, islice(numbers, len(times))))
        return
    numbers = iter(format_samples(values.T[present.T]))
    for labels, steps in zip(encoded, present.T.tolist(), strict=True):
        seen = list(compress(times, steps))
        if seen:
            yield _render_series(labels, _points(seen, islice(numbers, len(seen))))


def _render_samples(samples: SeriesSamples) -> bytes:
    times = [_format_time(timestamp) for timestamp in samples.timestamps.tolist()]
    points = _points(times, format_samples(samples.values))
    return _render_series(samples.labels.json, points)


def _render_series(labels: bytes, points: Sequence[bytes]) -> bytes:
    return b'{"metric":%b,"values":[%b]}' % (labels, b",".join(points))


def _points(times: Iterable[bytes], numbers: Iterable[bytes]) -> list[bytes]:
    return [b'[%b,"%b"]' % point for point in zip(times, numbers, strict=True)]


def _encode_series(series: SeriesList) -> list[bytes]:
    return derive(series, "json", lambda: [labels.json for labels in series])


def _format_time(timestamp_ms: int) -> bytes:
    """Return milliseconds as seconds in JSON, with three decimals where there are any.

    Source:
        prometheus/prometheus util/jsonutil/marshal.go, MarshalTimestamp.
    """
    seconds, milliseconds = divmod(abs(timestamp_ms), 1000)
    sign = b"-" if timestamp_ms < 0 else b""
    fraction = b".%03d" % milliseconds if milliseconds else b""
    return b"%b%d%b" % (sign, seconds, fraction)
