from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sakshi.config.node import (
    DEPTH_MAX,
    NODES_MAX,
    ListNode,
    MappingNode,
    Node,
    ScalarNode,
    YamlError,
    parse_yaml,
)


def plain(node: Node | None) -> Any:
    """Return a tree as lists of texts and pairs; None for nothing."""
    if node is None or node.is_null:
        return None
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    if isinstance(node, MappingNode):
        return {plain(key): plain(value) for key, value in node.entries}
    assert isinstance(node, ScalarNode)
    return node.text


def test_every_node_knows_its_place() -> None:
    """Lines and columns count from 1; a list or block mapping stands where its first entry does."""
    root = parse_yaml("global:\n  interval: 5s\nrules: ['é', \"b\"]\n")

    assert isinstance(root, MappingNode)
    (_, section), (rules_key, rules) = root.entries
    assert isinstance(section, MappingNode)
    assert isinstance(rules, ListNode)
    interval = section.entries[0][1]
    places = [(node.line, node.column) for node in (root, section, interval, rules_key)]
    assert places == [(1, 1), (2, 3), (2, 13), (3, 1)]
    assert [(node.line, node.column) for node in rules.items] == [(3, 9), (3, 14)]


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n...\n"])
def test_an_empty_file_has_nothing(text: str) -> None:
    """No content is no node, or a node that is nothing."""
    assert plain(parse_yaml(text)) is None


@pytest.mark.parametrize(
    ("text", "is_null"),
    [
        ("", True),
        ("~", True),
        ("null", True),
        ("Null", True),
        ("NULL", True),
        ("nULL", False),
        ("''", False),
        ('"null"', False),
        ("'~'", False),
        ("!!str null", False),
        ("none", False),
    ],
)
def test_nothing_is_nothing_only_without_quotes(text: str, is_null: bool) -> None:
    """YAML's nulls mean nothing; the same in quotes is a text."""
    root = parse_yaml(f"key: {text}")

    assert isinstance(root, MappingNode)
    assert root.entries[0][1].is_null is is_null


def test_an_alias_is_the_node_of_its_anchor() -> None:
    """What is written once is one node, with one place, however often it is used."""
    root = parse_yaml("a: &first [x]\nb: *first\n")

    assert isinstance(root, MappingNode)
    assert root.entries[0][1] is root.entries[1][1]


def test_an_anchor_may_be_used_anew() -> None:
    """The nearest anchor before an alias counts, as YAML says."""
    assert plain(parse_yaml("a: &x 1\nb: &x 2\nc: *x\n")) == {"a": "1", "b": "2", "c": "2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: [1",
            "2:1: expected YAML, found an error while parsing a flow sequence: "
            "did not find expected ',' or ']'",
            id="a list that does not end",
        ),
        pytest.param(
            "a: b: c",
            "1:5: expected YAML, found an error: mapping values are not allowed in this context",
            id="two colons",
        ),
        pytest.param(
            "a:\n\tb: 1",
            "2:1: expected YAML, found an error while scanning for the next token: "
            "found character that cannot start any token",
            id="a tab as indentation",
        ),
        pytest.param(
            "a: 1\nbé: \x00", "2:5: expected a printable character, found U+0000", id="a NUL"
        ),
        pytest.param("a: 1\n---\nb: 2", "2:1: expected one document, found a second one", id="two"),
        pytest.param(
            "a: *b", "1:4: expected an anchor that stands before it, found *b", id="no anchor"
        ),
        pytest.param(
            "a: &a [*a]",
            "1:8: expected an alias outside of its anchor, found *a inside of it",
            id="an endless list",
        ),
        pytest.param(
            "a: !vault x", "1:4: expected a value without a tag, found the tag !vault", id="a tag"
        ),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_place(text: str, message: str) -> None:
    """The complaint names line and column, and what was wrong there."""
    with pytest.raises(YamlError) as caught:
        parse_yaml(text)

    assert str(caught.value) == message


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_depth_is_bounded(bracket: str) -> None:
    """A file of 200,000 brackets is refused at the first one too many, and crashes nothing."""
    with pytest.raises(YamlError, match="at most 100 levels of nesting") as caught:
        parse_yaml(bracket * 200_000)

    assert caught.value.column == DEPTH_MAX * len(bracket) + 1


def test_depth_is_bounded_through_aliases_too() -> None:
    """A chain of aliases nests as deep as what it is short for."""
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 300))

    with pytest.raises(YamlError) as caught:
        parse_yaml(text)

    assert str(caught.value) == (
        "100:12: expected at most 100 levels of nesting, aliases followed, found more"
    )


def test_a_hundred_levels_are_read() -> None:
    """The bound itself is inside."""
    assert parse_yaml("[" * DEPTH_MAX + "]" * DEPTH_MAX) is not None


def test_ten_lines_do_not_stand_for_a_billion_values() -> None:
    """Aliases count as often as they are used: `billion laughs` is refused, not followed."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    ]

    with pytest.raises(YamlError, match=f"at most {NODES_MAX:,} values, aliases followed"):
        parse_yaml("\n".join(lines))


def read(text: str) -> Node | YamlError | None:
    """Return the tree of a text, or why there is none."""
    try:
        return parse_yaml(text)
    except YamlError as error:
        return error


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a tree or a YamlError with a place ever comes out of a text."""
    found = read(text)

    assert found is None or (found.line >= 1 and found.column >= 1)


@given(st.text(alphabet="abc:-[]{}&*!|>#'\"%@ \n\t,?<~", max_size=60))
@settings(max_examples=500, deadline=None)
def test_pyyaml_reads_the_same(text: str) -> None:
    """The tree is that of PyYAML's own composer, except where bounds are stricter here."""
    found = read(text)
    if isinstance(found, YamlError) and found.expected != "YAML":
        return  # a tag, an alias in itself: PyYAML composes them
    try:
        expected = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        assert isinstance(found, YamlError) or "duplicate anchor" in str(error)  # noqa: PT017 - any
        return

    assert not isinstance(found, YamlError)
    assert shape(found) == shape(expected)


def shape(node: Any) -> Any:
    """Return texts, lists and pairs of either kind of tree, with their places."""
    if node is None:
        return None
    if isinstance(node, Node):
        place = (node.line, node.column)
    else:
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, ScalarNode):
        return place, node.text
    if isinstance(node, ListNode):
        return place, [shape(item) for item in node.items]
    if isinstance(node, MappingNode):
        return place, [(shape(key), shape(value)) for key, value in node.entries]
    if isinstance(node, yaml.ScalarNode):
        return place, node.value
    if isinstance(node, yaml.SequenceNode):
        return place, [shape(item) for item in node.value]
    return place, [(shape(key), shape(value)) for key, value in node.value]
