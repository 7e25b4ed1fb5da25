from __future__ import annotations

import math

import numpy as np
import pytest

from sakshi.promql.number import format_plain, format_sample, format_samples

SEED = 11


@pytest.mark.parametrize(
    ("value", "plain", "sample"),
    [
        pytest.param(0.0, "0", "0", id="zero"),
        pytest.param(-0.0, "-0", "-0", id="minus zero"),
        pytest.param(42.0, "42", "42", id="a whole number"),
        pytest.param(0.1, "0.1", "0.1", id="a fraction"),
        pytest.param(1e-5, "0.00001", "0.00001", id="small"),
        pytest.param(1e-6, "0.000001", "0.000001", id="the smallest without exponent"),
        pytest.param(-9.9e-7, "-0.00000099", "-9.9e-07", id="smaller"),
        pytest.param(1e16, "10000000000000000", "10000000000000000", id="large"),
        pytest.param(1e21, "1000000000000000000000", "1e+21", id="larger"),
        pytest.param(1.5e300, "15" + "0" * 299, "1.5e+300", id="very large"),
        pytest.param(math.nan, "NaN", "NaN", id="not a number"),
        pytest.param(math.inf, "+Inf", "+Inf", id="infinity"),
        pytest.param(-math.inf, "-Inf", "-Inf", id="minus infinity"),
    ],
)
def test_numbers_are_printed_as_prometheus_prints_them(
    value: float, plain: str, sample: str
) -> None:
    """Scalars never have an exponent, samples have one below 1e-6 and from 1e21."""
    assert format_plain(value) == plain
    assert format_sample(value) == sample


def test_arrays_are_printed_as_single_numbers_are() -> None:
    """The fast way and the slow way agree on any bits, and both read back as the same number."""
    generator = np.random.default_rng(SEED)
    bits = generator.integers(0, 2**64, 2000, dtype=np.uint64).view(np.float64)
    common = np.round(generator.uniform(-1e6, 1e6, 2000), 3)

    for values in (bits, common, np.array([])):
        texts = [text.decode() for text in format_samples(values)]

        assert texts == [format_sample(value) for value in values.tolist()], f"seed {SEED}"
        assert all(
            float(text) == value or math.isnan(value)
            for text, value in zip(texts, values.tolist(), strict=True)
        )
