"""The strategy's own names."""

from __future__ import annotations

from prometheus_client import REGISTRY

from sakshi import instrument


def test_the_strategys_middleware_works_under_both_spellings() -> None:
    """One function, two names, recorded in the process' own registry."""
    assert instrument.consciousnessMetricsMiddleware is instrument.consciousness_metrics_middleware
    labels = {"layer": "spiral", "user_id": "ada"}
    name = "consciousness_pipeline_duration_seconds_count"
    before = REGISTRY.get_sample_value(name, labels) or 0

    instrument.consciousnessMetricsMiddleware("spiral", "ada").end()

    assert REGISTRY.get_sample_value(name, labels) == before + 1


def test_the_process_has_one_metrics_of_its_own() -> None:
    """Every caller of `default_metrics` gets the same object."""
    assert instrument.default_metrics() is instrument.default_metrics()
    assert instrument.default_metrics().shield.failures == {}
