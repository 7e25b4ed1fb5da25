from __future__ import annotations

import pytest

from sakshi.kpi import LimitSyntaxError, LimitUnitError, parse_limit


@pytest.mark.parametrize(
    ("text", "unit", "operator", "value"),
    [
        pytest.param("<2000ms", "ms", "<", 2000.0, id="milliseconds"),
        pytest.param(">0.8", "ratio", ">", 0.8, id="a ratio has no unit"),
        pytest.param("<70%", "%", "<", 70.0, id="per cent"),
        pytest.param("<80", "", "<", 80.0, id="a count has no unit"),
        pytest.param(">10", "/s", ">", 10.0, id="without a unit it is in the KPI's own"),
        pytest.param("<2s", "ms", "<", 2000.0, id="seconds become milliseconds"),
        pytest.param("<500ms", "s", "<", 0.5, id="milliseconds become seconds"),
        pytest.param(">80%", "ratio", ">", 0.8, id="per cent become a ratio"),
        pytest.param("<2min", "ms", "<", 120000.0, id="minutes become milliseconds"),
        pytest.param("<36/h", "/s", "<", 0.01, id="by the hour becomes by the second"),
        pytest.param("<1MiB", "bytes", "<", 1048576.0, id="mebibytes become bytes"),
        pytest.param(" > 3000 ms ", "ms", ">", 3000.0, id="spaces do not matter"),
        pytest.param(">-5", "", ">", -5.0, id="negative"),
    ],
)
def test_limit_is_read_in_the_unit_of_its_kpi(
    text: str, unit: str, operator: str, value: float
) -> None:
    """The strategy's notation gives operator and value, the value in the KPI's unit."""
    limit = parse_limit(text, unit)

    assert (limit.operator, limit.value, limit.unit) == (operator, value, unit)


@pytest.mark.parametrize(
    "text", ["", "2000ms", "<", "<ms", "=5", "<=5", "<5 apples", "<1e3", "<5ms>", "<.5", "<٣"]
)
def test_other_texts_are_refused(text: str) -> None:
    """What is no limit is refused with what one looks like, and what was found."""
    with pytest.raises(LimitSyntaxError) as caught:
        parse_limit(text, "ms")

    assert str(caught.value) == (
        f'expected a limit like "<2000ms", ">0.8" or "<70%", found "{text}"'
    )


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("<5%", "ms", 'expected a limit in ms (time), found "<5%"'),
        ("<5ms", "", 'expected a limit without a unit, found "<5ms"'),
    ],
)
def test_unit_of_another_kind_is_refused(text: str, unit: str, message: str) -> None:
    """A limit that cannot be compared with the KPI's values is an error, not a guess."""
    with pytest.raises(LimitUnitError) as caught:
        parse_limit(text, unit)

    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["<2000ms", ">0.8", "<70%", "<80", ">0.65"])
def test_limit_prints_as_it_was_written(text: str) -> None:
    """print∘parse is the identity on the strategy's notation."""
    unit = {"<2000ms": "ms", "<70%": "%"}.get(text, "")

    assert str(parse_limit(text, unit)) == text


def test_limit_is_never_met_at_its_own_value_nor_by_nan() -> None:
    """A limit is met on one side only."""
    below, above = parse_limit("<5", ""), parse_limit(">5", "")

    assert [below.is_met(value) for value in (4.9, 5.0, 5.1, float("nan"))] == [
        True,
        False,
        False,
        False,
    ]
    assert [above.is_met(value) for value in (4.9, 5.0, 5.1, float("nan"))] == [
        False,
        False,
        True,
        False,
    ]
