"""What is sent by remote write: read back by the reader, and equal to what was made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.web.pushing import compress as compress_by_hand
from tests.web.pushing import message, time_series, varint

from sakshi.exposition import MetricFamily, MetricType
from sakshi.exposition.remote_write import decompress, read_label_pairs, read_write_request
from sakshi.exposition.write_request import (
    compress,
    encode_labels,
    encode_metadata,
    encode_series,
)

NOW_MS = 1_700_000_000_000
UP = {"__name__": "up", "job": "chat"}
LONG = {"__name__": "long", "text": "ü" * 300}
BITS = [
    pytest.param(0x7FF0_0000_0000_0002, id="the stale marker"),
    pytest.param(0x8000_0000_0000_0000, id="minus zero"),
    pytest.param(0x0000_0000_0000_0000, id="zero"),
    pytest.param(0xFFF8_DEAD_BEEF_0001, id="a NaN with a payload"),
    pytest.param(0x7FF0_0000_0000_0001, id="a signalling NaN"),
    pytest.param(0xFFF0_0000_0000_0000, id="minus infinity"),
]


def encoded(*series: dict[str, str]) -> list[bytes]:
    return [encode_labels(sorted(labels.items())) for labels in series]


def matrix(*rows: list[float]) -> NDArray[np.float64]:
    return np.array(rows, np.float64)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([NOW_MS, NOW_MS + 1], id="now"),
        pytest.param([1 << 35, (1 << 42) - 1], id="the ends of the fast way"),
        pytest.param([(1 << 35) - 1, 1 << 35], id="before it"),
        pytest.param([NOW_MS, 1 << 42], id="behind it"),
        pytest.param([-5, 0], id="before 1970"),
    ],
)
def test_series_are_written_as_the_specification_says(times: list[int]) -> None:
    """Byte by byte what an encoder that shares nothing with this one writes."""
    values = matrix([1.5, -2.0], [3.5, 4e300])

    written = encode_series(encoded(UP, LONG), np.array(times), values)

    by_hand = [
        time_series(labels, list(zip(times, values[:, column].tolist(), strict=True)))
        for column, labels in enumerate((UP, LONG))
    ]
    assert written == b"".join(by_hand)


@pytest.mark.parametrize("first_ms", [NOW_MS, -7])
@pytest.mark.parametrize("bits", BITS)
def test_values_keep_their_bits(bits: int, first_ms: int) -> None:
    """No value passes through arithmetic, whichever way it is encoded."""
    values = np.array([[bits]], np.uint64).view(np.float64)

    batch = read_write_request(encode_series(encoded(UP), np.array([first_ms]), values))

    assert batch.values.view(np.uint64).tolist() == [bits]
    assert batch.timestamps.tolist() == [first_ms]


@pytest.mark.parametrize("first_ms", [NOW_MS, -7])
def test_holes_are_left_out(first_ms: int) -> None:
    """Each series has its own samples; one without any is not mentioned."""
    times = np.array([first_ms, first_ms + 1, first_ms + 2])
    present = np.array([[True, False, False], [False, False, True], [True, False, True]])
    values = np.arange(9.0).reshape(3, 3)

    written = encode_series(encoded(UP, {"__name__": "gone"}, LONG), times, values, present)

    batch = read_write_request(written)
    names = [dict(read_label_pairs(key))["__name__"] for key in batch.keys]
    assert list(zip(names, (batch.timestamps - first_ms).tolist(), batch.values, strict=True)) == [
        ("up", 0, 0.0),
        ("up", 2, 6.0),
        ("long", 1, 5.0),
        ("long", 2, 8.0),
    ]


def test_nothing_is_an_empty_message() -> None:
    """A block without series, or without rows, writes nothing."""
    assert encode_series([], np.array([NOW_MS]), np.empty((1, 0))) == b""
    assert encode_series(encoded(UP), np.empty(0, np.int64), np.empty((0, 1))) == b""


def test_a_body_is_snappy() -> None:
    """It is what any snappy reads, and the same message again."""
    written = encode_series(encoded(UP), np.array([NOW_MS]), matrix([1.0]))

    assert decompress(compress(written)) == written
    assert compress(written) == compress_by_hand(written)


def test_random_blocks_come_back() -> None:
    """Decoded, an encoded block is the block: any bits, any holes, any times."""
    rng = np.random.default_rng(7)
    for _ in range(50):
        rows, columns = (int(size) for size in rng.integers(1, 9, 2))
        start = int(rng.choice([NOW_MS, 1 << 35, 5, -(1 << 40)]))
        times = start + np.cumsum(rng.integers(1, 1 << 20, rows))
        bits = rng.integers(0, 1 << 63, (rows, columns)).astype(np.uint64)
        present = rng.random((rows, columns)) < 0.7
        series = [{"__name__": f"m{column}", "n": "x" * column} for column in range(columns)]

        batch = read_write_request(
            encode_series(encoded(*series), times, bits.view(np.float64), present)
        )

        found = [
            (dict(read_label_pairs(key))["__name__"], at_ms, value)
            for key, at_ms, value in zip(
                batch.keys,
                batch.timestamps.tolist(),
                batch.values.view(np.uint64).tolist(),
                strict=True,
            )
        ]
        assert found == [
            (f"m{column}", int(times[row]), int(bits[row, column]))
            for column in range(columns)
            for row in range(rows)
            if present[row, column]
        ]


def test_metadata_is_written_as_the_specification_says() -> None:
    """Type, name, help and unit, for each family."""
    families = [
        MetricFamily("hits", MetricType.COUNTER, "How many.", ""),
        MetricFamily("size_bytes", MetricType.GAUGE_HISTOGRAM, "", "bytes"),
    ]

    written = encode_metadata(families)

    def by_hand(type: int, name: str, help: str, unit: str) -> bytes:
        texts = message(2, name.encode()) + message(4, help.encode()) + message(5, unit.encode())
        return message(3, b"\x08" + varint(type) + texts)

    assert written == by_hand(1, "hits", "How many.", "") + by_hand(4, "size_bytes", "", "bytes")
