from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.config.reading import take

from sakshi.config import Document, Section
from sakshi.config.node import parse_yaml
from sakshi.model.errors import Problem
from sakshi.model.matcher import compile_regex

SCALARS = [
    pytest.param(lambda s: s.text("k"), "k: chat", "chat", id="a text"),
    pytest.param(lambda s: s.text("k"), "k: 5", "5", id="a number is the text that stands there"),
    pytest.param(lambda s: s.text("k"), "k: 0x1F", "0x1F", id="... as it stands there"),
    pytest.param(lambda s: s.text("k"), "k: yes", "yes", id="so is a boolean"),
    pytest.param(lambda s: s.text("k"), "k: ''", "", id="a text may be empty"),
    pytest.param(lambda s: s.text("k", "d"), "k: 'null'", "null", id="null in quotes is a text"),
    pytest.param(lambda s: s.text("k", "d"), "k:", "d", id="no value is the default"),
    pytest.param(lambda s: s.text("k", "d"), "k: ~", "d", id="nor is null one"),
    pytest.param(lambda s: s.text("k", None), "other: x", None, id="the default may be None"),
    pytest.param(lambda s: s.name("k"), "k: chat", "chat", id="a name"),
    pytest.param(lambda s: s.integer("k"), "k: 42", 42, id="a whole number"),
    pytest.param(lambda s: s.integer("k"), "k: '42'", 42, id="... in quotes"),
    pytest.param(lambda s: s.integer("k"), "k: 0x10", 16, id="... hexadecimal"),
    pytest.param(lambda s: s.integer("k", 7), "k:", 7, id="... its default"),
    pytest.param(lambda s: s.boolean("k"), "k: true", True, id="true"),
    pytest.param(lambda s: s.boolean("k"), "k: Off", False, id="a boolean of YAML 1.1"),
    pytest.param(lambda s: s.boolean("k", None), "k:", None, id="no boolean"),
    pytest.param(lambda s: s.duration("k"), "k: 1h30m", 5_400_000, id="a duration"),
    pytest.param(lambda s: s.duration("k"), "k: 0", 0, id="no time"),
    pytest.param(lambda s: s.duration("k", minimum_ms=1000), "k: 1s", 1000, id="the minimum"),
    pytest.param(lambda s: s.one_of("k", ("http", "https")), "k: https", "https", id="a choice"),
    pytest.param(lambda s: s.parsed("k", float, "a number"), "k: 1.5", 1.5, id="parsed"),
    pytest.param(lambda s: s.texts("k"), "k: [a, 5, 'b c']", ["a", "5", "b c"], id="texts"),
    pytest.param(lambda s: s.texts("k"), "k: []", [], id="no texts"),
    pytest.param(lambda s: s.texts("k", None), "k:", None, id="texts that are absent"),
    pytest.param(lambda s: s.labels("k"), "k: {a: x, b: 1, c: }", {"a": "x", "b": "1", "c": ""}),
    pytest.param(lambda s: s.labels("k"), "other:", {}, id="no labels"),
]


@pytest.mark.parametrize(("read", "text", "value"), SCALARS)
def test_a_value_is_what_its_reader_says(
    read: Callable[[Section], Any], text: str, value: Any
) -> None:
    """What stands in the file becomes a value of the wanted type; absence is the default."""
    found, problems, warnings = take(text, read)

    assert (found, problems, warnings) == (value, [], [])


WRONG = [
    pytest.param(
        lambda s: s.text("k"),
        "k: [a]",
        "x.yml:1:4: k: expected a text, found a list",
        "",
        id="list",
    ),
    pytest.param(
        lambda s: s.text("k", "d"),
        "k: {a: b}",
        "x.yml:1:4: k: expected a text, found a mapping",
        "d",
        id="a mapping where a text is wanted",
    ),
    pytest.param(
        lambda s: s.name("k"), "k: ''", 'x.yml:1:4: k: expected a name, found ""', "", id="no name"
    ),
    pytest.param(
        lambda s: s.integer("k", 7),
        "k: 1.5",
        'x.yml:1:4: k: expected a whole number of at least 0, found "1.5"',
        7,
        id="a fraction",
    ),
    pytest.param(
        lambda s: s.integer("k", minimum=1),
        "k: 0",
        'x.yml:1:4: k: expected a whole number of at least 1, found "0"',
        1,
        id="too small a number",
    ),
    pytest.param(
        lambda s: s.integer("k", 0),
        f"k: {'9' * 5000}",
        f'x.yml:1:4: k: expected a whole number of at least 0, found "{"9" * 60}..."',
        0,
        id="a number of 5,000 digits",
    ),
    pytest.param(
        lambda s: s.boolean("k", True),
        "k: 'false'",
        'x.yml:1:4: k: expected true or false, found "false"',
        True,
        id="a boolean in quotes",
    ),
    pytest.param(
        lambda s: s.boolean("k"), "k: 1", 'x.yml:1:4: k: expected true or false, found "1"', False
    ),
    pytest.param(
        lambda s: s.duration("k", 5),
        "k: 30",
        'x.yml:1:4: k: expected a duration like "30s" or "1h30m", found "30"',
        5,
        id="a duration without unit",
    ),
    pytest.param(
        lambda s: s.duration("k", 5, minimum_ms=1000),
        "k: 999ms",
        'x.yml:1:4: k: expected a duration like "30s" or "1h30m" of at least 1s, found "999ms"',
        5,
        id="too short a duration",
    ),
    pytest.param(
        lambda s: s.duration("k", 5),
        "k: 300y",
        'x.yml:1:4: k: expected a duration like "30s" or "1h30m", found "300y"',
        5,
        id="too long a duration",
    ),
    pytest.param(
        lambda s: s.one_of("k", ("", "ms", "s"), ""),
        "k: min",
        'x.yml:1:4: k: expected one of ms, s, found "min"',
        "",
        id="no choice",
    ),
    pytest.param(
        lambda s: s.parsed("k", compile_regex, "a regular expression"),
        "k: '('",
        'x.yml:1:4: k: expected a regular expression, found "(" '
        '(missing ): ( in the regular expression "(")',
        None,
        id="what an error of ours says is added",
    ),
    pytest.param(
        lambda s: s.texts("k"),
        "k: a",
        'x.yml:1:4: k: expected a list of texts, found "a"',
        [],
        id="a text where a list is wanted",
    ),
    pytest.param(
        lambda s: s.texts("k"),
        "k: [a, [b], c]",
        "x.yml:1:8: k[1]: expected a text, found a list",
        ["a", "c"],
        id="a list among texts",
    ),
    pytest.param(
        lambda s: s.texts("k"),
        "k:\n- a\n-\n",
        "x.yml:3:2: k[1]: expected a text, found nothing",
        ["a"],
        id="nothing among texts",
    ),
    pytest.param(
        lambda s: s.labels("k"),
        "k: {a: [x]}",
        "x.yml:1:8: k.a: expected a text, found a list",
        {"a": ""},
        id="a label that is a list",
    ),
    pytest.param(
        lambda s: s.labels("k"), "k: [a]", "x.yml:1:4: k: expected a mapping, found a list", {}
    ),
    pytest.param(
        lambda s: [t.path for t in s.sections("k")],
        "k: 5",
        'x.yml:1:4: k: expected a list, found "5"',
        [],
        id="a number where a list of mappings is wanted",
    ),
    pytest.param(
        lambda s: [t.text("a", "d") for t in s.sections("k")],
        "k: [x]",
        'x.yml:1:5: k[0]: expected a mapping, found "x"',
        ["d"],
        id="a text where a mapping is wanted",
    ),
]


@pytest.mark.parametrize(("read", "text", "problem", "value"), WRONG)
def test_a_wrong_value_is_noted_and_replaced(
    read: Callable[[Section], Any], text: str, problem: str, value: Any
) -> None:
    """The complaint has place, expectation and finding; reading goes on with the default."""
    found, problems, _ = take(text, read)

    assert problems == [problem]
    assert found == value


def test_what_is_required_is_missed_at_the_end() -> None:
    """A missing key is noted with the place of the mapping that should have it."""

    def read(root: Section) -> None:
        [section] = root.sections("jobs")
        section.name("job_name")
        section.integer("limit")
        section.close()

    _, problems, _ = take("jobs:\n  - other_key_than_these: 1\n    limit:\n", read)

    assert problems == [
        'x.yml:2:5: jobs[0].other_key_than_these: expected the key "job_name", '
        'found the unknown key "other_key_than_these"',
        "x.yml:2:5: jobs[0].limit: expected a whole number of at least 0, found nothing",
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param(
            "job_nam: chat\n",
            ['x.yml:1:1: job_nam: expected the key "job_name", found the unknown key "job_nam"'],
            id="a misspelt key is not missing too",
        ),
        pytest.param(
            "foo: chat\n",
            ['x.yml:1:1: foo: expected the key "job_name", found the unknown key "foo"'],
            id="an unknown key is taken for the one that is missing",
        ),
        pytest.param(
            "job_name: chat\nschema: http\n",
            ['x.yml:2:1: schema: expected the key "scheme", found the unknown key "schema"'],
            id="the nearest known key is named",
        ),
        pytest.param(
            "job_name: chat\nzzz: http\n",
            ['x.yml:2:1: zzz: expected one of job_name, scheme, found the unknown key "zzz"'],
            id="where none is near, all are",
        ),
        pytest.param(
            "job_name: chat\nold_ke: 1\n",
            ['x.yml:2:1: old_ke: expected the key "old_key", found the unknown key "old_ke"'],
            id="a key without effect may be near too",
        ),
        pytest.param(
            "scheme: http\n", ["x.yml:1:1: job_name: expected a name, found nothing"], id="missing"
        ),
        pytest.param("", ["x.yml:1:1: job_name: expected a name, found nothing"], id="empty file"),
        pytest.param(
            "- job_name: chat\n", ["x.yml:1:1: expected a mapping, found a list"], id="no mapping"
        ),
        pytest.param(
            "job_name: chat\njob_name: other\n",
            ['x.yml:2:1: job_name: expected each key once, found "job_name" a second time'],
            id="a key twice",
        ),
        pytest.param(
            "job_name: chat\n[a]: b\n~: c\n",
            ["x.yml:2:1: ?: expected a text as key, found a list"],
            id="a key that is no text",
        ),
    ],
)
def test_a_section_is_closed_with_one_problem_for_each_mistake(
    text: str, problems: list[str]
) -> None:
    """What is unknown, missing or there twice is said once, and what follows from it is not."""

    def read(root: Section) -> None:
        root.name("job_name")
        root.one_of("scheme", ("http", "https"), "http")
        root.ignore(["old_key"])
        root.close()

    assert take(text, read)[1] == problems


def test_merged_keys_stand_where_they_are_written() -> None:
    """`<<` brings what the mapping does not have itself; of several sources the first one wins."""
    text = """\
        first: &first {a: 1, b: 1}
        second: &second {b: 2, c: x}
        all:
          <<: [*first, *second]
          a: 0
        """

    def read(root: Section) -> list[int]:
        section = root.section("all")
        return [section.integer(key, 0) for key in "abc"]

    value, problems, _ = take(text, read)

    assert value == [0, 1, 0]
    assert problems == [
        'x.yml:2:27: all.c: expected a whole number of at least 0, found "x"',
    ]


def test_only_mappings_can_be_merged() -> None:
    """`<<` in quotes is a key like any other; without, its value is a mapping or a list of some."""

    def read(root: Section) -> list[str]:
        section = root.section("a")
        return [*section.keys(), section.text("b")]

    assert take("a: {'<<': x, b: y}", read)[:2] == (["<<", "b", "y"], [])
    assert take("a: {<<: x, b: y}", read)[:2] == (
        ["b", "y"],
        ['x.yml:1:9: a.<<: expected a mapping, found "x"'],
    )


def test_unsupported_keys_are_warned_of_where_they_stand() -> None:
    """They stop nothing, are not unknown, and have no effect; absent, they are not mentioned."""

    def read(root: Section) -> frozenset[str]:
        root.text("a", "")
        root.unsupported(["b", "c"])
        root.close()
        return root.known_keys()

    value, problems, warnings = take("a: 1\nb: [anything]\n", read)

    assert (value, problems) == (frozenset({"a"}), [])
    assert warnings == ["x.yml:2:1: b: not supported yet, no effect"]


def test_a_problem_of_another_package_finds_its_place() -> None:
    """A path below the section leads to the deepest node that is there; names may hold dots."""
    text = """\
        rules:
          - labels:
              a.b: x
              a.b.c: [y]
        """

    def read(root: Section) -> None:
        for path in ("rules[0].labels.a.b.c[0]", "rules[0].for", "rules[7]", "nothing.at.all"):
            root.add(Problem(path, "e", "f"))

    assert take(text, read)[1] == [
        "x.yml:1:1: nothing.at.all: expected e, found f",
        "x.yml:2:3: rules[7]: expected e, found f",
        "x.yml:2:5: rules[0].for: expected e, found f",
        "x.yml:4:15: rules[0].labels.a.b.c[0]: expected e, found f",
    ]


def test_a_path_is_wrong_once() -> None:
    """The first complaint at a path, or above it, is the cause; what follows is not said."""

    def read(root: Section) -> tuple[bool, bool]:
        root.integer("a")
        root.problem("a", "something else")
        root.problem("a.below", "something else")
        root.problem("ab", "b")
        return root.is_wrong("a.below"), root.is_wrong("other")

    value, problems, _ = take("a: x\nab: y\n", read)

    assert value == (True, False)
    assert problems == [
        'x.yml:1:4: a: expected a whole number of at least 0, found "x"',
        'x.yml:2:5: ab: expected b, found "y"',
    ]


def test_problems_stand_in_the_order_of_the_file() -> None:
    """However a section is read, what is wrong with it comes from top to bottom."""

    def read(root: Section) -> None:
        root.ignore(["a", "b"])
        root.close()
        root.problem("b", "1")
        root.problem("a", "1")

    _, problems, _ = take("a: 0\nb: 0\nzz: 0\n", read)

    assert [problem.split(":")[1] for problem in problems] == ["1", "2", "3"]


def test_a_missing_variable_is_remembered_with_its_key() -> None:
    """`${NAME}` is replaced; a name that is not set makes the value absent, and says why."""

    def read(root: Section) -> tuple[list[str | None], object]:
        return [root.expanded(key) for key in "abcd"], root.unset

    value, problems, _ = take(
        "a: ${HOST}:${PORT}\nb: ${HOST}-$HOST\nc: ${EMPTY}\n",
        read,
        {"HOST": "here", "EMPTY": ""},
    )

    assert problems == []
    assert value == (
        [None, "here-$HOST", None, None],
        {"a": ["PORT is not set"], "c": ["EMPTY is not set"]},
    )


def test_a_variable_where_none_is_replaced_is_warned_of() -> None:
    """`${NAME}` in a text that is taken as it is would be sent as it is."""

    def read(root: Section) -> None:
        root.expanded("secret")
        root.text("channel", "")
        root.ignore(["other"])
        root.warn_of_references()

    _, _, warnings = take("secret: ${A}\nchannel: '${B}'\nother: ${C}\n", read, {"A": "x"})

    assert warnings == [
        "x.yml:2:10: channel: ${...} is not replaced here, only in secrets and addresses"
    ]


def test_a_section_of_a_kind_has_sections_of_its_kind() -> None:
    """Whoever extends a section is asked for those below it too."""

    class Counting(Section):
        count = 0

        def close(self) -> None:
            Counting.count += 1
            super().close()

    node = parse_yaml("a: {b: [{}, {}]}")
    assert node is not None
    root = Counting(Document("x.yml", {}, node), node, "")
    for section in root.section("a").sections("b"):
        section.close()

    assert Counting.count == 2
