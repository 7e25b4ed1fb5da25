from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from sakshi.exposition import ExposedSample, MetricFamily, MetricType
from sakshi.model.labels import Labels

TEXTS = (
    "",
    "chat",
    "a b",
    'say "hi"',
    "back\\slash",
    "two\nlines",
    "साक्षी",
    "}",
    "{x=1}",
    "# TYPE",
)
NUMBERS = (
    *(0.0, -0.0, 1.0, 12.0, 0.1, 1e3, 1e-7, 1.5e300, 5e-324, 123456789.125, -3.25),
    *(float(2**53 + 2), float(2**64), float("inf"), float("-inf"), float("nan")),
)
SUFFIXES = {MetricType.HISTOGRAM: "_sum", MetricType.SUMMARY: "_count"}


def random_families(rng: random.Random) -> list[MetricFamily]:
    """Families that the text format can say, timestamps among them once in a while."""
    types = list(MetricType)[:5]
    has_timestamps = rng.random() < 0.2
    families = []
    for index in range(rng.randrange(8)):
        type_ = rng.choice(types)
        name = rng.choice(("turns", "http.requests", "up:rate", "e", "nan")) + str(index)
        samples: dict[Labels, ExposedSample] = {}
        for _ in range(rng.randrange(5)):
            names = rng.sample(("a", "le", "quantile", "my.label", "zone"), rng.randrange(4))
            labels = Labels({label: rng.choice(TEXTS) for label in names})
            timestamp_ms = rng.randrange(10**13) if has_timestamps and rng.random() < 0.5 else None
            sample_name = name + SUFFIXES.get(type_, "")
            samples[labels] = ExposedSample(sample_name, labels, rng.choice(NUMBERS), timestamp_ms)
        help_ = rng.choice(TEXTS).strip()
        families.append(MetricFamily(name, type_, help_, samples=tuple(samples.values())))
    return families


@pytest.fixture
def families_of() -> Callable[[random.Random], list[MetricFamily]]:
    return random_families
