"""The functions that Prometheus and Alertmanager add to Go's.

Rules and notifications have different sets; some names are in both, and `title` differs.

Source:
    prometheus/prometheus template/template.go, prometheus/alertmanager template/template.go.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus, urlsplit

from sakshi.model.duration import InvalidDurationError, parse_duration
from sakshi.template.errors import FunctionError
from sakshi.template.moment import Moment
from sakshi.template.printing import format_float
from sakshi.template.regex import matches, replace_all
from sakshi.template.value import KV, SafeHtml, get_field, type_name

Functions = Mapping[str, Callable[..., Any]]

_LARGE_UNITS: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BINARY_UNITS: Final = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SMALL_UNITS: Final = ("m", "u", "n", "p", "f", "a", "z", "y")


@dataclass(frozen=True)
class Sample:
    """One element of what `query` returns. Fields have Go's names."""

    Labels: Mapping[str, str]
    Value: float


Query = Callable[[str], Sequence[Sample]]
"""Answers PromQL at the evaluation's moment; a SakshiError becomes the template's error."""


def to_float(value: Any) -> float:
    """Return a number, or the number that a string spells.

    Raises:
        FunctionError: neither.
    """
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise FunctionError(f'"{value}" is no number') from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise FunctionError(f"a {type_name(value)} is no number")


def _digits(value: float) -> str:
    return format_float(value, "g", 4)


def _scaled_up(value: float, step: float, units: Sequence[str]) -> str:
    unit = ""
    for larger in units:
        if abs(value) < step:
            break
        value, unit = value / step, larger
    return _digits(value) + unit


def _scaled_down(value: float) -> str:
    unit = ""
    for smaller in _SMALL_UNITS:
        if abs(value) >= 1:
            break
        value, unit = value * 1000, smaller
    return _digits(value) + unit


def humanize(value: Any) -> str:
    """Return a number with four digits and an SI prefix.

    Example:
        >>> humanize(1234567), humanize(0.00042), humanize(0)
        ('1.235M', '420u', '0')
    """
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return _digits(number)
    return _scaled_up(number, 1000, _LARGE_UNITS) if abs(number) >= 1 else _scaled_down(number)


def humanize1024(value: Any) -> str:
    """Return a number with four digits and a binary prefix.

    Example:
        >>> humanize1024(1536), humanize1024(0.5)
        ('1.5ki', '0.5')
    """
    number = to_float(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return _digits(number)
    return _scaled_up(number, 1024, _BINARY_UNITS)


def humanize_duration(value: Any) -> str:
    """Return seconds as days, hours, minutes and seconds, or as a fraction with a prefix.

    Example:
        >>> humanize_duration(93_784), humanize_duration(1.5), humanize_duration(0.0042)
        ('1d 2h 3m 4s', '1.5s', '4.2ms')
    """
    number = to_float(value)
    if not math.isfinite(number):
        return _digits(number)
    if number == 0:
        return "0s"
    if abs(number) < 1:
        return _scaled_down(number) + "s"
    sign, number = ("-" if number < 0 else ""), abs(number)
    minutes, seconds = divmod(int(number), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{_digits(number)}s"


def humanize_percentage(value: Any) -> str:
    """Return a ratio as a percentage with four digits.

    Example:
        >>> humanize_percentage(0.93147)
        '93.15%'
    """
    return _digits(to_float(value) * 100) + "%"


def humanize_timestamp(value: Any) -> str:
    """Return seconds since the epoch as a date and time in UTC.

    Example:
        >>> humanize_timestamp(1_700_000_000.5)
        '2023-11-14 22:13:20.5 +0000 UTC'
    """
    number = to_float(value)
    return str(_to_moment(number)) if math.isfinite(number) else _digits(number)


def _to_moment(value: Any) -> Moment:
    number = to_float(value)
    if not math.isfinite(number):
        raise FunctionError(f"{_digits(number)} is no time")
    nanoseconds = int(number * 1e9)  # as Prometheus: may fall short of a millisecond
    return Moment.from_ms(int(math.copysign(abs(nanoseconds) // 1_000_000, number)))


# One such sign between letters ends no word: 's, a.b
_WORD: Final = re.compile(r"\w+(?:['\u2019.:\u00b7]\w+)*")
_LETTER: Final = re.compile(r"[^\W\d_]")


def title(text: str) -> str:
    """Return a text with the first letter of each word in upper case, the rest unchanged.

    Example:
        >>> title("high CPU, o'neil's 1st a.b")
        "High CPU, O'neil's 1St A.b"
    """
    return _WORD.sub(lambda word: _LETTER.sub(lambda match: match[0].title(), word[0], 1), text)


def _title_lowering(text: str) -> str:
    """Alertmanager's `title` also lowers what follows the first letter."""
    return re.sub(r"\w[\w']*", lambda match: match[0][0].title() + match[0][1:].lower(), text)


def strip_port(address: str) -> str:
    """Return an address less its port; one without a port is unchanged.

    Example:
        >>> strip_port("chat:5000"), strip_port("[::1]:5000"), strip_port("chat")
        ('chat', '::1', 'chat')
    """
    if match := re.fullmatch(r"\[([^\[\]]*)\]:[^:\[\]]*", address):
        return match[1]
    match = re.fullmatch(r"([^:\[\]]*):[^:\[\]]*", address)
    return match[1] if match else address


def strip_domain(address: str) -> str:
    """Return an address less its domain, with its port; an IP address is unchanged.

    Example:
        >>> strip_domain("chat.example.com:5000"), strip_domain("10.0.0.1:5000")
        ('chat:5000', '10.0.0.1:5000')
    """
    host = strip_port(address)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.split(".", 1)[0] + (address[len(host) :] if host != address else "")
    return address


def _parse_seconds(text: str) -> float:
    try:
        sign = -1 if text.startswith("-") else 1
        return sign * parse_duration(text.removeprefix("-")) / 1000
    except InvalidDurationError as error:
        raise FunctionError(str(error)) from None


def _graph_link(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={quote_plus(expression)}&g0.tab={tab}"


def _require_text(*values: Any) -> None:
    for value in values:
        if not isinstance(value, str):
            raise FunctionError(f"expected a string, found a {type_name(value)}")


def _on_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that refuses anything but strings, as Go's types do."""

    def checked(*values: Any) -> Any:
        _require_text(*values)
        return function(*values)

    return checked


_SHARED: Final[Functions] = {
    "toUpper": _on_text(str.upper),
    "toLower": _on_text(str.lower),
    "match": _on_text(matches),
    "reReplaceAll": _on_text(replace_all),
    "safeHtml": _on_text(SafeHtml),
    "humanizeDuration": humanize_duration,
}


def _first(samples: Sequence[Any]) -> Any:
    if not samples:
        raise FunctionError("first() called on vector with no elements")
    return samples[0]


def _sort_by_label(name: str, samples: Sequence[Any]) -> list[Any]:
    return sorted(samples, key=lambda sample: str(get_field(sample, "Labels").get(name, "")))


def _no_query(_: str) -> Sequence[Sample]:
    raise FunctionError("no queries here")


def prometheus_functions(
    query: Query = _no_query, *, external_url: str = "", now_ms: int = 0
) -> Functions:
    """Return the functions of rules' templates.

    Args:
        query: answers `{{ query "..." }}`.
        external_url: of `externalURL` and `pathPrefix`.
        now_ms: the evaluation, milliseconds since the epoch, of `now`.
    """
    return {
        **_SHARED,
        "query": lambda expression: list(query(expression)),
        "first": _first,
        "label": lambda name, sample: get_field(sample, "Labels").get(name, ""),
        "value": lambda sample: get_field(sample, "Value"),
        "strvalue": lambda sample: get_field(sample, "Labels").get("__value__", ""),
        "sortByLabel": _sort_by_label,
        "args": lambda *values: {f"arg{index}": value for index, value in enumerate(values)},
        "title": _on_text(title),
        "humanize": humanize,
        "humanize1024": humanize1024,
        "humanizePercentage": humanize_percentage,
        "humanizeTimestamp": humanize_timestamp,
        "toTime": _to_moment,
        "now": lambda: now_ms / 1000,
        "parseDuration": _on_text(_parse_seconds),
        "stripPort": _on_text(strip_port),
        "stripDomain": _on_text(strip_domain),
        "urlQueryEscape": _on_text(quote_plus),
        "tableLink": _on_text(lambda expression: _graph_link(expression, 1)),
        "graphLink": _on_text(lambda expression: _graph_link(expression, 0)),
        "externalURL": lambda: external_url,
        "pathPrefix": lambda: urlsplit(external_url).path,
    }


def _join(separator: str, texts: Sequence[str]) -> str:
    _require_text(separator, *texts)
    return separator.join(texts)


def _date(layout: str, moment: Moment) -> str:
    return moment.Format(layout)


def alertmanager_functions(now_ms: int = 0) -> Functions:
    """Return the functions of notification templates.

    Args:
        now_ms: milliseconds since the epoch, of `since`.
    """
    return {
        **_SHARED,
        "title": _on_text(_title_lowering),
        "trimSpace": _on_text(str.strip),
        "join": _join,
        "stringSlice": lambda *texts: list(texts),
        "safeUrl": _on_text(SafeHtml),
        "urlUnescape": _on_text(unquote_plus),
        "date": _date,
        "tz": lambda zone, moment: moment.in_zone(zone),
        "since": lambda moment: (now_ms - moment.UnixMilli()) / 1000,
        "toJson": _to_json,
        "dict": lambda *values: dict(zip(values[::2], values[1::2], strict=True)),
        "list": lambda *values: list(values),
    }


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return KV(value)
    raise FunctionError(f"a {type_name(value)} has no JSON form")


PROMETHEUS_NAMES: Final = frozenset(prometheus_functions())
ALERTMANAGER_NAMES: Final = frozenset(alertmanager_functions())
