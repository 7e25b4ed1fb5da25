from __future__ import annotations

import numpy as np
import pytest

from sakshi.model.labels import Labels
from sakshi.promql.engine import QueryResult, Samples, Scalar, SeriesSamples, Text, Vector
from sakshi.promql.errors import QueryLimitError
from sakshi.promql.json import render_instant, render_range
from sakshi.storage import SeriesList

SERIES = SeriesList([Labels({"__name__": "x", "a": 'say "hi"'}), Labels()])


def result(value: Scalar | Text | Vector | Samples, *steps: int) -> QueryResult:
    return QueryResult(np.array(steps, np.int64), value)


def test_vector_is_rendered_with_one_value_a_series() -> None:
    """Label sets are objects, times numbers, values strings; what is not present is left out."""
    values = np.array([[1.5, 2.0]])

    whole = render_instant(result(Vector(SERIES, values), 1_700_000_000_000))
    part = render_instant(result(Vector(SERIES, values, np.array([[False, True]])), 1500))

    assert whole == (
        b'{"resultType":"vector","result":['
        b'{"metric":{"__name__":"x","a":"say \\"hi\\""},"value":[1700000000,"1.5"]},'
        b'{"metric":{},"value":[1700000000,"2"]}]}'
    )
    assert part == (b'{"resultType":"vector","result":[{"metric":{},"value":[1.500,"2"]}]}')


def test_empty_vector_is_an_empty_list() -> None:
    """No series is an answer."""
    empty = Vector(SeriesList(()), np.empty((1, 0)))

    assert render_instant(result(empty, 0)) == b'{"resultType":"vector","result":[]}'
    assert render_range(result(empty, 0)) == b'{"resultType":"matrix","result":[]}'


def test_scalar_and_text_are_a_time_and_a_value() -> None:
    """A scalar is printed without an exponent, a text escaped."""
    assert render_instant(result(Scalar(np.array([1e21])), 0)) == (
        b'{"resultType":"scalar","result":[0,"1000000000000000000000"]}'
    )
    assert render_instant(result(Text('a"b'), 7)) == (
        b'{"resultType":"string","result":[0.007,"a\\"b"]}'
    )


def test_samples_are_a_matrix_with_their_own_times() -> None:
    """An instant query for a range vector lists what is stored."""
    samples = SeriesSamples(SERIES[0], np.array([-1, 1250]), np.array([np.nan, -np.inf]))

    assert render_instant(result(Samples([samples]), 9)) == (
        b'{"resultType":"matrix","result":['
        b'{"metric":{"__name__":"x","a":"say \\"hi\\""},'
        b'"values":[[-0.001,"NaN"],[1.250,"-Inf"]]}]}'
    )


def test_range_is_a_matrix_without_the_holes() -> None:
    """A series has the points at which it is present; one without any is left out."""
    values = np.array([[1.0, 9.0], [2.0, 9.0], [3.0, 9.0]])
    present = np.array([[True, False], [False, False], [True, False]])

    assert render_range(result(Vector(SERIES, values, present), 0, 1000, 2000)) == (
        b'{"resultType":"matrix","result":['
        b'{"metric":{"__name__":"x","a":"say \\"hi\\""},"values":[[0,"1"],[2,"3"]]}]}'
    )
    assert render_range(result(Vector(SERIES, values[:1]), 0)) == (
        b'{"resultType":"matrix","result":['
        b'{"metric":{"__name__":"x","a":"say \\"hi\\""},"values":[[0,"1"]]},'
        b'{"metric":{},"values":[[0,"9"]]}]}'
    )


@pytest.mark.parametrize("density", [None, 0.5], ids=["whole", "with holes"])
def test_large_range_is_its_series_one_by_one(density: float | None) -> None:
    """Whatever is formatted at once, each series is rendered as it is alone."""
    random = np.random.default_rng(7)
    values = random.choice([0.5, 1e300, np.nan, np.inf, -3.0], (11, 3000))
    present = None if density is None else random.random(values.shape) < density
    series = SeriesList([Labels({"n": str(n)}) for n in range(3000)])
    steps = range(0, 11_000, 1000)

    whole = render_range(result(Vector(series, values, present), *steps))

    alone = [
        render_range(
            result(
                Vector(
                    SeriesList(series[n : n + 1]),
                    values[:, n : n + 1],
                    None if present is None else present[:, n : n + 1],
                ),
                *steps,
            )
        )
        for n in range(3000)
    ]
    head, tail = b'{"resultType":"matrix","result":[', b"]}"
    parts = (text.removeprefix(head).removesuffix(tail) for text in alone)
    assert whole == head + b",".join(filter(None, parts)) + tail


def test_range_of_a_scalar_is_one_nameless_series() -> None:
    """A scalar asked for over a range is a matrix, too."""
    assert render_range(result(Scalar(np.array([1.0, 2.0])), 0, 1000)) == (
        b'{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[1,"2"]]}]}'
    )


@pytest.mark.parametrize("value", [Text("x"), Samples([])])
def test_range_of_anything_else_is_a_programmer_error(value: Text | Samples) -> None:
    """No range query answers with a text or with samples."""
    with pytest.raises(AssertionError):
        render_range(result(value, 0))


def test_who_watches_an_answer_grow_can_end_it() -> None:
    """It is told the size so far with each series; what it raises ends the answer."""
    vector = result(Vector(SERIES, np.array([[1.5, 2.0]])), 0)
    sizes: list[int] = []

    whole = render_range(vector, sizes.append)

    assert sizes[-1] == len(whole) - len(b'{"resultType":"matrix","result":[]}') + 1
    assert len(sizes) == 2

    def end(size: int) -> None:
        raise QueryLimitError(f"{size}")

    for render in (render_instant, render_range):
        with pytest.raises(QueryLimitError):
            render(vector, end)
