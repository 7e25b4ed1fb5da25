from __future__ import annotations

from sakshi.exposition import Exemplar
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.scrape import ExemplarRing

A, B = Labels({"__name__": "a"}), Labels({"__name__": "b"})
NAMED_A = [[Matcher("__name__", MatchOperator.EQUAL, "a")]]
ANY = [[Matcher("__name__", MatchOperator.REGEX, ".+")]]


def exemplar(at_ms: int, value: float = 1.0, trace: str = "t") -> Exemplar:
    return Exemplar(Labels({"trace_id": trace}), value, at_ms)


def test_the_newest_are_kept() -> None:
    """One more than the bound pushes out the oldest, whoever's it is."""
    ring = ExemplarRing(2)

    assert all(ring.append(series, exemplar(at), 0) for series, at in ((A, 1), (B, 2), (B, 3)))

    assert ring.select(ANY, 0, 9) == {B: [exemplar(2), exemplar(3)]}
    assert len(ring) == 2
    assert ring.append(A, exemplar(1), 0), "nothing is known of a series whose exemplars are gone"


def test_what_a_target_repeats_is_kept_once() -> None:
    """The same one, an older one, and one of the same moment that is not greater."""
    ring = ExemplarRing()
    assert ring.append(A, exemplar(5, 2.0), 0)

    kept = [ring.append(A, other, 0) for other in (exemplar(5, 2.0), exemplar(4), exemplar(5, 1.0))]

    assert kept == [False, False, False]
    assert ring.append(A, exemplar(5, 3.0), 0)
    assert ring.append(A, exemplar(6, 0.0), 0)


def test_labels_have_a_bound() -> None:
    """128 characters of names and values, as OpenMetrics has it."""
    ring = ExemplarRing()

    assert ring.append(A, exemplar(1, trace="x" * 120), 0)
    assert not ring.append(A, exemplar(2, trace="x" * 121), 0)


def test_a_selection_has_closed_bounds_and_order() -> None:
    """By series, sorted; each once, whichever selectors it meets."""
    ring = ExemplarRing()
    for series, at in ((B, 1), (A, 1), (A, 2), (A, 3), (A, 4)):
        ring.append(series, exemplar(at), 0)

    assert ring.select([*ANY, *NAMED_A], 2, 3) == {A: [exemplar(2), exemplar(3)]}
    assert list(ring.select(ANY, 1, 1)) == [A, B]
    assert ring.select([], 0, 9) == {}


def test_an_exemplar_without_a_time_has_its_samples() -> None:
    """The same one at the next scrape is still the same one."""
    ring, timeless = ExemplarRing(), Exemplar(Labels({"t": "x"}), 1.0)

    kept = [ring.append(A, timeless, 1000), ring.append(A, timeless, 2000)]

    assert kept == [True, False]
    assert ring.select(ANY, 0, 9999) == {A: [Exemplar(Labels({"t": "x"}), 1.0, 1000)]}
