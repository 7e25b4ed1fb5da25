"""The cardinality guard."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter

from sakshi.instrument import OTHER
from sakshi.instrument.family import LABEL_CHARACTERS_MAX, OVERFLOW_SETS_MAX, Family


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def counter_family(
    registry: CollectorRegistry, label_sets_max: int, overflows: list[int] | None = None
) -> Family[Counter]:
    names = ["layer", "user_id"]
    counter = Counter("runs_total", "Runs.", names, registry=registry)
    seen = overflows if overflows is not None else []
    return Family(
        counter,
        names,
        ["user_id"],
        label_sets_max=label_sets_max,
        overflowed=lambda: seen.append(1),
    )


def count(registry: CollectorRegistry, layer: str, user_id: str) -> float | None:
    return registry.get_sample_value("runs_total", {"layer": layer, "user_id": user_id})


def test_label_sets_beyond_the_budget_are_counted_under_other(registry: CollectorRegistry) -> None:
    """What comes after the budget goes to `__other__`, keeps its closed labels, and is counted."""
    overflows: list[int] = []
    family = counter_family(registry, 2, overflows)

    for user in ("ada", "bob", "cyd", "dan"):
        family.child("memory", user).inc()

    assert count(registry, "memory", "ada") == 1
    assert count(registry, "memory", "bob") == 1
    assert count(registry, "memory", "cyd") is None
    assert count(registry, "memory", OTHER) == 2
    assert len(overflows) == 2


def test_an_admitted_label_set_stays(registry: CollectorRegistry) -> None:
    """A set inside the budget keeps its own series after the budget is spent."""
    family = counter_family(registry, 1)
    family.child("memory", "ada").inc()
    family.child("memory", "bob").inc()

    family.child("memory", "ada").inc()

    assert count(registry, "memory", "ada") == 2


def test_no_recording_is_lost_whatever_the_labels(registry: CollectorRegistry) -> None:
    """The sum over all series is the number of recordings, and the series are bounded."""
    family = counter_family(registry, 10)

    for number in range(5_000):
        family.child(f"layer {number}", f"user {number}").inc()

    (metric,) = registry.collect()
    values = [sample.value for sample in metric.samples if sample.name == "runs_total"]
    assert sum(values) == 5_000
    assert len(values) <= 10 + OVERFLOW_SETS_MAX + 1


@pytest.mark.parametrize(
    ("value", "exposed"),
    [
        pytest.param("", "", id="empty stays empty"),
        pytest.param("a\ud800b", "a?b", id="a lone surrogate cannot be encoded"),
        pytest.param("x" * 10_000, "x" * LABEL_CHARACTERS_MAX, id="a long value is cut"),
    ],
)
def test_values_are_made_exposable(registry: CollectorRegistry, value: str, exposed: str) -> None:
    """Every label value that is admitted can be rendered."""
    family = counter_family(registry, 10)

    family.child("memory", value).inc()
    family.child("memory", value).inc()

    assert count(registry, "memory", exposed) == 2
    assert family.label_set_count() == 1


def test_a_metric_without_labels_is_its_own_child(registry: CollectorRegistry) -> None:
    """Families of no labels work like those with labels."""
    family = Family(Counter("turns_total", "Turns.", registry=registry), [])

    family.child().inc()

    assert registry.get_sample_value("turns_total") == 1


@pytest.mark.parametrize("values", [(), ("memory",), ("memory", "ada", "more")])
def test_a_wrong_number_of_values_is_refused(
    registry: CollectorRegistry, values: tuple[str, ...]
) -> None:
    """Neither too few nor too many values make a series."""
    family = counter_family(registry, 10)

    with pytest.raises(ValueError, match="Incorrect label count"):
        family.child(*values)
