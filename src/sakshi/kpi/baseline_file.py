"""A recorded baseline as a file that people can read.

{
  "name": "before-2.0",
  "title": "Before 2.0",
  "recorded_at": "2023-11-14T22:13:20.123Z",
  "over": "1d",
  "values": {"responseTimes.averageResponseTime": 1800.0},
  "observations": {"responseTimes.averageResponseTime": 51840.0}
}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sakshi.kpi.baseline import Baseline, Origin
from sakshi.model.clock import format_timestamp
from sakshi.model.duration import InvalidDurationError, format_duration, parse_duration

KEYS: Final = ("name", "title", "recorded_at", "over", "values", "observations")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def render_baseline(baseline: Baseline) -> str:
    """Return the text of a recorded baseline's file."""
    assert baseline.recorded_at_ms is not None
    assert baseline.over_ms is not None
    content = {
        "name": baseline.name,
        "title": baseline.title,
        "recorded_at": format_timestamp(baseline.recorded_at_ms),
        "over": format_duration(baseline.over_ms),
        "values": dict(baseline.values),
        "observations": dict(baseline.observations),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def parse_baseline(text: str, name: str) -> Baseline:
    """Return the baseline of a text that `render_baseline` made, or a person.

    Args:
        text: of the file.
        name: the file's own, which the baseline must have.

    Raises:
        ValueError: it is none; the message says what was expected, and what stands there.
    """
    content = _parse_json(text)
    if not isinstance(content, dict) or set(content) != set(KEYS):
        found = ", ".join(map(str, content)) if isinstance(content, dict) else "something else"
        raise ValueError(f"expected an object of {', '.join(KEYS)}, found {found or 'nothing'}")
    if content["name"] != name:
        raise ValueError(
            f'name: expected the file\'s own, "{name}", found {_show(content["name"])}'
        )
    return Baseline(
        name,
        _read_text(content, "title"),
        Origin.RECORDED,
        _read_moment(content),
        _read_over(content),
        _read_numbers(content, "values"),
        _read_numbers(content, "observations"),
    )


def _parse_json(text: str) -> Any:
    try:
        content = json.loads(text)
        json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("expected JSON, found too many levels of it") from None
    except UnicodeEncodeError:  # an escape that JSON allows, and no answer could repeat
        raise ValueError("expected text, found half of a surrogate pair") from None
    except ValueError as error:
        raise ValueError(f"expected JSON: {error}") from None
    return content


def _read_text(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected a text, found {_show(value)}")
    return value


def _read_moment(content: Mapping[str, Any]) -> int:
    text = _read_text(content, "recorded_at")
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError):  # no moment; one without a time zone
        expected = 'a moment like "2023-11-14T22:13:20.123Z"'
        raise ValueError(f'recorded_at: expected {expected}, found "{text}"') from None


def _read_over(content: Mapping[str, Any]) -> int:
    text = _read_text(content, "over")
    try:
        over_ms = parse_duration(text)
    except InvalidDurationError:
        over_ms = 0
    if not over_ms:
        raise ValueError(f'over: expected a duration like "24h" above 0, found "{text}"')
    return over_ms


def _read_numbers(content: Mapping[str, Any], key: str) -> Mapping[str, float]:
    numbers = content[key]
    if not isinstance(numbers, dict):
        raise ValueError(f"{key}: expected numbers by indicator, found {_show(numbers)}")
    return {name: _read_number(value, f"{key}.{name}") for name, value in numbers.items()}


def _read_number(value: object, path: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, str):
        raise ValueError(f"{path}: expected a finite number, found {_show(value)}")
    return number


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}..."
