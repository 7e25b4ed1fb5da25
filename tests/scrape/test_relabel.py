from __future__ import annotations

from typing import Any

import pytest

from sakshi.model.labels import Labels
from sakshi.model.matcher import InvalidRegexError
from sakshi.scrape import RelabelAction, RelabelRule
from sakshi.scrape.relabel import relabel

LABELS = {"a": "x:1", "b": "y", "empty": "", "Ä": "é"}


def rule(action: str = "replace", *source: str, **keys: Any) -> RelabelRule:
    return RelabelRule(RelabelAction(action), source, **keys)


def changed(*rules: RelabelRule, labels: dict[str, str] = LABELS) -> dict[str, str] | None:
    relabelled = relabel(labels, rules)
    return None if relabelled is None else dict(relabelled)


START = {"a": "x:1", "b": "y", "Ä": "é"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(rule(target_label="c", replacement="k"), {**START, "c": "k"}, id="a constant"),
        pytest.param(
            rule("replace", "a", "b", target_label="c"), {**START, "c": "x:1;y"}, id="join"
        ),
        pytest.param(
            rule("replace", "b", "none", "b", separator="-", target_label="c"),
            {**START, "c": "y--y"},
            id="an absent label is empty",
        ),
        pytest.param(
            rule(
                "replace", "a", regex="(.*):(?P<port>.*)", target_label="c", replacement="${2}x$1$$"
            ),
            {**START, "c": "1xx$"},
            id="groups",
        ),
        pytest.param(
            rule(
                "replace",
                "a",
                regex="(.*):(?P<p>.*)",
                target_label="c",
                replacement="$1x-${p}-$9-$",
            ),
            {**START, "c": "-1--$"},
            id="a name is as long as it can be",
        ),
        pytest.param(
            rule("replace", "a", regex="(.):.", target_label="n_${1}", replacement="v"),
            {**START, "n_x": "v"},
            id="a computed target",
        ),
        pytest.param(
            rule("replace", "a", regex="(.):.", target_label="$2", replacement="v"),
            START,
            id="no target",
        ),
        pytest.param(rule("replace", "a", regex="x", target_label="c"), START, id="no match"),
        pytest.param(
            rule("replace", "a", regex=":", target_label="c"), START, id="a match is a whole one"
        ),
        pytest.param(
            rule(target_label="b", replacement=""), {"a": "x:1", "Ä": "é"}, id="empty removes"
        ),
        pytest.param(rule("keep", "a", regex="x.*"), START, id="keep"),
        pytest.param(rule("keep", "a", regex="x"), None, id="keep no other"),
        pytest.param(rule("drop", "a", regex="x.*"), None, id="drop"),
        pytest.param(rule("drop", "a", regex="x"), START, id="drop no other"),
        pytest.param(rule("keepequal", "b", target_label="b"), START, id="keepequal"),
        pytest.param(rule("keepequal", "b", target_label="a"), None, id="keepequal no other"),
        pytest.param(rule("dropequal", "none", target_label="void"), None, id="dropequal"),
        pytest.param(rule("dropequal", "a", target_label="b"), START, id="dropequal no other"),
        pytest.param(
            rule("hashmod", "a", target_label="c", modulus=1000),
            {**START, "c": "362"},
            id="hashmod",
        ),
        pytest.param(
            rule("labelmap", regex="(.)", replacement="l_$1"),
            {**START, "l_a": "x:1", "l_b": "y", "l_Ä": "é"},
            id="labelmap",
        ),
        pytest.param(
            rule("labelmap", regex="a|b", replacement="c"),
            {**START, "c": "y"},
            id="labelmap, the last wins",
        ),
        pytest.param(rule("labeldrop", regex="a|c"), {"b": "y", "Ä": "é"}, id="labeldrop"),
        pytest.param(rule("labelkeep", regex="a|c"), {"a": "x:1"}, id="labelkeep"),
        pytest.param(rule("labeldrop", regex=".*"), None, id="nothing left"),
        pytest.param(rule("uppercase", "b", target_label="b"), {**START, "b": "Y"}, id="uppercase"),
        pytest.param(
            rule("lowercase", "a", target_label="c"), {**START, "c": "x:1"}, id="lowercase"
        ),
    ],
)
def test_each_action_is_prometheus(rule: RelabelRule, expected: dict[str, str] | None) -> None:
    """What a rule makes of a label set."""
    assert changed(rule) == expected


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [("ÄΣ", "äσ", "ÄΣ"), ("straße", "straße", "STRAßE"), ("İ", "i", "İ"), ("ᾳ", "ᾳ", "ᾼ")],
)
def test_letters_are_mapped_one_by_one(text: str, lower: str, upper: str) -> None:
    """As Go does it: a text never gets longer."""
    rules = [rule("lowercase", "a", target_label="l"), rule("uppercase", "a", target_label="u")]

    assert changed(*rules, labels={"a": text}) == {"a": text, "l": lower, "u": upper}


def test_rules_see_what_the_ones_before_made() -> None:
    """A chain: set, read, drop."""
    rules = [
        rule(target_label="c", replacement="k"),
        rule("replace", "c", target_label="d"),
        rule("labeldrop", regex="c"),
        rule("keep", "d", regex="k"),
    ]

    assert changed(*rules) == {**START, "d": "k"}


def test_labels_that_were_set_are_mapped_last() -> None:
    """Of two labels that are mapped to one name, the one that was set later counts."""
    rules = [
        rule(target_label="a", replacement="set"),
        rule("labelmap", regex="a|b", replacement="c"),
    ]

    assert changed(*rules) == {**START, "a": "set", "c": "set"}


def test_a_dot_matches_a_line_feed() -> None:
    """As in Prometheus 3."""
    assert changed(rule("keep", "a", regex="x.y"), labels={"a": "x\ny"}) is not None


def test_what_is_no_regex_is_refused() -> None:
    """RE2 has no backreference."""
    with pytest.raises(InvalidRegexError):
        rule("keep", "a", regex=r"(a)\1")


def test_nothing_is_shared_with_the_argument() -> None:
    """Rules are pure."""
    labels = Labels(LABELS)

    relabel(labels, [rule(target_label="a", replacement="k")])

    assert labels == Labels(LABELS)
