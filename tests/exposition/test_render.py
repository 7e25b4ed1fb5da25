from __future__ import annotations

import random
from collections.abc import Callable

from sakshi.exposition import MetricFamily, MetricType, parse_text, render_text


def test_render_is_the_inverse_of_parse(
    families_of: Callable[[random.Random], list[MetricFamily]],
) -> None:
    """Parse∘render is the identity on every family that the format can say."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)

    for _ in range(200):
        families = families_of(rng)
        body = render_text(families)
        again = parse_text(body)

        assert [family.name for family in again] == [family.name for family in families]
        assert [family.type for family in again] == [family.type for family in families]
        assert [family.help for family in again] == [family.help for family in families]
        assert repr(again) == repr(families), f"seed {seed}"


def test_render_names_types_that_the_format_lacks() -> None:
    """Types of OpenMetrics become the nearest one of the text format."""
    families = [
        MetricFamily("build", MetricType.INFO),
        MetricFamily("mode", MetricType.STATE_SET),
        MetricFamily("sizes", MetricType.GAUGE_HISTOGRAM),
        MetricFamily("other"),
    ]

    text = render_text(families).decode()

    assert text.splitlines() == [
        "# TYPE build gauge",
        "# TYPE mode gauge",
        "# TYPE sizes untyped",
        "# TYPE other untyped",
    ]
