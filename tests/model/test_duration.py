"""Durations."""

from __future__ import annotations

import pytest

from sakshi.model.duration import InvalidDurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("0", 0),
        ("1ms", 1),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("15d", 1_296_000_000),
        ("2w", 1_209_600_000),
        ("100y", 3_153_600_000_000),
        ("1y2w3d4h5m6s7ms", 33_019_506_007),
        ("0" * 5000 + "5m", 300_000),
    ],
)
def test_a_duration_is_read(text, duration_ms):
    """Every unit of Prometheus is understood, alone and together."""
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "5 m", "m5", "5m1h", "5m5m", "-5m", "1.5h", "5M", "\u0665m", "300y"),
        pytest.param("1" * 5000 + "s", id="more digits than int() reads"),
    ],
)
def test_what_is_no_duration_is_refused(text):
    """Neighbours of durations are refused with an example of one."""
    with pytest.raises(InvalidDurationError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (90_000, "1m30s"),
        (604_800_000, "1w"),
        (691_200_000, "8d"),
        (-300_000, "-5m"),
        (31_536_000_000, "1y"),
    ],
)
def test_a_duration_prints_in_its_shortest_form(duration_ms, text):
    """Weeks and years appear only where nothing is left over."""
    assert format_duration(duration_ms) == text


@pytest.mark.parametrize("duration_ms", [1, 999, 1000, 61_001, 86_399_999, 10**12 + 1])
def test_a_printed_duration_reads_back(duration_ms):
    """parse∘format = identity."""
    assert parse_duration(format_duration(duration_ms)) == duration_ms
