from __future__ import annotations

import pytest

from sakshi.model.quantity import UNITS, UnitError, convert, find_metric_unit


@pytest.mark.parametrize(
    ("value", "unit", "into", "expected"),
    [
        (2.0, "s", "ms", 2000.0),
        (1500.0, "ms", "s", 1.5),
        (2.0, "min", "s", 120.0),
        (1.0, "h", "min", 60.0),
        (3.0, "us", "ms", 0.003),
        (85.0, "%", "ratio", 0.85),
        (0.7, "ratio", "%", 70.0),
        (7200.0, "/h", "/s", 2.0),
        (2.0, "/s", "/min", 120.0),
        (1.0, "MiB", "bytes", 1048576.0),
        (1.0, "GB", "MB", 1000.0),
        (5.0, "", "", 5.0),
    ],
)
def test_units_of_one_dimension_are_converted(
    value: float, unit: str, into: str, expected: float
) -> None:
    """Exactly where the factor is a round number."""
    assert convert(value, unit, into) == expected


def test_there_and_back_is_the_same_value() -> None:
    """For every pair of units of a dimension."""
    for source in UNITS.values():
        for target in UNITS.values():
            if source.dimension is target.dimension:
                there = convert(12.5, source.symbol, target.symbol)
                assert convert(there, target.symbol, source.symbol) == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("unit", "into", "message"),
    [
        ("ms", "%", "ms (time) cannot be turned into % (share)"),
        ("", "s", "a count cannot be turned into s (time)"),
        ("/s", "s", "/s (rate) cannot be turned into s (time)"),
    ],
)
def test_other_dimensions_are_refused(unit: str, into: str, message: str) -> None:
    """What cannot be compared is an error, not a guess."""
    with pytest.raises(UnitError) as caught:
        convert(1.0, unit, into)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("http_request_duration_seconds", "s"),
        ("http_request_duration_seconds_sum", "s"),
        ("http_request_duration_seconds_count", None),
        ("consciousness_pipeline_duration_ms", "ms"),
        ("websocket_message_processing_ms", "ms"),
        ("consciousness_messages_per_second", "/s"),
        ("crystal_formations_per_hour", "/h"),
        ("cpu_usage_percent", "%"),
        ("database_active_connections", ""),
        ("consciousness_coherence_score", "ratio"),
        ("spiral_memory_retrieval_accuracy", "ratio"),
        ("optimal_model_selection_rate", "ratio"),
        ("unified_response_coherence_score", "ratio"),
        ("consciousness_pipeline_success_rate", "ratio"),
        ("consciousness_memory_usage_bytes", "bytes"),
        ("up", None),
        ("message_rate", None),
    ],
)
def test_a_metrics_name_tells_its_unit(metric: str, unit: str | None) -> None:
    """For each metric of the strategy; a name that tells nothing is not guessed at."""
    assert find_metric_unit(metric) == unit
