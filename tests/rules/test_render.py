from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from tests.peers import find_peer

from sakshi.config import read_configuration, read_rule_file
from sakshi.kpi import generate_groups
from sakshi.promql import parse_query
from sakshi.rules import AlertingRule, RecordingRule, RuleGroup
from sakshi.rules.render import LINE_CHARACTERS, fold, render_comment, render_groups

EXAMPLES = Path(__file__).parents[2] / "examples"
LONG = " or ".join(["sum(rate(sent_total[5m]))"] * 4)
BROKEN = "sum(\n  rate(x[5m])\n\n)\n# the whole"
FULL = RuleGroup(
    "full",
    "rules.yml",
    90_000,
    [
        RecordingRule("a", LONG, parse_query(LONG), {"le": "0.5", "on": "yes"}),
        RecordingRule("b", BROKEN, parse_query(BROKEN)),
        AlertingRule(
            "C",
            "up == 0",
            parse_query("up == 0"),
            hold_ms=5_400_000,
            keep_firing_ms=1500,
            labels={"severity": "critical"},
            annotations={"summary": '{{ $labels.job }}: it\'s "down"', "text": "a\n  b: c\n"},
        ),
    ],
    limit=7,
    query_offset_ms=500,
    labels={"team": "~"},
)
NAMED = RuleGroup(
    "names",
    "rules.yml",
    1000,
    [
        RecordingRule("a-b c", "up", parse_query("up"), {"service.name": "x", "- ": "y"}),
        AlertingRule("ünï", "up", parse_query("up"), annotations={"run-book": "x", "# a": "y"}),
    ],
)
EMPTY = RuleGroup("empty", "rules.yml", 1, [])

TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
    | st.text("ab \n\t:#-|>'\"%{}\u2028\x85", max_size=300)
    | st.text("a \t", min_size=81, max_size=300)
    | st.text("a\n", max_size=5)
)


def catalogue() -> list[RuleGroup]:
    configuration = read_configuration(EXAMPLES / "sakshi.yml", {})
    generated = generate_groups(configuration.kpis, "rules.yml", 5000, configuration.rule_groups)
    return [*generated, FULL]


@pytest.mark.parametrize("groups", [[], [EMPTY], [EMPTY, FULL, NAMED], catalogue()], ids=len)
def test_what_is_read_back_is_the_same(groups: list[RuleGroup], tmp_path: Path) -> None:
    """Every field of every rule, whatever its text."""
    path = tmp_path / "rules.yml"
    path.write_text(render_groups(groups, "Written by a test."))

    found, document = read_rule_file(path, "rules.yml", 15_000)

    document.raise_problems()
    assert list(found) == groups


@given(text=TEXTS)
@example(text=f" {'a' * 60} {'b' * 60}")  # YAML does not fold a line that begins with a blank
def test_any_text_survives(text: str) -> None:
    """Blanks, line ends, quotes, what YAML has a meaning for; whether or not more follows."""
    rule = AlertingRule("A", "up", parse_query("up"), annotations={"text": text})

    document = yaml.safe_load(render_groups([RuleGroup("g", "", 1000, [rule, rule])]))

    for found in document["groups"][0]["rules"]:
        assert found["annotations"]["text"] == text


def test_prometheus_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    """`promtool check rules --lint-fatal` reads as many rules as there are."""
    groups = catalogue()[:2]
    path = tmp_path / "rules.yml"
    path.write_text(render_groups(groups))
    arguments = [str(find_peer("promtool")), "check", "rules", "--lint-fatal", str(path)]

    done = subprocess.run(arguments, capture_output=True, text=True, check=False)

    count = sum(len(group.rules) for group in groups)
    assert (done.returncode, f"SUCCESS: {count} rules found" in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )


def test_a_file_reads_well() -> None:
    """Short texts beside their key, long ones below it; a line for each thing that is said."""
    assert (
        render_groups([FULL], "One.\n\nTwo.")
        == """\
# One.
#
# Two.
groups:
  - name: full
    interval: 1m30s
    query_offset: 500ms
    limit: 7
    labels:
      team: '~'
    rules:
      - record: a
        expr: >-
          sum(rate(sent_total[5m])) or sum(rate(sent_total[5m])) or sum(rate(sent_total[5m]))
          or sum(rate(sent_total[5m]))
        labels:
          le: '0.5'
          'on': 'yes'

      - record: b
        expr: |-
          sum(
            rate(x[5m])

          )
          # the whole

      - alert: C
        expr: up == 0
        for: 1h30m
        keep_firing_for: 1s500ms
        labels:
          severity: critical
        annotations:
          summary: '{{ $labels.job }}: it\'\'s "down"'
          text: |
            a
              b: c
"""
    )


def test_nothing_is_an_empty_list() -> None:
    """No groups, and a group without rules, are valid files."""
    assert render_groups([]) == "groups: []\n"
    assert render_groups([EMPTY]) == (
        "groups:\n  - name: empty\n    interval: 1ms\n    rules: []\n"
    )
    assert render_comment("") == ""


@given(words=st.lists(st.text("ab\t", max_size=60) | st.sampled_from(["and", "/"]), min_size=1))
def test_folded_lines_are_the_text(words: list[str]) -> None:
    """Joined by spaces; none is too long if it could be ended, none begins with a blank."""
    text = "x" + " ".join(words)

    lines = fold(text)

    assert " ".join(lines) == text
    assert all(line[:1] not in ("", " ", "\t") for line in lines)
    assert all(len(line) <= LINE_CHARACTERS or "\t" in line or "  " in line for line in lines)


def test_a_line_ends_before_a_set_operator_rather_than_elsewhere() -> None:
    """Else before another operator, else at any space; not where the line would be short."""
    left, right = "l" * 50, "r" * 60

    assert fold(f"{left} + b and on () {right}") == [f"{left} + b", f"and on () {right}"]
    assert fold(f"{left} / bcd {right}") == [left, f"/ bcd {right}"]
    assert fold(f"{left} b c {right}") == [f"{left} b c", right]
    assert fold(f"a and b {right} {right}") == [f"a and b {right}", right]
