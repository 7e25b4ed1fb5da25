from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import take

from sakshi.config import read_rule_file
from sakshi.config.rule_file import read_groups
from sakshi.promql import parse_query
from sakshi.rules import AlertingRule, RecordingRule, RuleGroup


def read(text: str) -> tuple[object, list[str], list[str]]:
    return take(text, lambda root: read_groups(root, "r.yml", 60_000, 5_000))


def find_rule_problems(rule: str) -> list[str]:
    """Return what is wrong with one rule, which stands at line 4, column 5."""
    return read(f"groups:\n- name: g\n  rules:\n  - {rule}\n")[1]


def test_every_key_is_read() -> None:
    """Groups and rules have what the file says, in their units, and trees for expressions."""
    groups, problems, warnings = read(
        """\
        groups:
          - name: first
            interval: 15s
            limit: 10
            query_offset: 1m
            labels: {team: chat}
            rules:
              - record: job:up:sum
                expr: sum by (job) (up)
                labels: {kind: availability}
              - alert: Down
                expr: up == 0
                for: 2m
                keep_firing_for: 5m
                labels: {severity: critical, number: 1}
                annotations:
                  summary: "{{ $labels.instance }} is down"
          - name: second
        """
    )

    assert (problems, warnings) == ([], [])
    assert groups == [
        RuleGroup(
            name="first",
            file="r.yml",
            interval_ms=15_000,
            rules=[
                RecordingRule(
                    "job:up:sum",
                    "sum by (job) (up)",
                    parse_query("sum by (job) (up)"),
                    {"kind": "availability"},
                ),
                AlertingRule(
                    "Down",
                    "up == 0",
                    parse_query("up == 0"),
                    hold_ms=120_000,
                    keep_firing_ms=300_000,
                    labels={"severity": "critical", "number": "1"},
                    annotations={"summary": "{{ $labels.instance }} is down"},
                ),
            ],
            limit=10,
            query_offset_ms=60_000,
            labels={"team": "chat"},
        ),
        RuleGroup("second", "r.yml", 60_000, [], query_offset_ms=5_000),
    ]


def test_nothing_is_replaced_from_the_environment() -> None:
    """A rule file means the same wherever it is read, as in Prometheus."""
    [group] = read_groups_of("groups: [{name: '${HOME}', rules: []}]")

    assert group.name == "${HOME}"


def read_groups_of(text: str) -> list[RuleGroup]:
    groups, problems, _ = read(text)
    assert problems == []
    assert isinstance(groups, list)
    return groups


def test_the_name_of_a_file_is_not_its_path(tmp_path: Path) -> None:
    """Ids of rules and alerts outlive a start from another folder."""
    path = tmp_path / "rules.yml"
    path.write_text("groups: [{name: g}]")

    [group], document = read_rule_file(path, "rules.yml", 60_000)

    assert group.id == "rules.yml;g"
    assert document.file == str(path)


RULE_PROBLEMS = [
    pytest.param(
        "{alert: A, expr: 'sum(up'}",
        [
            "x.yml:4:22: groups[0].rules[0].expr at 1:7: "
            'expected an operator, "," or ")", found the end of the query'
        ],
        id="an expression that does not end",
    ),
    pytest.param(
        "{alert: A, expr: 'up{job=~\"(\"}'}",
        [
            "x.yml:4:22: groups[0].rules[0].expr at 1:9: "
            'expected a regular expression of RE2, found "(": missing ): ('
        ],
        id="a regular expression that RE2 refuses",
    ),
    pytest.param(
        "{record: a, expr: 'rate(up)'}",
        [
            "x.yml:4:23: groups[0].rules[0].expr at 1:6: "
            "expected a range vector as argument 1 of rate(), found an instant vector"
        ],
        id="a type that does not fit",
    ),
    pytest.param(
        "{record: a, expr: 'up[5m]'}",
        [
            "x.yml:4:23: groups[0].rules[0].expr: "
            "expected an instant vector or a scalar, found a range vector"
        ],
        id="a range for a value",
    ),
    pytest.param(
        "{alert: A}",
        ["x.yml:4:5: groups[0].rules[0].expr: expected a PromQL expression, found nothing"],
        id="no expression",
    ),
    pytest.param(
        "{alert: A, expr: ''}",
        ['x.yml:4:22: groups[0].rules[0].expr: expected a PromQL expression, found ""'],
        id="an empty expression",
    ),
    pytest.param(
        "{expr: up}",
        [
            "x.yml:4:5: groups[0].rules[0].alert: expected the name of an alert "
            "(or `record`: that of a series), found nothing"
        ],
        id="neither record nor alert",
    ),
    pytest.param(
        "{alrt: A, expr: up}",
        [
            'x.yml:4:6: groups[0].rules[0].alrt: expected the key "alert", '
            'found the unknown key "alrt"'
        ],
        id="a misspelt key",
    ),
    pytest.param(
        "{alert: A, record: a, expr: up}",
        ["x.yml:4:13: groups[0].rules[0].alert: expected either record or alert, found both"],
        id="both record and alert",
    ),
    pytest.param(
        "{record: 'a{b}', expr: up}",
        [
            "x.yml:4:14: groups[0].rules[0].record: "
            'expected a metric name, without braces, found "a{b}"'
        ],
        id="a series that cannot be named so",
    ),
    pytest.param(
        "{record: a, expr: up, for: 5m, annotations: {b: c}}",
        [
            "x.yml:4:32: groups[0].rules[0].for: "
            "expected a key of recording rules, found one of alerting rules",
            "x.yml:4:49: groups[0].rules[0].annotations: "
            "expected a key of recording rules, found one of alerting rules",
        ],
        id="a recording rule that waits",
    ),
    pytest.param(
        "{alert: A, expr: up, for: 5 minutes}",
        [
            "x.yml:4:31: groups[0].rules[0].for: "
            'expected a duration like "30s" or "1h30m", found "5 minutes"'
        ],
        id="a duration",
    ),
    pytest.param(
        "{alert: A, expr: up, labels: {'': x, __name__: y}}",
        [
            "x.yml:4:34: groups[0].rules[0].labels.: "
            'expected a label name, other than __name__, found ""',
            "x.yml:4:52: groups[0].rules[0].labels.__name__: "
            'expected a label name, other than __name__, found "__name__"',
        ],
        id="labels that are none",
    ),
    pytest.param(
        "{alert: A, expr: up, annotations: {summary: '{{ $lables.job }}'}}",
        [
            "x.yml:4:49: groups[0].rules[0].annotations.summary: "
            'expected a template, found an error at 1:4: variable "$lables" is not defined'
        ],
        id="a template with an unknown variable",
    ),
]


@pytest.mark.parametrize(("rule", "problems"), RULE_PROBLEMS)
def test_what_is_wrong_with_a_rule_has_its_place(rule: str, problems: list[str]) -> None:
    """One mistake is one problem, with line, column and key, and the place within the query."""
    assert find_rule_problems(rule) == problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "groups: [{rules: []}]",
            "x.yml:1:10: groups[0].name: expected a name, found nothing",
            id="a group without name",
        ),
        pytest.param(
            "groups: [{name: g}, {name: h}, {name: g}]",
            "x.yml:1:39: groups[2].name: "
            'expected a name that no other group of the file has, found "g"',
            id="two groups of a name",
        ),
        pytest.param(
            "groups: [{name: g, interval: 0s}]",
            'x.yml:1:30: groups[0].interval: expected a duration like "30s" or "1h30m" '
            'of at least 1ms, found "0s"',
            id="no interval",
        ),
        pytest.param(
            "groups: [{name: g, labels: {__name__: x}}]",
            "x.yml:1:39: groups[0].labels.__name__: "
            'expected a label name, other than __name__, found "__name__"',
            id="a label of the group",
        ),
        pytest.param(
            "groups: [{name: g, partial_response_strategy: warn}]",
            "x.yml:1:20: groups[0].partial_response_strategy: expected one of interval, labels, "
            'limit, name, query_offset, rules, found the unknown key "partial_response_strategy"',
            id="a key of others",
        ),
        pytest.param(
            "groups: {name: g}",
            "x.yml:1:9: groups: expected a list, found a mapping",
            id="a group that is no list",
        ),
    ],
)
def test_what_is_wrong_with_a_group_has_its_place(text: str, problem: str) -> None:
    """One mistake is one problem, with line, column and key."""
    assert read(text)[1] == [problem]


def test_rules_that_write_the_same_series_are_warned_of() -> None:
    """As promtool lints: within a group, name and labels together are unique."""
    _, problems, warnings = read(
        """\
        groups:
          - name: g
            rules:
              - {record: a, expr: up, labels: {x: "1"}}
              - {record: a, expr: up}
              - {record: a, expr: up, labels: {x: "1"}}
              - {alert: a, expr: up}
          - name: h
            rules:
              - {record: a, expr: up}
        """
    )

    assert problems == []
    assert warnings == [
        "x.yml:6:18: groups[0].rules[2].record: "
        "a rule before it has the same name and labels: their series may collide"
    ]


def test_rules_without_name_are_not_alike() -> None:
    """What is missing twice is missing, not repeated."""
    _, problems, warnings = read("groups: [{name: g, rules: [{expr: up}, {expr: up}]}]")

    assert (len(problems), warnings) == (2, [])
