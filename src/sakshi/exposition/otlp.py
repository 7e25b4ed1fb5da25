"""OTLP's metrics: the body of an export, in Protocol Buffers or JSON, to one tree.

Both are read to what JSON has: a mapping from the names of JSON to texts, numbers, truths, mappings
and lists. Who translates it (`otlp_translation.py`) need not know which it was.

Source:
    https://opentelemetry.io/docs/specs/otlp/
    open-telemetry/opentelemetry-proto, metrics/v1/metrics.proto
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sakshi.exposition.errors import ExportError, TooLargeError, WireFormatError
from sakshi.exposition.wire import BYTES, FIXED64, VARINT, as_signed, iter_fields

DEPTH_MAX: Final = 32  # of values inside values
NODES_MAX: Final = 500_000  # fields of an export; the collector's batches have some 200,000
SIGNS_MAX: Final = 1_000_000  # brackets and commas of an export in JSON, for the same

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class _Kind:
    """What a field holds: its wire type, and how its bytes or number are read."""

    wire: int
    name: str
    format: str = ""


_TEXT = _Kind(BYTES, "text")
_RAW = _Kind(BYTES, "raw")
_TRUTH = _Kind(VARINT, "truth")
_INT = _Kind(VARINT, "int")
_DOUBLE = _Kind(FIXED64, "fixed", "<d")
_UNSIGNED = _Kind(FIXED64, "fixed", "<Q")
_SIGNED = _Kind(FIXED64, "fixed", "<q")


@dataclass(frozen=True)
class _FieldRule:
    json_name: str
    kind: _Kind | str  # a str: a message of that name
    is_repeated: bool = False


_RULES: Final[Mapping[str, Mapping[int, _FieldRule]]] = {
    "Export": {1: _FieldRule("resourceMetrics", "ResourceMetrics", True)},
    "ResourceMetrics": {
        1: _FieldRule("resource", "Resource"),
        2: _FieldRule("scopeMetrics", "ScopeMetrics", True),
    },
    "Resource": {1: _FieldRule("attributes", "KeyValue", True)},
    "ScopeMetrics": {2: _FieldRule("metrics", "Metric", True)},
    "Metric": {
        1: _FieldRule("name", _TEXT),
        3: _FieldRule("unit", _TEXT),
        5: _FieldRule("gauge", "Numbers"),
        7: _FieldRule("sum", "Numbers"),
        9: _FieldRule("histogram", "Histogram"),
        10: _FieldRule("exponentialHistogram", "ExponentialHistogram"),
        11: _FieldRule("summary", "Summary"),
    },
    "Numbers": {
        1: _FieldRule("dataPoints", "NumberPoint", True),
        2: _FieldRule("aggregationTemporality", _INT),
        3: _FieldRule("isMonotonic", _TRUTH),
    },
    "Histogram": {
        1: _FieldRule("dataPoints", "HistogramPoint", True),
        2: _FieldRule("aggregationTemporality", _INT),
    },
    "ExponentialHistogram": {1: _FieldRule("dataPoints", "Nothing", True)},
    "Summary": {1: _FieldRule("dataPoints", "SummaryPoint", True)},
    "NumberPoint": {
        3: _FieldRule("timeUnixNano", _UNSIGNED),
        4: _FieldRule("asDouble", _DOUBLE),
        6: _FieldRule("asInt", _SIGNED),
        7: _FieldRule("attributes", "KeyValue", True),
        8: _FieldRule("flags", _INT),
    },
    "HistogramPoint": {
        3: _FieldRule("timeUnixNano", _UNSIGNED),
        4: _FieldRule("count", _UNSIGNED),
        5: _FieldRule("sum", _DOUBLE),
        6: _FieldRule("bucketCounts", _UNSIGNED, True),
        7: _FieldRule("explicitBounds", _DOUBLE, True),
        9: _FieldRule("attributes", "KeyValue", True),
        10: _FieldRule("flags", _INT),
    },
    "SummaryPoint": {
        3: _FieldRule("timeUnixNano", _UNSIGNED),
        4: _FieldRule("count", _UNSIGNED),
        5: _FieldRule("sum", _DOUBLE),
        6: _FieldRule("quantileValues", "Quantile", True),
        7: _FieldRule("attributes", "KeyValue", True),
        8: _FieldRule("flags", _INT),
    },
    "Quantile": {1: _FieldRule("quantile", _DOUBLE), 2: _FieldRule("value", _DOUBLE)},
    "KeyValue": {1: _FieldRule("key", _TEXT), 2: _FieldRule("value", "AnyValue")},
    "AnyValue": {
        1: _FieldRule("stringValue", _TEXT),
        2: _FieldRule("boolValue", _TRUTH),
        3: _FieldRule("intValue", _INT),
        4: _FieldRule("doubleValue", _DOUBLE),
        5: _FieldRule("arrayValue", "ArrayValue"),
        6: _FieldRule("kvlistValue", "KeyValueList"),
        7: _FieldRule("bytesValue", _RAW),
    },
    "ArrayValue": {1: _FieldRule("values", "AnyValue", True)},
    "KeyValueList": {1: _FieldRule("values", "KeyValue", True)},
    "Nothing": {},
}
"""The fields that are read, by message and number; all others are passed over."""


def read_protobuf(message: bytes) -> Tree:
    """Return the tree of an ExportMetricsServiceRequest.

    Raises:
        WireFormatError: the bytes are none, or are too deep.
        TooLargeError: there are more than NODES_MAX fields.
    """
    return _Reader().read(message, "Export", DEPTH_MAX)


def read_json(body: bytes) -> Tree:
    """Return the tree of an ExportMetricsServiceRequest in JSON.

    Raises:
        ExportError: it is no JSON object.
        TooLargeError: it has more than SIGNS_MAX brackets and commas.
    """
    if sum(map(body.count, (b"{", b"[", b","))) > SIGNS_MAX:
        raise TooLargeError("the body", f"at most {SIGNS_MAX} brackets and commas", "more")
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ExportError("the body", "JSON", str(error)) from None
    if not isinstance(tree, dict):
        raise ExportError("the body", "a JSON object", type(tree).__name__)
    return tree


class _Reader:
    """Reads messages, and counts what it reads."""

    def __init__(self) -> None:
        self._nodes = 0

    def read(self, message: bytes, name: str, depth_left: int) -> Tree:
        """Return the tree of a message of this name."""
        if not depth_left:
            raise WireFormatError(0, f"at most {DEPTH_MAX} messages in each other", "more")
        rules, tree = _RULES[name], dict[str, Any]()
        for number, wire, value in iter_fields(message):
            self._count(1)
            rule = rules.get(number)
            if rule is None:
                continue
            found = self._values(rule, wire, value, depth_left)
            if rule.is_repeated:
                tree.setdefault(rule.json_name, []).extend(found)
            else:
                tree[rule.json_name] = found[-1]
        return tree

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            raise TooLargeError("the body", f"at most {NODES_MAX} fields", "more")

    def _values(
        self, rule: _FieldRule, wire: int, value: int | bytes, depth_left: int
    ) -> Sequence[Any]:
        kind = rule.kind
        if isinstance(kind, str) and isinstance(value, bytes) and wire == BYTES:
            return [self.read(value, kind, depth_left - 1)]
        is_packed = isinstance(kind, _Kind) and rule.is_repeated and wire == BYTES
        if is_packed and isinstance(kind, _Kind) and isinstance(value, bytes):
            if len(value) % 8:
                raise WireFormatError(0, f"numbers of 8 bytes in {rule.json_name}", f"{len(value)}")
            self._count(len(value) // 8)
            return [number for (number,) in struct.iter_unpack(kind.format, value)]
        if isinstance(kind, _Kind) and wire == kind.wire:
            return [_scalar(kind, value, rule.json_name)]
        raise WireFormatError(0, f"another wire type in {rule.json_name}", f"{wire}")


def _scalar(kind: _Kind, value: int | bytes, json_name: str) -> Any:
    if isinstance(value, int):
        return bool(value) if kind is _TRUTH else as_signed(value)
    if kind is _RAW:
        return value
    if kind is _TEXT:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise WireFormatError(0, f"UTF-8 in {json_name}", repr(value[:64])) from None
    return struct.unpack(kind.format, value)[0]
