"""Words, keywords, sentences, likeness."""

from __future__ import annotations

import pytest

from sakshi.reference.text import keywords, likeness, sentences, singular, words


def test_words_are_lower_case_and_keep_their_apostrophes() -> None:
    """Both apostrophes are one; digits are words; punctuation is not."""
    assert words("The Moon\u2019s 2 tides, don't stop!") == [
        "the",
        "moon's",
        "2",
        "tides",
        "don't",
        "stop",
    ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("tides", "tide"),
        ("stories", "story"),
        ("glasses", "glass"),
        ("boxes", "box"),
        ("moon's", "moon"),
        ("honeybees'", "honeybee"),
        ("glass", "glass"),
        ("virus", "virus"),
        ("basis", "basis"),
        ("gas", "gas"),
        ("as", "as"),
    ],
)
def test_singular_takes_off_what_a_plural_or_possessive_adds(word: str, expected: str) -> None:
    """And leaves alone what only looks like one."""
    assert singular(word) == expected


def test_keywords_are_in_order_and_each_once() -> None:
    """Frequent words and single letters say nothing."""
    assert keywords("What is a tide? Tides and x follow the Moon") == ["tide", "follow", "moon"]
    assert keywords("And what about it?") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing has none"),
        pytest.param("One. Two? Three!", ["One.", "Two?", "Three!"], id="each end ends"),
        pytest.param(
            "On salt:\n1. First.\n- Second.", ["On salt:", "First.", "Second."], id="list"
        ),
        pytest.param("Version 3.5 is out", ["Version 3.5 is out"], id="a point inside a number"),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    """Sentences come without bullets, in order."""
    assert sentences(text) == expected


def test_likeness_is_the_share_of_common_keywords() -> None:
    """Equal texts 1, disjoint ones 0, and texts without keywords only where they are equal."""
    assert likeness("Tides follow the Moon", "The Moon: tides follow") == 1
    assert likeness("Tides follow the Moon", "Bread and salt") == 0
    assert likeness("Tides follow the Moon", "The Moon rises") == pytest.approx(1 / 4)
    assert likeness("and", "and") == 1
    assert likeness("and", "or") == 0
