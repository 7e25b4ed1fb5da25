"""An OTLP export to Prometheus' samples, as Prometheus' own receiver translates it.

    service.namespace/service.name, service.instance.id  ──▶ job, instance
    the resource's other attributes                      ──▶ target_info
    sum, gauge                                           ──▶ one series
    histogram                                            ──▶ _bucket{le}, _sum, _count
    summary                                              ──▶ {quantile}, _sum, _count

Sums and histograms must be cumulative: what a delta adds to is not known here.

Source:
    prometheus/prometheus storage/remote/otlptranslator/prometheusremotewrite
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sakshi.exposition.errors import ExportError
from sakshi.exposition.otlp import Tree
from sakshi.exposition.otlp_name import translate_label, translate_name

TARGET_INFO_STEP_MS: Final = 150_000  # half of the lookback: target_info is there at each moment

_CUMULATIVE: Final = (2, "AGGREGATION_TEMPORALITY_CUMULATIVE")
_NO_VALUE: Final = 1  # the flag of a point that says that there is none
_STALE: Final[float] = struct.unpack("<d", struct.pack("<Q", 0x7FF0_0000_0000_0002))[0]
_IDENTITY: Final = ("service.name", "service.namespace", "service.instance.id")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ExportedSample:
    """One sample: label pairs with the name, milliseconds since the epoch, value."""

    pairs: Pairs
    timestamp_ms: int
    value: float


@dataclass(frozen=True)
class RefusedMetric:
    """A metric that has no translation: how many data points it has, and why."""

    points: int
    reason: str


def translate_export(tree: Tree) -> Iterator[ExportedSample | RefusedMetric]:
    """Yield the samples of an export, resource by resource, and what is refused of it.

    Raises:
        ExportError: the tree is not what OTLP has.
    """
    for resource in _list(tree, "resourceMetrics"):
        yield from _translate_resource(resource)


def _translate_resource(resource: Tree) -> Iterator[ExportedSample | RefusedMetric]:
    attributes = _attributes(_mapping(resource, "resource"), "the resource")
    identity = _identity(attributes)
    times: list[int] = []
    for scope in _list(resource, "scopeMetrics"):
        for metric in _list(scope, "metrics"):
            for item in _translate_metric(metric, identity):
                if isinstance(item, ExportedSample):
                    times.append(item.timestamp_ms)
                yield item
    rest = {key: value for key, value in attributes.items() if key not in _IDENTITY}
    if rest and identity and times:
        pairs = _pairs("target_info", rest, identity)
        end_ms = max(times)
        for timestamp_ms in [*range(min(times), end_ms, TARGET_INFO_STEP_MS), end_ms]:
            yield ExportedSample(pairs, timestamp_ms, 1.0)


def _identity(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return job and instance; what is not known is left out."""
    name, namespace, instance = (attributes.get(key, "") for key in _IDENTITY)
    job = f"{namespace}/{name}" if namespace and name else name
    return {key: value for key, value in (("job", job), ("instance", instance)) if value}


def _translate_metric(
    metric: Tree, identity: Mapping[str, str]
) -> Iterator[ExportedSample | RefusedMetric]:
    name, unit = str(metric.get("name", "")), str(metric.get("unit", ""))
    if not name:
        raise ExportError("a metric", "a name", "none")
    reason = _refusal(metric, name)
    if reason:
        points = [_list(_mapping(metric, key), "dataPoints") for key in _KINDS if key in metric]
        yield RefusedMetric(sum(map(len, points)), reason)
        return
    for key, translate in _TRANSLATORS.items():
        data = _mapping(metric, key)
        is_counter = key == "sum" and bool(data.get("isMonotonic"))
        full = translate_name(name, unit, is_counter=is_counter, is_gauge=key == "gauge")
        for point in _list(data, "dataPoints"):
            try:
                yield from translate(_Point(full, point, identity, f"a data point of {name}"))
            except (TypeError, ValueError, OverflowError) as error:
                raise ExportError(f"a data point of {name}", "numbers", str(error)) from None


def _refusal(metric: Tree, name: str) -> str:
    """Return why a metric cannot be translated; empty where it can."""
    if "exponentialHistogram" in metric:
        return (
            f"{name}: exponential histograms are not stored, only those with explicit bounds; "
            "choose ExplicitBucketHistogramAggregation"
        )
    for key in ("sum", "histogram"):
        if key not in metric:
            continue
        if _mapping(metric, key).get("aggregationTemporality") not in _CUMULATIVE:
            return (
                f"{name}: expected cumulative temporality, found another; "
                "set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative"
            )
    return ""


@dataclass(frozen=True)
class _Point:
    """A data point, with what all of its samples share."""

    name: str
    tree: Tree
    identity: Mapping[str, str]
    place: str

    def sample(self, suffix: str, value: float, **extra: str) -> ExportedSample:
        """Return one of its samples; a stale marker where it says that there is no value."""
        attributes = _attributes(self.tree, self.place)
        pairs = _pairs(self.name + suffix, attributes, {**self.identity, **extra})
        nanoseconds = int(self.tree.get("timeUnixNano", 0))
        if not 0 <= nanoseconds < 1 << 64:
            raise ExportError(self.place, "a time of 64 bits", str(nanoseconds))
        is_stale = int(self.tree.get("flags", 0)) & _NO_VALUE
        return ExportedSample(pairs, nanoseconds // 1_000_000, _STALE if is_stale else value)


def _translate_number(point: _Point) -> Iterator[ExportedSample]:
    tree = point.tree
    yield point.sample("", float(tree["asInt"] if "asInt" in tree else tree.get("asDouble", 0.0)))


def _translate_histogram(point: _Point) -> Iterator[ExportedSample]:
    tree = point.tree
    counts = [int(count) for count in _list(tree, "bucketCounts", dict | str | int)]
    bounds = [float(bound) for bound in _list(tree, "explicitBounds", str | int | float)]
    if counts and len(counts) != len(bounds) + 1:
        raise ExportError(point.place, f"{len(bounds) + 1} bucket counts", f"{len(counts)}")
    if "sum" in tree:
        yield point.sample("_sum", float(tree["sum"]))
    count = float(int(tree.get("count", 0)))
    yield point.sample("_count", count)
    below = 0
    for bound, number in zip(bounds, counts, strict=False):
        below += number
        yield point.sample("_bucket", float(below), le=format_bound(bound))
    yield point.sample("_bucket", count, le="+Inf")


def _translate_summary(point: _Point) -> Iterator[ExportedSample]:
    tree = point.tree
    yield point.sample("_sum", float(tree.get("sum", 0.0)))
    yield point.sample("_count", float(int(tree.get("count", 0))))
    for quantile in _list(tree, "quantileValues"):
        bound = format_bound(float(quantile.get("quantile", 0.0)))
        yield point.sample("", float(quantile.get("value", 0.0)), quantile=bound)


_TRANSLATORS: Final = {
    "gauge": _translate_number,
    "sum": _translate_number,
    "histogram": _translate_histogram,
    "summary": _translate_summary,
}
_KINDS: Final = (*_TRANSLATORS, "exponentialHistogram")


def format_bound(value: float) -> str:
    """Return a bucket's bound or a quantile as Prometheus writes it: without exponent.

    Example:
        >>> format_bound(0.005), format_bound(1e6), format_bound(float("inf"))
        ('0.005', '1000000', '+Inf')
    """
    if value - value != 0:
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _pairs(name: str, attributes: Mapping[str, str], fixed: Mapping[str, str]) -> Pairs:
    """Return label pairs; attributes whose names become one are joined by `;`, by their order."""
    labels: dict[str, str] = {}
    for key in sorted(attributes):
        label = translate_label(key)
        value = attributes[key]
        labels[label] = f"{labels[label]};{value}" if label in labels else value
    return tuple({**labels, **fixed, "__name__": name}.items())


def _attributes(owner: Tree, place: str) -> dict[str, str]:
    """Return the attributes of a resource or a point; the last of a key counts."""
    attributes = {}
    for pair in _list(owner, "attributes"):
        key = pair.get("key", "")
        if not isinstance(key, str) or not key:
            raise ExportError(place, "attributes with keys", "one without")
        attributes[key] = _text(_mapping(pair, "value"))
    return attributes


def _text(value: Tree) -> str:
    """Return an attribute's value as text."""
    plain = _plain(value)
    if isinstance(plain, str):
        return plain
    if isinstance(plain, float):
        return format_bound(plain) if 1e-6 <= abs(plain) < 1e21 or not plain else repr(plain)
    return "" if plain is None else json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Tree) -> Any:
    """Return an attribute's value: a text, number, truth, list, mapping, or None for none."""
    match value:
        case {"stringValue": str(text)}:
            return text
        case {"boolValue": bool(truth)}:
            return truth
        case {"intValue": int() | str() as number}:
            return _number(int, number)
        case {"doubleValue": int() | float() | str() as number}:
            return _number(float, number)
        case {"arrayValue": dict(array)}:
            return [_plain(item) for item in _list(array, "values")]
        case {"kvlistValue": dict(pairs)}:
            return {
                str(pair.get("key", "")): _plain(_mapping(pair, "value"))
                for pair in _list(pairs, "values")
            }
        case {"bytesValue": bytes(raw)}:
            return base64.b64encode(raw).decode()
        case {"bytesValue": str(text)}:
            return text
    return None


def _number(kind: type[int] | type[float], found: int | float | str) -> int | float:
    try:
        return kind(found)
    except (ValueError, OverflowError):
        raise ExportError("an attribute", "a number", repr(found)) from None


def _mapping(owner: Tree, key: str) -> Tree:
    found = owner.get(key) or {}
    if not isinstance(found, dict):
        raise ExportError(key, "an object", type(found).__name__)
    return found


def _list(owner: Tree, key: str, kind: Any = dict) -> Sequence[Any]:
    found = owner.get(key) or []
    if not isinstance(found, list) or not all(isinstance(item, kind) for item in found):
        raise ExportError(key, "a list of the right kind", type(found).__name__)
    return found
