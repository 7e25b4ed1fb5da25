"""OpenTelemetry's names to Prometheus': units and `_total` as suffixes, underscores for the rest.

Source:
    https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    prometheus/otlptranslator, metric_namer.go, label_namer.go
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_UNITS: Final[Mapping[str, str]] = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds",
    "us": "microseconds", "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
}  # fmt: skip
_PER_UNITS: Final[Mapping[str, str]] = {
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}  # fmt: skip

_NO_TOKEN: Final = re.compile(r"[^A-Za-z0-9:]+")
_NO_LABEL: Final = re.compile(r"[^A-Za-z0-9_]")


def translate_name(
    name: str, unit: str, *, is_counter: bool = False, is_gauge: bool = False
) -> str:
    """Return the metric name that Prometheus gives to an instrument.

    Args:
        name: the instrument's.
        unit: as in UCUM; what stands in braces is none.
        is_counter: whether it is a monotonic sum.
        is_gauge: whether it is a gauge, where the unit 1 is a ratio.

    Example:
        >>> translate_name("http.server.duration", "s")
        'http_server_duration_seconds'
        >>> translate_name("chat.messages", "{message}/s", is_counter=True)
        'chat_messages_per_second_total'
    """
    tokens = [token for token in _NO_TOKEN.split(name) if token]
    main, per = _units(unit)
    tokens += [main] if main and main not in tokens else []
    tokens += ["per", per] if per and per not in tokens else []
    for applies, suffix in ((is_counter, "total"), (is_gauge and unit == "1", "ratio")):
        if applies:
            tokens = [*(token for token in tokens if token != suffix), suffix]
    text = "_".join(tokens)
    return f"_{text}" if text[:1].isdigit() else text


def translate_label(name: str) -> str:
    """Return the label name that Prometheus gives to an attribute.

    Example:
        >>> translate_label("http.status_code"), translate_label("2xx"), translate_label("_a")
        ('http_status_code', 'key_2xx', 'key_a')
    """
    text = _NO_LABEL.sub("_", name)
    if text[:1].isdigit():
        return f"key_{text}"
    return f"key{text}" if text.startswith("_") and not text.startswith("__") else text


def _units(unit: str) -> tuple[str, str]:
    main, _, per = (part.strip() for part in unit.partition("/"))
    return _clean(main, _UNITS), _clean(per, _PER_UNITS)


def _clean(unit: str, names: Mapping[str, str]) -> str:
    if "{" in unit or "}" in unit:
        return ""
    return re.sub(r"[^A-Za-z0-9]+", "_", names.get(unit, unit)).strip("_")
