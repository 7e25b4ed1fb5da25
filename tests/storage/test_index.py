"""Postings against the plain definition of matching."""

from __future__ import annotations

import random

import pytest

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator, matches_all
from sakshi.storage.index import VALUES_BETWEEN_WATCHES, SeriesIndex, SeriesPlace

VALUES = ["", "a", "b", "ab", "ba"]
PATTERNS = ["", "a", "a|b", ".*", ".+", "a.*", "[^a]*"]


@pytest.mark.parametrize("seed", range(30))
def test_index_finds_what_matches(seed: int) -> None:
    """The postings find the series that meet every matcher, whatever was added and removed."""
    chance = random.Random(seed)
    index = SeriesIndex()
    places = [
        SeriesPlace(
            Labels({"__name__": "m", "n": str(n), **{k: chance.choice(VALUES) for k in "xyz"}}),
            1,
            n,
        )
        for n in range(60)
    ]
    index.add(places)
    removed = chance.sample(places, chance.randrange(60))
    index.remove(removed)

    for _ in range(20):
        matchers = [
            Matcher(chance.choice("xyzq"), chance.choice(list(MatchOperator)), pattern)
            for pattern in chance.sample(PATTERNS, chance.randrange(4))
        ]
        found, _ = index.find(matchers)
        living = [place for place in places if place not in removed]
        assert found == [place for place in living if matches_all(matchers, place.labels)]


def test_index_tells_what_is_new() -> None:
    """Who saw a version learns what was added since, and that something was removed."""
    index = SeriesIndex()
    first, second = (SeriesPlace(Labels({"n": n}), 1, int(n)) for n in "12")
    index.add([first])
    _, seen = index.find([])

    index.add([first, second])
    added = index.added_since(seen)
    index.remove([first])

    assert added is not None
    assert added[0] == [second]
    assert index.added_since(added[1]) is None


def test_index_forgets_what_was_removed() -> None:
    """Places of removed series are given up when they outnumber the living."""
    index = SeriesIndex()
    places = [SeriesPlace(Labels({"n": str(n)}), 1, n) for n in range(5000)]
    index.add(places)

    index.remove(places[10:])
    index.remove(places[20:30])  # once more: they are not there, and are passed over

    assert len(index) == 10
    assert index.version.places < 2000
    assert index.find([Matcher("n", MatchOperator.EQUAL, "3")])[0] == [places[3]]


def test_index_counts_a_shared_series_once() -> None:
    """A series is there while a target has it, however many do."""
    index, labels = SeriesIndex(), Labels({"n": "1"})
    places = [SeriesPlace(labels, 1, 0), SeriesPlace(labels, 2, 0)]
    index.add(places)
    assert len(index) == 1
    assert index.find([])[0] == places

    index.remove(places[:1])
    assert len(index) == 1
    assert index.find([])[0] == places[1:]

    index.remove(places[1:])
    assert len(index) == 0


def test_families_are_numbered() -> None:
    """A metric family keeps its number; new ones come after those that were restored."""
    index = SeriesIndex()
    index.restore_family("up", 7)

    assert [index.family(name) for name in ("hits", "up", "hits", "misses")] == [8, 7, 8, 9]
    assert index.families() == {"up": 7, "hits": 8, "misses": 9}


def test_nobody_waits_for_a_regular_expression() -> None:
    """While values are tried, series may be added; the answer has them."""
    index = SeriesIndex()
    index.add([SeriesPlace(Labels({"__name__": "m", "x": "a"}), 1, 0)])

    def add_another(_cells: int) -> None:
        index.add([SeriesPlace(Labels({"__name__": "m", "x": "ab"}), 1, 1)])

    found, seen = index.find([Matcher("x", MatchOperator.REGEX, "a.*")], add_another)

    assert [place.labels.get("x", "") for place in found] == ["a", "ab"]
    assert seen == index.version


def test_a_search_among_many_values_can_be_ended() -> None:
    """Whoever watches is asked at least once for each VALUES_BETWEEN_WATCHES values."""
    index = SeriesIndex()
    index.add([SeriesPlace(Labels({"__name__": "m", "x": f"{n}"}), 1, n) for n in range(1000)])
    asked: list[int] = []

    index.find([Matcher("x", MatchOperator.NOT_REGEX, "1.*")], asked.append)

    assert len(asked) >= 1000 / VALUES_BETWEEN_WATCHES
    with pytest.raises(TimeoutError):
        index.find([Matcher("x", MatchOperator.REGEX, "2.*")], end)


def end(_cells: int) -> None:
    raise TimeoutError
