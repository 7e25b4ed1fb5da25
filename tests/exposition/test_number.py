from __future__ import annotations

import math
import random
import struct

import pytest

from sakshi.exposition.number import format_number, normalize_bound, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param(b"1", 1.0, id="an integer"),
        pytest.param(b"-0", -0.0, id="zero keeps its sign"),
        pytest.param(b"+1.5e+3", 1500.0, id="signs and exponent"),
        pytest.param(b"1.", 1.0, id="no digit after the point"),
        pytest.param(b".5", 0.5, id="no digit before the point"),
        pytest.param(b"007", 7.0, id="leading zeros"),
        pytest.param(b"1E-400", 0.0, id="too small is zero"),
        pytest.param(b"Inf", math.inf, id="infinity without sign"),
        pytest.param(b"+inf", math.inf, id="infinity in small letters"),
        pytest.param(b"-INFINITY", -math.inf, id="infinity in full"),
    ],
)
def test_parse_number_reads_what_go_reads(text: bytes, number: float) -> None:
    """A value is read bit by bit as Go's ParseFloat reads it."""
    assert struct.pack("d", parse_number(text)) == struct.pack("d", number)


def test_parse_number_reads_nan_as_the_measured_one() -> None:
    """NaN in any case is the ordinary NaN, never the stale marker."""
    assert struct.pack(">d", parse_number(b"NaN")) == struct.pack(">d", math.nan)
    assert math.isnan(parse_number(b"nan"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"e5",
        b"1e",
        b"1e+",
        b"1_0",
        b"0x10",
        b"0x1p-2",
        b"+nan",
        b"-nan",
        b"infin",
        b"true",
        b"1,0",
        b" 1",
        b"1 ",
        b"1\r",
        b"--1",
        b"1e5.5",
        "१".encode(),
        b'"1"',
        b"1e999",
        b"-1e309",
    ],
)
def test_parse_number_refuses_what_go_refuses(text: bytes) -> None:
    """Underscores, hexadecimals, signed NaN, blanks and overflow are no values."""
    with pytest.raises(ValueError, match=r"not a number|too large for a float64"):
        parse_number(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        pytest.param(100000.0, "100000", id="six digits are plain"),
        pytest.param(1000000.0, "1e+06", id="seven have an exponent"),
        pytest.param(1234567.5, "1.2345675e+06", id="with all their digits"),
        pytest.param(0.0001, "0.0001", id="four places are plain"),
        pytest.param(0.00001, "1e-05", id="five have an exponent"),
        pytest.param(-1e100, "-1e+100", id="three digits of exponent"),
        pytest.param(math.inf, "+Inf", id="infinity has a sign"),
        pytest.param(-math.inf, "-Inf", id="so has the other"),
        pytest.param(math.nan, "NaN", id="no number"),
    ],
)
def test_format_number_writes_as_go(number: float, text: str) -> None:
    """Numbers are written as Go's verb `g` writes them."""
    assert format_number(number) == text


def test_format_number_is_read_back() -> None:
    """Parse∘format is the identity on every float64."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)

    for _ in range(2000):
        number = struct.unpack("d", rng.randbytes(8))[0]
        again = parse_number(format_number(number).encode())

        assert again == number or math.isnan(number), f"seed {seed}: {number!r}"


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("1", "1.0"),
        ("0", "0.0"),
        ("2.50", "2.5"),
        ("+Inf", "+Inf"),
        ("inf", "+Inf"),
        ("1e6", "1e+06"),
        ("NaN", "NaN"),
        ("5s", "5s"),
        ("", ""),
        ("१", "१"),
    ],
)
def test_normalize_bound_has_one_form(text: str, bound: str) -> None:
    """Bucket edges that are equal numbers become equal labels; other texts stay."""
    assert normalize_bound(text) == bound
