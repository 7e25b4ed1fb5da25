from __future__ import annotations

import pytest

from sakshi.model.labels import Labels
from sakshi.promql.label_hash import HASH_MAX, label_hash, xxh64


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        pytest.param(b"", 0xEF46DB3751D8E999, id="nothing"),
        pytest.param(b"a", 0xD24EC4F1A98C6E5B, id="a byte"),
        pytest.param(b"abc", 0x44BC2CF5AD770999, id="three bytes"),
        pytest.param(
            b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1, id="a stripe and more"
        ),
    ],
)
def test_digest_is_that_of_the_reference(data: bytes, digest: int) -> None:
    """Published values of XXH64 with seed 0."""
    assert xxh64(data) == digest


@pytest.mark.parametrize(
    ("number", "place"),
    [(0, 0.609190647762465), (1, 0.9476763505188829), (2, 0.3955444007744522)],
)
def test_series_have_the_places_that_prometheus_draws_by(number: int, place: float) -> None:
    """Prometheus 3.5.3 keeps 2 of these with a ratio of 0.5, and 0 and 1 with one of -0.5."""
    labels = {"__name__": "a_total", "k": str(number), "instance": f"i{number}", "job": "j"}

    assert label_hash(Labels(labels)) / HASH_MAX == place


def test_long_values_have_their_length_in_three_bytes() -> None:
    """A length that does not fit into a byte is told from the one that nearly does."""
    hashes = {label_hash(Labels({"a": "x" * length})) for length in range(250, 260)}

    assert len(hashes) == 10
