from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_every_problem_of_every_file_is_named(tmp_path: Path, run: Run) -> None:
    """Problems on standard error, a line for each file on standard output, exit code 2."""
    first, second, third = (tmp_path / f"{name}.yml" for name in "abc")
    first.write_text("globl: {}\nrules: []\n")
    second.write_text("groups: [{name: g, rules: [{record: a, expr: up}]}]\n")
    third.write_text("route: {receiver: b}\nreceivers: [{name: a}]\n")

    done = run("check", str(first), str(second), str(third))

    assert done.code == 2
    assert done.output == (
        f"{first}: 2 problems\n{second}: rules: 1 group, 1 rule: fine\n{third}: 1 problem\n"
    )
    assert done.error == (
        f'error: {first}:1:1: globl: expected the key "global", found the unknown key "globl"\n'
        f'error: {first}:2:1: rules: expected the key "rule_files", found the unknown key "rules"\n'
        f'error: {third}:1:19: route.receiver: expected one of a, found "b"\n'
    )


def test_warnings_stop_nothing(tmp_path: Path, run: Run) -> None:
    """They are on standard error, and the exit code is 0."""
    path = tmp_path / "prometheus.yml"
    path.write_text("remote_read: []\n")

    done = run("check", str(path))

    assert done.code == 0
    assert done.output == (
        f"{path}: configuration: 0 jobs, 0 targets, 0 rules, 0 KPIs, 0 receivers: fine\n"
    )
    assert done.error == f"warning: {path}:1:1: remote_read: not supported yet, no effect\n"


def test_secrets_come_from_the_environment(run: Run) -> None:
    """What is set is not left out."""
    done = run(
        "check",
        str(EXAMPLES / "sakshi.yml"),
        environment={"SLACK_CRITICAL_WEBHOOK": "https://hooks.example.org/canary-1a2b"},
    )

    assert done.code == 0
    assert "SLACK_ALERTS_WEBHOOK is not set" in done.error
    assert "SLACK_CRITICAL_WEBHOOK" not in done.error
    assert "canary" not in done.error + done.output


def test_json_has_the_same_for_programs(tmp_path: Path, run: Run) -> None:
    """One document on standard output, nothing on standard error, the same exit code."""
    wrong, fine = tmp_path / "wrong.yml", tmp_path / "fine.yml"
    wrong.write_text("global: {scrape_interval: 5 s}\n")
    fine.write_text("otlp: {}\n")

    done = run("check", "--json", str(wrong), str(fine))

    assert (done.code, done.error) == (2, "")
    assert json.loads(done.output) == [
        {
            "file": str(wrong),
            "summary": "",
            "problems": [
                {
                    "place": f"{wrong}:1:27: global.scrape_interval",
                    "expected": 'a duration like "30s" or "1h30m" of at least 1ms',
                    "found": '"5 s"',
                }
            ],
            "warnings": [],
        },
        {
            "file": str(fine),
            "summary": "configuration: 0 jobs, 0 targets, 0 rules, 0 KPIs, 0 receivers",
            "problems": [],
            "warnings": [f"{fine}:1:1: otlp: not supported yet, no effect"],
        },
    ]


def test_a_file_that_is_not_there_is_a_problem(run: Run) -> None:
    """And the others are checked."""
    done = run("check", "/nonexistent.yml", str(EXAMPLES / "alert-rules.yml"))

    assert done.code == 2
    assert done.error == (
        "error: /nonexistent.yml: expected a file that can be read, found no such file\n"
    )
    assert done.output.endswith("rules: 2 groups, 6 rules: fine\n")
