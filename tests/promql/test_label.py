from __future__ import annotations

import pytest
from tests.promql.notation import append_series, parse_series

from sakshi.model.clock import SystemClock
from sakshi.promql import EvaluationLimits, LocalEngine, QueryLimitError, Vector
from sakshi.storage.memory import MemoryStore


def nested(outer: str, levels: int) -> str:
    """Return an expression in itself so many times: `%s` stands for the one inside."""
    text = "x"
    for _ in range(levels):
        text = outer % text
    return text


@pytest.fixture
def store() -> MemoryStore:
    """Return a store with ten series `x`, whose label `a` has ten characters."""
    store = MemoryStore()
    append_series(store, [parse_series(f'x{{a="{n:010}"}} 1') for n in range(10)], 10_000)
    return store


def answer_values(engine: LocalEngine, query: str, label: str) -> list[str]:
    """Return a label's values in the answer."""
    value = engine.instant(query, 0).value
    assert isinstance(value, Vector)
    return [labels.get(label, "") for labels in value.series]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(nested('label_replace(%s, "a", "$1$1", "a", "(.*)")', 90), id="replaced"),
        pytest.param(nested('label_join(%s, "a", "", "a", "a")', 90), id="joined"),
        pytest.param(
            nested('label_replace(%s, "a", "' + "$1" * 3000 + '", "a", "(.*)")', 4),
            id="one text of 10^15 characters",
        ),
    ],
)
def test_text_that_grows_with_each_level_is_refused(store: MemoryStore, query: str) -> None:
    """A label that doubles ninety times is stopped before it is made, not by the machine's end."""
    engine = LocalEngine(store, SystemClock(), EvaluationLimits())

    with pytest.raises(QueryLimitError) as caught:
        engine.instant(query, 0)

    assert str(caught.value).endswith(
        " characters of label values, of which 10,000,000 are allowed"
    )


@pytest.mark.parametrize(
    "query",
    [
        pytest.param('label_replace(x, "b", "$1", "a", "(.*)")', id="replaced"),
        pytest.param('label_join(x, "b", "", "a")', id="joined"),
    ],
)
def test_text_up_to_the_limit_is_made(store: MemoryStore, query: str) -> None:
    """All series of a query share one account; its last character may be spent."""
    enough = LocalEngine(store, SystemClock(), EvaluationLimits(label_characters=100))
    short = LocalEngine(store, SystemClock(), EvaluationLimits(label_characters=99))

    assert answer_values(enough, query, "b") == [f"{n:010}" for n in range(10)]
    # What was remembered with the series costs nothing again; a fresh text does.
    with pytest.raises(QueryLimitError):
        short.instant(query.replace('"b"', '"c"'), 0)


@pytest.mark.parametrize(
    ("replacement", "expected"),
    [
        pytest.param("$1-${1}x$$", "one-onex$", id="braces end a name, two dollars are one"),
        pytest.param("$name", "one", id="by name"),
        pytest.param("$1x|$2|$9|${none}", "|||", id="what is no group, or took no part, is empty"),
        pytest.param("$", "$", id="a dollar alone"),
        pytest.param("$99999999999999999999", "", id="a number beyond all"),
        pytest.param("$" + "1" * 5000, "", id="a number of 5,000 digits"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_replacement_refers_to_groups(replacement: str, expected: str) -> None:
    """References are Go's: `$1`, `${1}`, `$name`, `${name}`, `$$`."""
    store = MemoryStore()
    append_series(store, [parse_series('x{a="one"} 1')], 10_000)
    engine = LocalEngine(store, SystemClock())

    query = f'label_replace(x, "b", "{replacement}", "a", "(?P<name>one)(never)?")'

    assert answer_values(engine, query, "b") == [expected]
