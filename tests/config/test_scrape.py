from __future__ import annotations

import re

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.config import GlobalConfig
from sakshi.config.scrape import parse_bytes
from sakshi.model.labels import Labels
from sakshi.scrape import ScrapeConfig, StaticTargets

JOB = "scrape_configs:\n- job_name: chat\n"


def test_an_empty_file_has_prometheus_defaults() -> None:
    """Nothing is watched; intervals are a minute, timeouts ten seconds."""
    configuration = read_text("")

    assert configuration.global_config == GlobalConfig(60_000, 10_000, 60_000, 0)
    assert configuration.scrape_configs == []


def test_every_key_is_read() -> None:
    """What stands in the file stands in the dataclasses, in their units."""
    configuration = read_text(
        """\
        global:
          scrape_interval: 15s
          scrape_timeout: 5s
          evaluation_interval: 30s
          rule_query_offset: 1m
          external_labels: {monitor: sakshi, region: $REGION, price: 5$$}
          body_size_limit: 1MB
          sample_limit: 1000
        scrape_configs:
          - job_name: chat
            scrape_interval: 1s
            scrape_timeout: 500ms
            metrics_path: /custom
            scheme: https
            honor_labels: true
            honor_timestamps: false
            params:
              module: [http, tcp]
            body_size_limit: 10KB
            sample_limit: 5
            static_configs:
              - targets: ['chat:5000', '[::1]:5000']
                labels: {zone: a}
              - targets: [worker]
          - job_name: defaults
        """,
        {"REGION": "eu"},
    )

    assert configuration.global_config == GlobalConfig(
        scrape_interval_ms=15_000,
        scrape_timeout_ms=5_000,
        evaluation_interval_ms=30_000,
        rule_query_offset_ms=60_000,
        external_labels=Labels({"monitor": "sakshi", "region": "eu", "price": "5$"}),
        body_bytes_max=1 << 20,
        sample_limit=1000,
    )
    assert configuration.scrape_configs == [
        ScrapeConfig(
            job_name="chat",
            interval_ms=1000,
            timeout_ms=500,
            scheme="https",
            metrics_path="/custom",
            params={"module": ["http", "tcp"]},
            static_targets=[
                StaticTargets(["chat:5000", "[::1]:5000"], {"zone": "a"}),
                StaticTargets(["worker"], {}),
            ],
            honor_labels=True,
            honor_timestamps=False,
            body_bytes_max=10 << 10,
            sample_limit=5,
        ),
        ScrapeConfig(
            "defaults",
            15_000,
            5_000,
            static_targets=[],
            body_bytes_max=1 << 20,
            sample_limit=1000,
        ),
    ]
    assert configuration.warnings == []


@pytest.mark.parametrize(
    ("text", "interval_ms", "timeout_ms"),
    [
        pytest.param("scrape_interval: 5s", 5_000, 5_000, id="the default is cut"),
        pytest.param("scrape_interval: 20s", 20_000, 10_000, id="or is the default"),
        pytest.param("scrape_timeout: 30s", 60_000, 30_000, id="its own"),
    ],
)
def test_a_timeout_is_at_most_the_interval(text: str, interval_ms: int, timeout_ms: int) -> None:
    """A timeout that nobody gave is never longer than the interval."""
    [config] = read_text(f"{JOB}  {text}\n").scrape_configs

    assert (config.interval_ms, config.timeout_ms) == (interval_ms, timeout_ms)


PROBLEMS = [
    pytest.param(
        "global: {scrape_interval: 5s, scrape_timeout: 6s}",
        'x.yml:1:47: global.scrape_timeout: expected at most the scrape interval of 5s, found "6s"',
        id="a global timeout beyond the interval",
    ),
    pytest.param(
        f"{JOB}  scrape_interval: 5s\n  scrape_timeout: 6s\n",
        "x.yml:4:19: scrape_configs[0].scrape_timeout: "
        'expected at most the scrape interval of 5s, found "6s"',
        id="a job's timeout beyond its interval",
    ),
    pytest.param(
        "global: {scrape_interval: 0s}",
        'x.yml:1:27: global.scrape_interval: expected a duration like "30s" or "1h30m" '
        'of at least 1ms, found "0s"',
        id="no interval",
    ),
    pytest.param(
        "global: {external_labels: {__name__: x}}",
        "x.yml:1:38: global.external_labels.__name__: "
        'expected a label name, other than __name__, found "__name__"',
        id="a label that is none",
    ),
    pytest.param(
        "scrape_configs: [{}]",
        "x.yml:1:18: scrape_configs[0].job_name: expected a name, found nothing",
        id="a job without name",
    ),
    pytest.param(
        f"{JOB}- job_name: other\n- job_name: chat\n",
        "x.yml:4:13: scrape_configs[2].job_name: "
        'expected a name that no other job has, found "chat"',
        id="two jobs of a name",
    ),
    pytest.param(
        f"{JOB}  metrics_path: metrics\n",
        "x.yml:3:17: scrape_configs[0].metrics_path: "
        'expected a path that begins with a slash, found "metrics"',
        id="a path without slash",
    ),
    pytest.param(
        f"{JOB}  scheme: ftp\n",
        'x.yml:3:11: scrape_configs[0].scheme: expected one of http, https, found "ftp"',
        id="a scheme",
    ),
    pytest.param(
        f"{JOB}  honor_labels: 'true'\n",
        'x.yml:3:17: scrape_configs[0].honor_labels: expected true or false, found "true"',
        id="honor_labels in quotes",
    ),
    pytest.param(
        f"{JOB}  body_size_limit: 10 apples\n",
        "x.yml:3:20: scrape_configs[0].body_size_limit: "
        'expected a size like "10MB", found "10 apples"',
        id="a size",
    ),
    pytest.param(
        f"{JOB}  static_configs: ['chat:5000']\n",
        'x.yml:3:20: scrape_configs[0].static_configs[0]: expected a mapping, found "chat:5000"',
        id="targets one level too high",
    ),
    pytest.param(
        f"{JOB}  static_configs: [{{targets: [a]}}, {{targets: [b, 'http://chat:5000']}}]\n",
        "x.yml:3:50: scrape_configs[0].static_configs[1].targets[1]: "
        'expected an address like host:port, found "http://chat:5000"',
        id="a URL for an address",
    ),
    pytest.param(
        f"{JOB}  static_configs: [{{targets: ['chat:99999']}}]\n",
        "x.yml:3:31: scrape_configs[0].static_configs[0].targets[0]: "
        'expected an address like host:port, found "chat:99999"',
        id="a port beyond all ports",
    ),
    pytest.param(
        f"{JOB}  kubernets_sd_configs: []\n",
        "x.yml:3:3: scrape_configs[0].kubernets_sd_configs: "
        'expected the key "kubernetes_sd_configs", found the unknown key "kubernets_sd_configs"',
        id="a misspelt discovery",
    ),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS)
def test_what_is_wrong_has_its_place(text: str, problem: str) -> None:
    """One mistake is one problem, with line, column and key."""
    assert find_problems(text) == [problem]


def test_a_wrong_interval_makes_no_wrong_timeout() -> None:
    """Whether a timeout is too long is not asked where nobody knows the interval."""
    problems = find_problems(
        """\
        global: {scrape_interval: 1 minute}
        scrape_configs:
          - {job_name: a, scrape_timeout: 5m}
          - {job_name: b, scrape_interval: 5, scrape_timeout: 5m}
          - {job_name: c, scrape_interval: 5s, scrape_timeout: 5m}
        """
    )

    assert problems == [
        'x.yml:1:27: global.scrape_interval: expected a duration like "30s" or "1h30m" '
        'of at least 1ms, found "1 minute"',
        "x.yml:4:36: scrape_configs[1].scrape_interval: "
        'expected a duration like "30s" or "1h30m" of at least 1ms, found "5"',
        "x.yml:5:56: scrape_configs[2].scrape_timeout: "
        'expected at most the scrape interval of 5s, found "5m"',
    ]


def test_two_jobs_without_name_are_not_of_one_name() -> None:
    """What is missing twice is missing, not repeated."""
    assert len(find_problems("scrape_configs: [{scheme: http}, {scheme: http}]")) == 2


def test_an_external_label_of_an_unset_variable_is_warned_of() -> None:
    """It is empty, as in Prometheus, and so it is no label."""
    configuration = read_text("global: {external_labels: {zone: $ZONE}}")

    assert configuration.global_config.external_labels == Labels()
    assert configuration.warnings == [
        "x.yml:1:34: global.external_labels.zone: ZONE is not set, and so is empty"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("512", 512), ("1KB", 1024), ("1KiB", 1024), ("2 mb", 2 << 20), ("1G", 1 << 30)],
)
def test_sizes_are_powers_of_1024(text: str, expected: int) -> None:
    """As Prometheus' are, whichever way they are written."""
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "MB", "-1", "1.5MB", "1XB", "1MBB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_bytes(text)


def test_no_limit_is_the_default_limit() -> None:
    """A body without bound would be a body that fills the memory."""
    assert read_text("global: {body_size_limit: 0}").global_config.body_bytes_max == 64 << 20
