from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sakshi.model.labels import quote_value
from sakshi.promql.literal import (
    InvalidLiteralError,
    parse_duration_token,
    parse_number,
    unquote,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("23", 23.0, id="integer"),
        pytest.param("3.4e-9", 3.4e-9, id="exponent"),
        pytest.param("5.", 5.0, id="nothing behind the point"),
        pytest.param(".5", 0.5, id="nothing before the point"),
        pytest.param("1_000.2_5", 1000.25, id="underscores"),
        pytest.param("0x8F", 143.0, id="hexadecimal"),
        pytest.param("0X_5_3", 83.0, id="hexadecimal with underscores"),
        pytest.param("0x7fffffffffffffff", 2.0**63, id="largest hexadecimal"),
        pytest.param("0755", 493.0, id="a leading zero is octal"),
        pytest.param("0_7", 7.0, id="octal with underscore"),
        pytest.param("089", 89.0, id="no octal digits: decimal"),
        pytest.param("07.5", 7.5, id="a point: decimal"),
        pytest.param(
            "0777777777777777777777777", 7.77777777777777777777777e23, id="octal overflow"
        ),
        pytest.param("9" * 5000 + "e-4999", 10.0, id="long"),
        pytest.param("inf", math.inf, id="infinite"),
        pytest.param("INF", math.inf, id="infinite in capitals"),
        pytest.param("1e-999", 0.0, id="too small becomes zero"),
    ],
)
def test_number_has_a_value(text: str, value: float) -> None:
    """Numbers mean what Go's ParseInt(base 0) and ParseFloat make of them."""
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["NaN", "nan", "NAN"])
def test_nan_is_written_in_any_case(text: str) -> None:
    """NaN is a number that can be written down, as in Go."""
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e400", "a number below 1.8e308"),
        ("9" * 400, "a number below 1.8e308"),
        ("0x8000000000000000", "a hexadecimal number below 2^63"),
    ],
)
def test_number_that_is_too_large_is_refused(text: str, expected: str) -> None:
    """As in Prometheus, 1e400 is an error, not infinity."""
    with pytest.raises(InvalidLiteralError) as caught:
        parse_number(text)

    assert (caught.value.offset, caught.value.expected, caught.value.found) == (0, expected, None)


def test_duration_is_milliseconds() -> None:
    """Units add up."""
    assert parse_duration_token("1h30m0s5ms") == 5_400_005


@pytest.mark.parametrize("text", ["1m1h", "1m1m", "300y", "5s5s"])
def test_duration_out_of_order_or_too_long_is_refused(text: str) -> None:
    """Each unit stands at most once, the longest first."""
    with pytest.raises(InvalidLiteralError) as caught:
        parse_duration_token(text)

    assert caught.value.expected == (
        "a duration below 292 years, each unit at most once, from y to ms"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"plain"', "plain"),
        (r'"\a\b\f\n\r\t\v\\\""', '\a\b\f\n\r\t\v\\"'),
        (r"'it\'s'", "it's"),
        (r'"\x41\101\u00e9\U0001F600"', "AAé😀"),
        (r'"\xc3\xa9 \303\251"', "é é"),
        (r'"é\n☃"', "é\n☃"),
        (r"`\n \' \x`", r"\n \' \x"),
        ("`a\nb`", "a\nb"),
    ],
)
def test_string_is_unquoted(text: str, value: str) -> None:
    """Go's escapes, in single and double quotes only."""
    assert unquote(text) == value


AN_ESCAPE = r"an escape sequence such as \n, \x41 or \u00e9"


@pytest.mark.parametrize(
    ("text", "offset", "expected", "found"),
    [
        pytest.param(r'"ab\q"', 3, AN_ESCAPE, r"\q", id="unknown"),
        pytest.param(r'"\x4"', 1, AN_ESCAPE, r"\x", id="byte cut short"),
        pytest.param(r'"\u00e"', 1, AN_ESCAPE, r"\u", id="character cut short"),
        pytest.param(r'"\18"', 1, AN_ESCAPE, r"\1", id="octal cut short"),
        pytest.param('"\\\n"', 1, AN_ESCAPE, "\\\n", id="line break"),
        pytest.param(r'"\400"', 1, r"an octal escape up to \377", r"\400", id="octal above a byte"),
        pytest.param(
            r'"é\ud800"', 2, "the escape of a Unicode character", r"\ud800", id="surrogate"
        ),
        pytest.param(
            r'"\U00110000"',
            1,
            "the escape of a Unicode character",
            r"\U00110000",
            id="above Unicode",
        ),
        pytest.param(r'''"it\'s"''', 3, "no backslash before '", r"\'", id="the other quote"),
        pytest.param(r"""'say \"'""", 5, 'no backslash before "', r"\"", id="again"),
        pytest.param(r'"\xff"', 0, "escapes that together are UTF-8", None, id="no UTF-8"),
    ],
)
def test_string_with_a_wrong_escape_is_refused(
    text: str, offset: int, expected: str, found: str | None
) -> None:
    """The place is the escape's."""
    with pytest.raises(InvalidLiteralError) as caught:
        unquote(text)

    assert (caught.value.offset, caught.value.expected, caught.value.found) == (
        offset,
        expected,
        found,
    )


@given(st.text(st.characters(codec="utf-8")))
def test_quoting_then_unquoting_changes_nothing(text: str) -> None:
    """What sakshi prints as a string, it reads back."""
    assert unquote(quote_value(text)) == text
