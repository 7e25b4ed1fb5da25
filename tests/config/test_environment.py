from __future__ import annotations

import pytest

from sakshi.config.environment import expand, expand_label, find_unset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${A}", "1"),
        ("x${A}y${B}z", "x1y2z"),
        ("$A", "$A"),
        ("${}", "${}"),
        ("${1}", "${1}"),
        ("${A-default}", "${A-default}"),
        ("$${A}", "$1"),
    ],
)
def test_only_names_in_braces_are_replaced(text: str, expected: str) -> None:
    """A dollar means nothing by itself, so that passwords may have one."""
    assert find_unset(text, {"A": "1", "B": "2"}) == []
    assert expand(text, {"A": "1", "B": "2"}) == expected


def test_a_value_is_not_replaced_again() -> None:
    """What a variable holds is taken as it is."""
    assert expand("${A}", {"A": "${B}", "B": "no"}) == "${B}"


def test_each_unset_name_is_named_once() -> None:
    """In the order of the text; a variable that is empty is as good as none."""
    assert find_unset("${B} ${A} ${B} ${C}", {"A": "", "C": "x"}) == ["B", "A"]


@pytest.mark.parametrize(
    ("text", "expected", "unset"),
    [
        ("eu", "eu", []),
        ("$ZONE", "eu", []),
        ("${ZONE}-1", "eu-1", []),
        ("$ZONE-$ZONE", "eu-eu", []),
        ("$$ZONE", "$ZONE", []),
        ("5$ more", "5$ more", []),
        ("$NONE/$NONE", "/", ["NONE"]),
        ("$EMPTY", "", []),
    ],
)
def test_external_labels_expand_as_in_prometheus(
    text: str, expected: str, unset: list[str]
) -> None:
    """`$NAME` too is replaced, `$$` is a dollar, and what is not set is empty."""
    assert expand_label(text, {"ZONE": "eu", "EMPTY": ""}) == (expected, unset)
