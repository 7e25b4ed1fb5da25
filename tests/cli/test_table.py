from __future__ import annotations

from typing import Any

import pytest

from sakshi.cli.table import format_series, point_at, render_answer

UP = {"__name__": "up", "job": "chat"}


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        pytest.param({"resultType": "scalar", "result": [1, "2"]}, ["2"], id="a scalar"),
        pytest.param({"resultType": "string", "result": [1, "a"]}, ["a"], id="a string"),
        pytest.param({"resultType": "vector", "result": []}, [], id="no series"),
        pytest.param(
            {
                "resultType": "vector",
                "result": [
                    {"metric": UP, "value": [1, "1"]},
                    {"metric": {}, "value": [1, "NaN"]},
                ],
            },
            ['up{job="chat"}  1', "{}              NaN"],
            id="a line for each series, values aligned",
        ),
        pytest.param(
            {
                "resultType": "matrix",
                "result": [
                    {"metric": UP, "values": [[1_700_000_000, "1"], [1_700_000_000.25, "2"]]}
                ],
            },
            [
                'up{job="chat"}',
                "  2023-11-14T22:13:20Z  1",
                "  2023-11-14T22:13:20.250Z  2",
            ],
            id="a line for each sample of a range",
        ),
    ],
)
def test_an_answer_is_shown_line_by_line(data: dict[str, Any], lines: list[str]) -> None:
    """Values are as they came; moments are in UTC."""
    assert list(render_answer(data)) == lines


def test_labels_are_written_as_promql_writes_them() -> None:
    """Sorted, with values in quotes, and readable whatever their script."""
    metric = {"z": 'a "quote"', "a": "हम", "__name__": "x"}

    assert format_series(metric) == 'x{a="हम", z="a \\"quote\\""}'


@pytest.mark.parametrize(
    ("query", "line", "column", "lines"),
    [
        pytest.param("up{", 1, 4, ["  up{", "     ^"], id="behind the last character"),
        pytest.param("a\n  + )", 2, 5, ["    + )", "      ^"], id="the line that is wrong"),
        pytest.param("\tup)", 1, 4, ["   up)", "     ^"], id="a tab is as wide as a character"),
        pytest.param("up", 2, 1, [], id="no such line"),
        pytest.param("up", 1, 9, [], id="no such column"),
        pytest.param("up", 0, 0, [], id="no place"),
    ],
)
def test_a_caret_points_at_the_place(query: str, line: int, column: int, lines: list[str]) -> None:
    """Below the character that was not expected; a place that is not there is not pointed at."""
    assert list(point_at(query, line, column)) == lines
