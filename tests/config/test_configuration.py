from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.config import Configuration, read_configuration
from sakshi.config.configuration import paused_collection
from sakshi.model.errors import BadInputError
from sakshi.storage import StorageConfig
from sakshi.web.dashboard import Dashboard

EXAMPLES = Path(__file__).parents[2] / "examples"
FIFTEEN_MISTAKES = """\
global:
  scrape_interval: 5 s
  external_labels: {'': x}
scrape_configs:
  - job_name: chat
    scrape_interval: 5s
    scrape_timeout: 10s
    honor_label: true
    static_configs:
      - targets: ['chat:5000', 'http://chat:5000']
  - job_name: chat
  - scheme: gopher
rule_files: [missing.yml, wrong.yml]
kpis:
  latency: {group: g, expr: 'sum(', unit: ms, target: '<2000 apples'}
notifications:
  route: {receiver: pager}
  receivers:
    - name: team
      slack_configs: [{api_url: hooks.example.org}]
storage:
  tsdb: {retention: {time: forever}}
"""
WRONG_RULES = """\
groups:
  - name: g
    rules:
      - alert: Down
        expr: up ==
"""


def test_all_mistakes_are_found_in_one_pass(tmp_path: Path) -> None:
    """A file with 15 mistakes has 15 problems, each with its place, in the order of the file."""
    (tmp_path / "wrong.yml").write_text(WRONG_RULES)

    problems = find_problems(FIFTEEN_MISTAKES, folder=tmp_path)

    assert [problem.replace(str(tmp_path), "FOLDER") for problem in problems] == [
        'x.yml:2:20: global.scrape_interval: expected a duration like "30s" or "1h30m" '
        'of at least 1ms, found "5 s"',
        'x.yml:3:20: global.external_labels.: expected a label name, other than __name__, found ""',
        "x.yml:7:21: scrape_configs[0].scrape_timeout: "
        'expected at most the scrape interval of 5s, found "10s"',
        "x.yml:8:5: scrape_configs[0].honor_label: "
        'expected the key "honor_labels", found the unknown key "honor_label"',
        "x.yml:10:32: scrape_configs[0].static_configs[0].targets[1]: "
        'expected an address like host:port, found "http://chat:5000"',
        "x.yml:11:15: scrape_configs[1].job_name: "
        'expected a name that no other job has, found "chat"',
        "x.yml:12:5: scrape_configs[2].job_name: expected a name, found nothing",
        'x.yml:12:13: scrape_configs[2].scheme: expected one of http, https, found "gopher"',
        'x.yml:13:14: rule_files[0]: expected a file that exists, found "missing.yml"',
        "x.yml:15:29: kpis.latency.expr at 1:5: expected an expression, found the end of the query",
        'x.yml:15:55: kpis.latency.target: expected a limit like "<2000ms", found "<2000 apples"',
        'x.yml:17:21: notifications.route.receiver: expected one of team, found "pager"',
        "x.yml:20:33: notifications.receivers[0].slack_configs[0].api_url: "
        "expected an address like https://example.org/path, found something else",
        'x.yml:22:28: storage.tsdb.retention.time: expected a duration like "30s" or "1h30m" '
        'of at least 1m, found "forever"',
        "FOLDER/wrong.yml:5:15: groups[0].rules[0].expr at 1:6: "
        "expected an expression, found the end of the query",
    ]


def test_an_empty_file_watches_nothing() -> None:
    """Every section has a default."""
    assert read_text("") == Configuration(
        "x.yml", scrape_configs=[], rule_groups=[], kpis=[], remotes=[], warnings=[]
    )


def test_the_retention_is_prometheus_key() -> None:
    """Age, size and lateness of samples; what else stands there is warned of."""
    configuration = read_text(
        """\
        storage:
          tsdb:
            retention: {time: 1d, size: 1GB, percentage: 80}
            out_of_order_time_window: 5m
          exemplars: {max_exemplars: 1}
        """
    )

    assert configuration.storage == StorageConfig(
        retention_ms=86_400_000, retention_bytes=1 << 30, out_of_order_ms=300_000
    )
    assert configuration.warnings == [
        "x.yml:3:38: storage.tsdb.retention.percentage: not supported yet, no effect",
        "x.yml:5:3: storage.exemplars: not supported yet, no effect",
    ]


def test_queries_look_back_as_far_as_is_said() -> None:
    """As `--query.lookback-delta` says it to Prometheus; nothing is no lookback."""
    assert read_text("query: {lookback_delta: 90s}").lookback_ms == 90_000
    assert read_text("query: {}").lookback_ms == 300_000
    assert find_problems("query: {lookback_delta: 0s}") == [
        "x.yml:1:25: query.lookback_delta: "
        'expected a duration like "30s" or "1h30m" of at least 1ms, found "0s"'
    ]


@pytest.mark.parametrize(
    ("size", "bytes_max"), [("0", None), ("16MB", 16 << 20), ("2GiB", 2 << 30)]
)
def test_the_database_may_have_a_size(size: str, bytes_max: int | None) -> None:
    """Powers of 1024; 0 is no bound, as in Prometheus."""
    configuration = read_text(f"storage: {{tsdb: {{retention: {{size: {size}}}}}}}")

    assert configuration.storage.retention_bytes == bytes_max


@pytest.mark.parametrize("size", ["15MB", "1.5GB", "much"])
def test_a_size_that_a_few_minutes_fill_is_refused(size: str) -> None:
    """Nor is any other text taken for one."""
    assert find_problems(f"storage: {{tsdb: {{retention: {{size: {size}}}}}}}") == [
        "x.yml:1:36: storage.tsdb.retention.size: "
        f'expected a size like "10GB", at least 16MB, found "{size}"'
    ]


def test_rule_files_are_those_that_patterns_name(tmp_path: Path) -> None:
    """Sorted within a pattern, each once, named by their path from the configuration's folder."""
    (tmp_path / "rules").mkdir()
    for name in ("rules/b.yml", "rules/a.yml", "z.yml"):
        (tmp_path / name).write_text("groups: [{name: g, rules: [{record: a, expr: up}]}]")
    (tmp_path / "sakshi.yml").write_text(
        "rule_files: [z.yml, rules/*.yml, rules/a.yml, none/*.yml]\n"
        "global: {evaluation_interval: 5s, rule_query_offset: 1s}\n"
    )

    configuration = read_configuration(tmp_path / "sakshi.yml", {})

    assert [group.id for group in configuration.rule_groups] == [
        "z.yml;g",
        "rules/a.yml;g",
        "rules/b.yml;g",
    ]
    assert {group.interval_ms for group in configuration.rule_groups} == {5_000}
    assert {group.query_offset_ms for group in configuration.rule_groups} == {1_000}


def test_a_rule_file_elsewhere_has_its_whole_path(tmp_path: Path) -> None:
    """Nothing shorter would name it."""
    path = tmp_path / "r.yml"
    path.write_text("groups: [{name: g}]")

    [group] = read_text(f"rule_files: ['{path}']").rule_groups

    assert group.file == str(path)


def test_a_rule_file_that_is_no_yaml_is_a_problem_of_its_own(tmp_path: Path) -> None:
    """It does not hide what is wrong elsewhere."""
    (tmp_path / "r.yml").write_text("groups: [")

    problems = find_problems("rule_files: ['*.yml']\nglobl: {}\n", folder=tmp_path)

    assert problems == [
        'x.yml:2:1: globl: expected the key "global", found the unknown key "globl"',
        f"{tmp_path}/r.yml:2:1: expected YAML, "
        "found an error while parsing a flow node: did not find expected node content",
    ]


def test_notifications_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    """Its paths are relative to it, its findings have its name, its secrets the environment."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "n.yml").write_text(
        "route: {receiver: a}\n"
        "receivers: [{name: a, slack_configs: [{api_url_file: hook}, {api_url: '${HOOK}'}]}]\n"
    )
    (folder / "hook").write_text("https://hooks.example.org/x\n")
    (tmp_path / "sakshi.yml").write_text("notifications: {file: conf/n.yml}\n")

    configuration = read_configuration(tmp_path / "sakshi.yml", {})

    assert configuration.notifications is not None
    assert list(configuration.notifications.integrations) == [("a", "slack[0]")]
    assert configuration.warnings == [
        f"{folder}/n.yml:2:61: a/slack[1] is left out: HOOK is not set"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "notifications: {file: none.yml}",
            "/nonexistent/none.yml: expected a file that can be read, found no such file",
        ),
        (
            "notifications: {file: none.yml, route: {}}",
            'x.yml:1:33: notifications.route: expected one of file, found the unknown key "route"',
        ),
        ("notifications: nobody", 'x.yml:1:16: notifications: expected a mapping, found "nobody"'),
    ],
)
def test_notifications_are_there_or_named(text: str, problem: str) -> None:
    """Either inline or in a file, and then it is there."""
    assert problem in find_problems(text)


def test_nobody_is_told_where_there_are_no_notifications() -> None:
    """An empty section is as none."""
    assert read_text("notifications:\n").notifications is None


def test_the_example_is_fine(tmp_path: Path) -> None:
    """With its five variables set, it has neither problems nor warnings."""
    names = ("SLACK_CRITICAL_WEBHOOK", "SLACK_ALERTS_WEBHOOK", "SLACK_MONITORING_WEBHOOK")
    environment = dict.fromkeys(names, "https://hooks.example.org/x")
    environment |= {"PAGERDUTY_SERVICE_KEY": "k", "SMTP_SMARTHOST": "smtp.example.org:587"}

    configuration = read_configuration(EXAMPLES / "sakshi.yml", environment)

    assert configuration.warnings == []
    assert configuration.notifications is not None
    assert len(configuration.notifications.integrations) == 6
    assert [group.file for group in configuration.rule_groups][::6] == [
        "recording-rules.yml",
        "alert-rules.yml",
    ]


def test_the_example_without_variables_says_what_is_left_out() -> None:
    """One line for each integration, with the variable that it waits for."""
    configuration = read_configuration(EXAMPLES / "sakshi.yml", {})

    assert [warning.replace(f"{EXAMPLES}/", "") for warning in configuration.warnings] == [
        "notifications.yml:39:9: critical/email[0] is left out: SMTP_SMARTHOST is not set",
        "notifications.yml:43:9: critical/slack[0] is left out: SLACK_CRITICAL_WEBHOOK is not set",
        "notifications.yml:47:9: critical/pagerduty[0] is left out: "
        "PAGERDUTY_SERVICE_KEY is not set",
        "notifications.yml:53:9: warning/email[0] is left out: SMTP_SMARTHOST is not set",
        "notifications.yml:57:9: warning/slack[0] is left out: SLACK_ALERTS_WEBHOOK is not set",
        "notifications.yml:63:9: info/slack[0] is left out: SLACK_MONITORING_WEBHOOK is not set",
    ]


@pytest.mark.slow
def test_two_thousand_rules_are_read_in_a_moment(tmp_path: Path) -> None:
    """Measured: 0.3 ms a rule, parsing its query included; the limit is three times that."""
    rule = (
        "      - alert: Alert{0}\n"
        '        expr: rate(errors_total{{job="job{0}"}}[5m]) / rate(all_total[5m]) > 0.{0}\n'
        "        for: 5m\n"
        "        labels: {{severity: critical}}\n"
        "        annotations: {{summary: '{{{{ $labels.job }}}} fails: {{{{ $value }}}}'}}\n"
    )
    text = "groups:\n  - name: g\n    rules:\n" + "".join(map(rule.format, range(2000)))
    (tmp_path / "rules.yml").write_text(text)

    start = time.process_time()
    configuration = read_text("rule_files: [rules.yml]", folder=tmp_path)
    seconds = time.process_time() - start

    assert len(configuration.rule_groups[0].rules) == 2000
    assert seconds < 2.0


def test_the_collector_is_as_it_was() -> None:
    """Reading pauses the garbage collector, however it ends."""
    assert gc.isenabled()
    with pytest.raises(BadInputError):
        read_text("unknown: 1")
    assert gc.isenabled()

    gc.disable()
    try:
        with paused_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_configuration_has_defaults_of_its_own() -> None:
    """Whoever builds one in code need not name what is not there."""
    configuration = Configuration("here")

    assert (configuration.dashboard, configuration.storage) == (Dashboard(), StorageConfig())
    assert configuration.notifications is None
