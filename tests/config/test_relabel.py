from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.config.reading import find_problems, read_text
from tests.peers import find_peer

from sakshi.scrape import RelabelAction, RelabelRule

ACTIONS = ", ".join(RelabelAction)


def test_every_key_is_read() -> None:
    """With Prometheus' defaults; actions in any case."""
    [config] = read_text(
        """\
        scrape_configs:
          - job_name: chat
            relabel_configs:
              - {target_label: a}
              - action: HashMod
                source_labels: [b, c]
                separator: '-'
                target_label: d
                modulus: 8
            metric_relabel_configs:
              - {action: labelmap, regex: '(a)', replacement: 'b_$1'}
              - {action: drop, source_labels: [__name__], regex: ''}
        """
    ).scrape_configs

    assert config.relabel_rules == (
        RelabelRule(target_label="a"),
        RelabelRule(RelabelAction.HASH_MOD, ("b", "c"), "-", "d", modulus=8),
    )
    assert config.metric_relabel_rules == (
        RelabelRule(RelabelAction.LABEL_MAP, regex="(a)", replacement="b_$1"),
        RelabelRule(RelabelAction.DROP, ("__name__",), regex=""),
    )


REFUSED = [
    pytest.param(
        "{}",
        "target_label",
        "the label that replace sets or compares, found nothing",
        id="no target",
    ),
    pytest.param("{action: swap}", "action", f'one of {ACTIONS}, found "swap"', id="no action"),
    pytest.param(
        "{action: keep, regex: '('}",
        "regex",
        'a regular expression of RE2, found "("',
        id="no regex",
    ),
    pytest.param(
        "{action: hashmod, target_label: a}",
        "modulus",
        "a whole number above 0, found nothing",
        id="no modulus",
    ),
    pytest.param(
        "{action: hashmod, target_label: a, modulus: 0}",
        "modulus",
        'a whole number above 0, found "0"',
        id="modulus 0",
    ),
    pytest.param(
        "{action: lowercase}",
        "target_label",
        "the label that lowercase sets or compares, found nothing",
        id="lowercase",
    ),
    pytest.param(
        "{action: uppercase, target_label: a, replacement: b}",
        "replacement",
        'no replacement with the action uppercase, found "b"',
        id="a replacement",
    ),
    pytest.param(
        "{action: keepequal, target_label: a, regex: b}",
        "regex",
        'no regex with the action keepequal, found "b"',
        id="keepequal",
    ),
    pytest.param(
        "{action: labeldrop, regex: a, source_labels: [b]}",
        "source_labels",
        "no source_labels with the action labeldrop, found a list",
        id="labeldrop",
    ),
    pytest.param(
        "{action: labelkeep, regex: a, target_label: b}",
        "target_label",
        'no target_label with the action labelkeep, found "b"',
        id="labelkeep",
    ),
    pytest.param(
        "{action: labelmap, regex: a, replacement: ''}",
        "replacement",
        'a label name, or a reference like $1, found ""',
        id="labelmap",
    ),
    pytest.param(
        "{action: keep, source_labels: ['']}",
        "source_labels[0]",
        'a label name, found ""',
        id="an empty label",
    ),
    pytest.param(
        "{target_label: a, regexp: b}",
        "regexp",
        'the key "regex", found the unknown key "regexp"',
        id="a misspelling",
    ),
]


@pytest.mark.parametrize(("rule", "key", "message"), REFUSED)
def test_a_wrong_rule_has_its_place(rule: str, key: str, message: str) -> None:
    """One mistake is one problem."""
    text = f"scrape_configs: [{{job_name: a, relabel_configs: [{rule}]}}]"

    [problem] = find_problems(text)

    path = f"scrape_configs[0].relabel_configs[0].{key}"
    assert problem.partition(": ")[2] == f"{path}: expected {message}"


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "key", "message"), REFUSED)
def test_promtool_refuses_what_is_refused(
    rule: str, key: str, message: str, tmp_path: Path
) -> None:
    """A rule that is wrong here is wrong there."""
    path = tmp_path / "prometheus.yml"
    path.write_text(f"scrape_configs: [{{job_name: a, relabel_configs: [{rule}]}}]")
    command: list[str | Path] = [find_peer("promtool"), "check", "config", path]

    done = subprocess.run(command, capture_output=True, check=False, timeout=60)

    assert done.returncode != 0


def test_addresses_are_checked_as_relabelling_leaves_them() -> None:
    """A probe's targets are URLs, which become a parameter."""
    [config] = read_text(
        """\
        scrape_configs:
          - job_name: probe
            static_configs: [{targets: ['https://example.org/x']}]
            relabel_configs:
              - {source_labels: [__address__], target_label: __param_target}
              - {source_labels: [__param_target], target_label: instance}
              - {target_label: __address__, replacement: 'blackbox:9115'}
        """
    ).scrape_configs

    assert len(config.relabel_rules) == 3
