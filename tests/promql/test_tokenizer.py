from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sakshi.promql import token as kinds
from sakshi.promql.token import KEYWORDS, Token
from sakshi.promql.tokenizer import tokenize


def words(text: str) -> list[str]:
    """Return `kind` of symbols and keywords, `kind:text` of the others, without the end."""
    tokens = list(tokenize(text))
    assert tokens[-1] == Token(kinds.END, "", len(text))
    return [
        f"{token.kind}:{token.text}" if token.kind.isupper() else token.kind
        for token in tokens[:-1]
    ]


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_keyword_is_recognised_in_any_case_outside_of_braces_and_brackets(keyword: str) -> None:
    """`Sum` aggregates, `x{Sum="a"}` has a label of that name."""
    assert words(keyword.title()) == [keyword]
    assert words(keyword.upper()) == [keyword]
    assert words(f"{{{keyword}}}") == ["{", f"IDENTIFIER:{keyword}", "}"]
    assert words(f"[{keyword}]") == ["[", f"IDENTIFIER:{keyword}", "]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \t\r\n# only a comment", [], id="blanks and a comment are no tokens"),
        pytest.param("a#b\n+#c\rd", ["IDENTIFIER:a", "+", "IDENTIFIER:d"], id="comments"),
        pytest.param("job:x:rate5m", ["IDENTIFIER:job:x:rate5m"], id="names hold colons"),
        pytest.param(":x", ["IDENTIFIER::x"], id="names begin with a colon"),
        pytest.param(
            "x[5m:1m]:y",
            ["IDENTIFIER:x", "[", "DURATION:5m", ":", "DURATION:1m", "]", "IDENTIFIER::y"],
            id="a colon in brackets stands alone, behind them no more",
        ),
        pytest.param("{a:b}", ["{", "IDENTIFIER:a", ":", "IDENTIFIER:b", "}"], id="and in braces"),
        pytest.param("inf NaN +INF", ["NUMBER:inf", "NUMBER:NaN", "+", "NUMBER:INF"], id="numbers"),
        pytest.param("info", ["IDENTIFIER:info"], id="a name may begin as a number does"),
        pytest.param("a==b=~c!=d!~e", ["IDENTIFIER:a", "==", "IDENTIFIER:b", "=~", "IDENTIFIER:c",
                     "!=", "IDENTIFIER:d", "!~", "IDENTIFIER:e"], id="two-character symbols"),
        pytest.param("===", ["==", "="], id="the longest symbol first"),
        pytest.param("<=>=<>", ["<=", ">=", "<", ">"], id="comparisons"),
        pytest.param("1-1e-1", ["NUMBER:1", "-", "NUMBER:1e-1"], id="a sign inside an exponent"),
        pytest.param("1+0x1e+5", ["NUMBER:1", "+", "NUMBER:0x1e", "+", "NUMBER:5"], id="hex e"),
        pytest.param("1h30m5", ["BAD_NUMBER:1h30m5"], id="a duration runs on"),
        pytest.param("a.b", ["IDENTIFIER:a", "UNKNOWN:.", "IDENTIFIER:b"], id="a dot is no symbol"),
        pytest.param("a!b", ["IDENTIFIER:a", "UNKNOWN:!", "IDENTIFIER:b"], id="! alone is unknown"),
        pytest.param("é", ["UNKNOWN:é"], id="letters are ASCII"),
        pytest.param("\u00a0", ["UNKNOWN:\u00a0"], id="blanks are ASCII"),
        pytest.param("٣", ["UNKNOWN:٣"], id="digits are ASCII"),
    ],
)  # fmt: skip
def test_text_is_cut_into_words(text: str, expected: list[str]) -> None:
    """Blanks separate, the longest word wins, and what no word begins with is UNKNOWN."""
    assert words(text) == expected


@pytest.mark.parametrize(
    "text",
    ["0", "23", "2.43", "3.4e-9", ".5", "5.", "5.e3", "1E+5", "0x8f", "0XFF", "007",
     "1_000_000", ".123_456_789", "0x_53_AB_F3_82", "1_2.3_4e5_6"],
)  # fmt: skip
def test_number_is_one_word(text: str) -> None:
    """All forms of the documentation, and underscores between digits."""
    assert words(text) == [f"NUMBER:{text}"]


@pytest.mark.parametrize("text", ["0s", "5m", "10ms", "1y2w3d4h5m6s7ms", "1m1h", "007d"])
def test_duration_is_one_word(text: str) -> None:
    """The order of units is the parser's concern."""
    assert words(text) == [f"DURATION:{text}"]


@pytest.mark.parametrize(
    "text",
    ["1..2", "1.2.3", "1e", "1e1e1", "0x", "0xg", "1_", "1__0", "1_.5", "1e_5", "0b1", "0o7",
     "0x1p2", "0x1.8", "1.5m", "5x", "5mm", "5M", "1h_", "1foo", ".5.", "5m.", "0x_", "0x1_"],
)  # fmt: skip
def test_number_that_runs_on_is_one_bad_word(text: str) -> None:
    """`5mm` is one mistake, not a duration and a name."""
    assert words(text) == [f"BAD_NUMBER:{text}"]


@pytest.mark.parametrize(
    "text",
    ['""', "''", "``", '"a\'b`c"', r'"a\"b"', r"'a\'b'", r'"\\"', "`a\nb\\`", '"#"', '"é☃"'],
)
def test_string_is_one_word(text: str) -> None:
    """Three kinds of quotes; a backslash keeps a quote from closing, but not in backquotes."""
    assert words(text) == [f"STRING:{text}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"abc', ['OPEN_STRING:"', "IDENTIFIER:abc"]),
        ("'", ["OPEN_STRING:'"]),
        ('"a\nb"', ['OPEN_STRING:"', "IDENTIFIER:a", "IDENTIFIER:b", 'OPEN_STRING:"']),
        (r'"\"', ['OPEN_STRING:"', "UNKNOWN:\\", 'OPEN_STRING:"']),
        ("`a", ["OPEN_STRING:`", "IDENTIFIER:a"]),
    ],
)
def test_quote_that_is_never_closed_is_a_word_of_its_own(text: str, expected: list[str]) -> None:
    """A line break ends single and double quotes without closing them."""
    assert words(text) == expected


@given(st.text(st.characters(codec="utf-8")) | st.text("ab1e.:_'\"`\\#\n {}[]()=!~5msx+-,@"))
def test_any_text_is_tokens_and_blanks_between_them(text: str) -> None:
    """Nothing is lost, moved or read twice."""
    end = 0
    for token in tokenize(text):
        assert re.fullmatch(r"([ \t\r\n]+|#[^\r\n]*)*", text[end : token.start])
        assert text[token.start : token.end] == token.text
        end = token.end

    assert end == len(text)
