"""`alerting`: read as Prometheus reads it, and refused with place, expectation and finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.alerting.alertmanager import AlertingConfig, AlertmanagerConfig
from sakshi.config import check_file
from sakshi.model.secret import Secret
from sakshi.scrape import StaticTargets
from sakshi.scrape.credentials import BasicAuth
from sakshi.scrape.proxy import ProxyConfig


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("alerting:\n", id="an empty section"),
        pytest.param("alerting: {alertmanagers: }\n", id="a null list"),
    ],
)
def test_nobody_is_told_where_nothing_is_said(text: str) -> None:
    """No Alertmanager, no warning."""
    configuration = read_text(text)

    assert configuration.alerting == AlertingConfig()
    assert configuration.warnings == []


def test_a_null_target_list_is_none() -> None:
    """As in the file that Prometheus ships, whose one target is a comment."""
    configuration = read_text("""\
        alerting:
          alertmanagers:
            - static_configs:
                - targets:
                  # - alertmanager:9093
        """)

    assert configuration.alerting.alertmanagers == (
        AlertmanagerConfig(static_targets=[StaticTargets(())]),
    )
    assert configuration.warnings == []


def test_every_key_has_its_effect() -> None:
    """Each is read, none is warned of."""
    configuration = read_text(
        """\
        alerting:
          alert_relabel_configs: [{action: labeldrop, regex: replica}]
          alertmanagers:
            - scheme: https
              path_prefix: /am
              timeout: 3s
              api_version: v2
              static_configs: [{targets: ['a:9093', b], labels: {zone: x}}]
              file_sd_configs: [{files: ['am-*.yml']}]
              http_sd_configs: [{url: 'http://x.org/am'}]
              relabel_configs: [{source_labels: [zone], regex: y, action: drop}]
              alert_relabel_configs: [{target_label: to, replacement: am}]
              basic_auth: {username: me, password: '${WORD}'}
              tls_config: {server_name: am}
              proxy_url: http://proxy:3128
              follow_redirects: false
        """,
        {"WORD": "geheim"},
    )

    assert configuration.warnings == []
    [rule] = configuration.alerting.alert_relabel_rules
    assert (rule.action, rule.regex) == ("labeldrop", "replica")
    [entry] = configuration.alerting.alertmanagers
    assert (entry.scheme, entry.path_prefix, entry.timeout_ms) == ("https", "/am", 3000)
    assert entry.static_targets == [StaticTargets(["a:9093", "b"], {"zone": "x"})]
    assert [path.name for one in entry.file_discoveries for path in one.patterns] == ["am-*.yml"]
    assert [one.url for one in entry.http_discoveries] == ["http://x.org/am"]
    assert [rule.action for rule in entry.relabel_rules] == ["drop"]
    assert [rule.target_label for rule in entry.alert_relabel_rules] == ["to"]
    assert entry.http.credentials == BasicAuth(Secret("me"), Secret("geheim"))
    assert entry.http.tls.server_name == "am"
    assert entry.http.proxy == ProxyConfig(Secret("http://proxy:3128"), ())
    assert not entry.http.follow_redirects


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param(
            "{api_version: v1}",
            '1:42: alerting.alertmanagers[0].api_version: expected one of v2, found "v1"',
            id="the first API",
        ),
        pytest.param(
            "{timeout: 0s}",
            "1:38: alerting.alertmanagers[0].timeout: "
            'expected a duration like "30s" or "1h30m" of at least 1ms, found "0s"',
            id="no time at all",
        ),
        pytest.param(
            "{scheme: ftp}",
            '1:37: alerting.alertmanagers[0].scheme: expected one of http, https, found "ftp"',
            id="a scheme",
        ),
        pytest.param(
            "{static_configs: [{targets: ['http://am:9093']}]}",
            "1:57: alerting.alertmanagers[0].static_configs[0].targets[0]: "
            'expected an address like host:port, found "http://am:9093"',
            id="a URL in place of an address",
        ),
        pytest.param(
            "{path_prefx: /am}",
            "1:29: alerting.alertmanagers[0].path_prefx: "
            'expected the key "path_prefix", found the unknown key "path_prefx"',
            id="a misspelling",
        ),
        pytest.param(
            "{job_name: am}",
            "1:29: alerting.alertmanagers[0].job_name: expected one of alert_relabel_configs, "
            "api_version, authorization, basic_auth, bearer_token, bearer_token_file, "
            "enable_http2, file_sd_configs, follow_redirects, http_headers, http_sd_configs, "
            "no_proxy, oauth2, path_prefix, proxy_connect_header, proxy_from_environment, "
            "proxy_url, relabel_configs, scheme, static_configs, timeout, "
            'tls_config, found the unknown key "job_name"',
            id="a key of a job",
        ),
        pytest.param(
            "{basic_auth: {username: a}, authorization: {credentials: b}}",
            "1:71: alerting.alertmanagers[0].authorization: expected one of "
            "basic_auth, authorization, bearer_token, bearer_token_file, oauth2, "
            "found basic_auth too",
            id="two credentials",
        ),
        pytest.param(
            "am:9093",
            '1:28: alerting.alertmanagers[0]: expected a mapping, found "am:9093"',
            id="an address in place of an entry",
        ),
    ],
)
def test_the_nearest_mistakes_are_refused(entry: str, problem: str) -> None:
    """With the place, what would be right, and what stands there."""
    text = f"alerting: {{alertmanagers: [{entry}]}}\n"

    assert find_problems(text) == [f"x.yml:{problem}"]


def test_an_unknown_key_of_the_section_is_refused() -> None:
    """Next to the two that there are."""
    assert find_problems("alerting: {alertmanager: []}\n") == [
        "x.yml:1:12: alerting.alertmanager: "
        'expected the key "alertmanagers", found the unknown key "alertmanager"'
    ]


def test_check_counts_them(tmp_path: Path) -> None:
    """Where there are any."""
    path = tmp_path / "sakshi.yml"
    path.write_text("alerting: {alertmanagers: [{}, {}]}\n")

    summary = check_file(path, {}).summary

    assert summary == (
        "configuration: 0 jobs, 0 targets, 0 rules, 0 KPIs, 0 receivers, 2 groups of Alertmanagers"
    )
