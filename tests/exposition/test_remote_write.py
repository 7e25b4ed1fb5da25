from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.pushing import compress, message, time_series

from sakshi.exposition.errors import TooLargeError, WireFormatError
from sakshi.exposition.remote_write import (
    FIELDS_MAX,
    SAMPLES_MAX,
    SERIES_BYTES_MAX,
    decompress,
    read_label_pairs,
    read_write_request,
)

TIMES = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.integers(1_600_000_000_000, 1_800_000_000_000)
)
VALUES = st.one_of(st.floats(), st.just(0.0), st.just(-0.0))
SERIES = st.tuples(
    st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=4), max_size=3),
    st.lists(st.tuples(TIMES, VALUES), max_size=3),
)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@given(st.lists(SERIES, max_size=5))
def test_what_was_written_is_read_bit_by_bit(series) -> None:
    """Labels, times and values come back, whether the label sets were seen before or not."""
    body = b"".join(time_series(labels, samples) for labels, samples in series)
    expected = [
        (sorted(labels.items()), time, bits(value))
        for labels, samples in series
        for time, value in samples
    ]

    for known in ((), {*read_write_request(body).keys}):
        batch = read_write_request(body, known)
        found = [
            (read_label_pairs(key), time, bits(value))
            for key, time, value in zip(
                batch.keys, batch.timestamps.tolist(), batch.values.tolist(), strict=True
            )
        ]
        assert found == expected


@given(st.binary(max_size=60), st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_labels_are_read_alike_short_and_long(rest: bytes, labels) -> None:
    """Whatever follows short labels: a long one makes all be read the long way, with one result."""
    short = b"".join(
        message(1, message(1, name.encode()) + message(2, value.encode()))
        for name, value in labels.items()
    )
    long = message(1, message(1, b"l") + message(2, b"v" * 200))

    assert read_label_pairs(short) == list(labels.items())
    assert read_label_pairs(short + long) == [*labels.items(), ("l", "v" * 200)]
    try:
        alone = read_label_pairs(short + rest)
    except WireFormatError:
        return
    assert read_label_pairs(short + rest + long) == [*alone, ("l", "v" * 200)]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_request_or_an_error(body: bytes) -> None:
    """Nothing else is raised, and what is known before changes nothing."""
    try:
        batch = read_write_request(body)
    except WireFormatError:
        return
    again = read_write_request(body, {*batch.keys})
    assert again.keys == batch.keys
    assert again.timestamps.tolist() == batch.timestamps.tolist()
    assert again.values.tobytes() == batch.values.tobytes()


def test_metadata_and_exemplars_are_passed_over_and_histograms_named() -> None:
    """They are no samples."""
    body = message(3, b"\x08\x01") + time_series(
        {"__name__": "h"}, [], message(3, b"") + message(4, b"")
    )

    batch = read_write_request(body)

    assert batch.keys == []
    assert [read_label_pairs(key) for key in batch.histograms] == [[("__name__", "h")]]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"\x0a\x05ab", "byte 2: expected 5 bytes, found 2", id="cut"),
        pytest.param(
            b"\x08\x01",
            "byte 0: expected a series or metadata of a write request, found key 8",
            id="number",
        ),
        pytest.param(
            b"\x0a\x02\x10\x01",
            "byte 0: expected a message in field 2 of a series, found type 0",
            id="sample",
        ),
        pytest.param(
            b"\x0a", "byte 1: expected a number, found the end of the message", id="length"
        ),
        pytest.param(
            b"\x0a" + b"\xff" * 11,
            "byte 1: expected a number of at most 10 bytes, found a longer one",
            id="varint",
        ),
        pytest.param(
            b"\x0a\x01\x03", "byte 0: expected a field's number above 0, found 0", id="group"
        ),
        pytest.param(
            b"\x0a\x01\x0b",
            "byte 0: expected a field of type 0, 1, 2 or 5, found type 3",
            id="type",
        ),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, text: str) -> None:
    """The message says where, what was expected and what was found."""
    with pytest.raises(WireFormatError) as caught:
        read_write_request(body)

    assert str(caught.value) == text


def test_compressed_body_is_read_within_bounds() -> None:
    """A body that would grow beyond 32 MB is refused before it does; so is what is not snappy's."""
    assert decompress(compress(b"abc" * 1000)) == b"abc" * 1000

    with pytest.raises(TooLargeError) as large:
        decompress(b"\xff\xff\xff\xff\x0f" + b"\x00" * 9)
    with pytest.raises(WireFormatError) as other:
        decompress(b"\x05hello")

    assert str(large.value) == (
        "the body: expected at most 33554432 bytes uncompressed, found 4294967295"
    )
    assert str(other.value) == "byte 0: expected snappy's block format, found something else"


def test_a_body_that_is_too_short_for_its_length_is_none() -> None:
    """No memory is laid out for what snappy cannot make of so few bytes."""
    with pytest.raises(WireFormatError) as refused:
        decompress(b"\x80\x80\x80\x08" + b"\x00a")  # 16 MB

    assert str(refused.value) == "byte 0: expected snappy's block format, found something else"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            b"\x0a\x00" * (FIELDS_MAX + 1),
            f"the body: expected at most {FIELDS_MAX} fields, found more",
            id="empty series",
        ),
        pytest.param(
            b"\x1a\x00" * (FIELDS_MAX + 1),
            f"the body: expected at most {FIELDS_MAX} fields, found more",
            id="empty metadata",
        ),
        pytest.param(
            message(1, b"\x12\x00" * (SAMPLES_MAX + 1)),
            f"the body: expected at most {SAMPLES_MAX} samples, found more",
            id="empty samples",
        ),
        pytest.param(
            message(1, bytes(SERIES_BYTES_MAX + 1)),
            f"a series: expected at most {SERIES_BYTES_MAX} bytes, found {SERIES_BYTES_MAX + 1}",
            id="a long series",
        ),
    ],
)
def test_more_than_anybody_sends_is_refused(body: bytes, text: str) -> None:
    """Messages that are small on the wire, and large in memory."""
    with pytest.raises(TooLargeError) as refused:
        read_write_request(body)

    assert str(refused.value) == text


def test_as_much_as_is_allowed_is_read() -> None:
    """The limit itself is none too much."""
    assert len(read_write_request(message(1, b"\x12\x00" * SAMPLES_MAX)).keys) == SAMPLES_MAX


def test_zero_keeps_its_sign() -> None:
    """-0.0 is not what is left out."""
    batch = read_write_request(time_series({"__name__": "x"}, [(1_700_000_000_000, -0.0)]))

    assert math.copysign(1, batch.values[0]) == -1
