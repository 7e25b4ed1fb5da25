"""Matchers."""

from __future__ import annotations

import gc

import pytest

from sakshi.model.labels import Labels
from sakshi.model.matcher import (
    COMPILED_MAX,
    InvalidRegexError,
    Matcher,
    MatchOperator,
    compile_regex,
    matches_all,
)


@pytest.mark.parametrize(
    ("operator", "value", "text", "expected"),
    [
        pytest.param("=", "a", "a", True, id="equal"),
        pytest.param("=", "a", "b", False, id="equal, another value"),
        pytest.param("!=", "a", "b", True, id="not equal"),
        pytest.param("!=", "a", "", True, id="an absent label is not equal to a value"),
        pytest.param("=", "", "", True, id="the empty value matches an absent label"),
        pytest.param("=~", "a|b", "b", True, id="regex"),
        pytest.param("=~", "a", "ab", False, id="a regex is anchored at its end"),
        pytest.param("=~", "b", "ab", False, id="a regex is anchored at its start"),
        pytest.param("=~", "a|b", "ab", False, id="anchors hold for each alternative"),
        pytest.param("=~", "a.b", "a\nb", True, id="a dot matches a newline"),
        pytest.param("=~", "(?i)CHAT", "chat", True, id="flags"),
        pytest.param("=~", ".*", "", True, id="a regex may match an absent label"),
        pytest.param("!~", "a.*", "b", True, id="not regex"),
        pytest.param("!~", "a.*", "abc", False, id="not regex, matching"),
    ],
)
def test_a_matcher_compares_a_value(operator, value, text, expected):
    """A matcher holds or does not, by its operator."""
    assert Matcher("job", MatchOperator(operator), value).matches(text) is expected


def test_a_regex_that_is_none_is_refused():
    """The error says what is wrong in RE2's words, and shows the expression."""
    with pytest.raises(InvalidRegexError) as refused:
        Matcher("job", MatchOperator.REGEX, "(a")

    assert str(refused.value) == 'missing ): (a in the regular expression "(a"'


def test_a_backreference_is_refused():
    """RE2 has no backreferences: what could take exponential time does not exist."""
    with pytest.raises(InvalidRegexError):
        Matcher("job", MatchOperator.REGEX, r"(a)\1")


def test_a_catastrophic_regex_ends_at_once():
    """A pattern that takes other engines seconds is matched in linear time."""
    matcher = Matcher("job", MatchOperator.REGEX, "(a+)+$")

    assert not matcher.matches("a" * 20_000 + "b")


def test_all_matchers_must_hold():
    """A selector is the conjunction of its matchers; without any, everything matches."""
    labels = Labels({"__name__": "up", "job": "chat"})
    named = Matcher("__name__", MatchOperator.EQUAL, "up")

    assert matches_all([], labels)
    assert matches_all([named, Matcher("zone", MatchOperator.EQUAL, "")], labels)
    assert not matches_all([named, Matcher("job", MatchOperator.NOT_EQUAL, "chat")], labels)


def test_a_matcher_prints_as_promql():
    """A matcher prints as it is written."""
    assert str(Matcher("job", MatchOperator.NOT_REGEX, 'a"b')) == 'job!~"a\\"b"'


RE2_OWN_CACHE = 128  # of google-re2's Python part


def test_matchers_keep_no_compiled_regex_of_their_own():
    """However many matchers live, so many expressions are compiled; all of them go on matching."""
    matchers = [
        Matcher("job", MatchOperator.REGEX, f"chat-{number}-.*")
        for number in range(4 * COMPILED_MAX)
    ]

    kept = [item for item in gc.get_objects() if isinstance(item, type(compile_regex("x")))]

    assert len(kept) <= COMPILED_MAX + RE2_OWN_CACHE
    assert all(matcher.matches(f"chat-{n}-eu") for n, matcher in enumerate(matchers))
    assert not any(matcher.matches(f"chat-{n + 1}-eu") for n, matcher in enumerate(matchers))
