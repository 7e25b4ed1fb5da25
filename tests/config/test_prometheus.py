"""A prometheus.yml is a valid sakshi.yml, and an alertmanager.yml a valid notification file.

The tables hold the keys that Prometheus 3 and Alertmanager document, one set for what works and one
for what is warned of. What the peers at hand know of them is asked of the peers themselves.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from tests.config.reading import open_document
from tests.peers import find_peer

from sakshi.config import check_file, read_configuration
from sakshi.config.configuration import read_root
from sakshi.config.notification import read_notifications
from sakshi.config.rule_file import read_groups
from sakshi.model.errors import BadInputError

EXAMPLES = Path(__file__).parents[2] / "examples"
EFFECTLESS = "not supported yet, no effect"

LIMITS = {
    "body_size_limit": "1MB",
    "sample_limit": 1,
    "label_limit": 1,
    "label_name_length_limit": 1,
    "label_value_length_limit": 1,
    "target_limit": 1,
    "keep_dropped_targets": 1,
    "scrape_protocols": ["PrometheusText0.0.4", "OpenMetricsText1.0.0"],
}
HISTOGRAMS = (
    "scrape_native_histograms always_scrape_classic_histograms convert_classic_histograms_to_nhcb"
)
NAMES = "metric_name_validation_scheme metric_name_escaping_scheme"
HTTP: dict[str, object] = {
    "bearer_token": "x",
    "tls_config": {"server_name": "x", "insecure_skip_verify": True, "min_version": "TLS13"},
    "proxy_url": "http://proxy:3128",
    "follow_redirects": False,
    "enable_http2": False,
    "http_headers": {"X-A": {"values": ["b"], "secrets": ["c"], "files": ["d"]}},
}

SUPPORTED: dict[str, dict[str, object]] = {
    "": {
        "global": {},
        "rule_files": [],
        "scrape_configs": [],
        "scrape_config_files": [],
        "remote_write": [],
        "storage": {},
    },
    "global": {
        "scrape_interval": "30s",
        "scrape_timeout": "5s",
        "evaluation_interval": "30s",
        "rule_query_offset": "1s",
        "external_labels": {"a": "b"},
        **LIMITS,
    },
    "scrape_configs": {
        "scrape_interval": "30s",
        "scrape_timeout": "5s",
        "metrics_path": "/m",
        "honor_labels": True,
        "honor_timestamps": False,
        "scheme": "https",
        "params": {"a": ["b"]},
        "static_configs": [{"targets": ["a:1"], "labels": {"b": "c"}}],
        "file_sd_configs": [{"files": ["/a/*.json"], "refresh_interval": "1m"}],
        "http_sd_configs": [{"url": "http://x.org", "refresh_interval": "1m", **HTTP}],
        "relabel_configs": [{"action": "Drop", "source_labels": ["a"], "regex": "b"}],
        "metric_relabel_configs": [{"action": "labeldrop", "regex": "b"}],
        "fallback_scrape_protocol": "PrometheusText1.0.0",
        "enable_compression": False,
        "proxy_from_environment": True,
        "oauth2": {
            "client_id": "a",
            "client_secret": "b",
            "token_url": "http://x.org",
            "scopes": ["c"],
            "endpoint_params": {"d": "e"},
            "tls_config": {"server_name": "x"},
            "proxy_url": "http://proxy:3128",
            "no_proxy": "y",
            "proxy_connect_header": {"X-A": ["f"]},
        },
        **LIMITS,
        **HTTP,
    },
    "alerting": {
        "alertmanagers": [{"static_configs": [{"targets": ["a:9093"]}]}],
        "alert_relabel_configs": [{"action": "labeldrop", "regex": "b"}],
    },
    "alerting.alertmanagers": {
        "static_configs": [{"targets": ["a:9093"], "labels": {"b": "c"}}],
        "file_sd_configs": [{"files": ["/a/*.json"], "refresh_interval": "1m"}],
        "http_sd_configs": [{"url": "http://x.org", "refresh_interval": "1m", **HTTP}],
        "relabel_configs": [{"action": "Drop", "source_labels": ["a"], "regex": "b"}],
        "alert_relabel_configs": [{"action": "labeldrop", "regex": "b"}],
        "scheme": "https",
        "path_prefix": "/am",
        "timeout": "5s",
        "api_version": "v2",
        **HTTP,
    },
    "remote_write": {
        "name": "a",
        "protobuf_message": "prometheus.WriteRequest",
        "remote_timeout": "10s",
        "headers": {"X-Scope-OrgID": "a"},
        "write_relabel_configs": [{"action": "drop", "source_labels": ["a"], "regex": "b"}],
        "metadata_config": {"send": True, "send_interval": "1m", "max_samples_per_send": 500},
        "queue_config": {
            "max_shards": 10,
            "min_shards": 2,
            "max_samples_per_send": 100,
            "batch_send_deadline": "1s",
            "min_backoff": "1s",
            "max_backoff": "2s",
            "retry_on_http_429": True,
            "sample_age_limit": "1h",
        },
        **HTTP,
    },
    "storage.tsdb": {
        "retention": {"time": "1d", "size": "1GB"},
        "out_of_order_time_window": "5m",
    },
}
WARNED = {
    "": "otlp remote_read runtime tracing",
    "global": f"{HISTOGRAMS} {NAMES} query_log_file scrape_failure_log_file "
    "scrape_classic_histograms extra_scrape_metrics",
    "scrape_configs": f"{HISTOGRAMS} {NAMES} scrape_classic_histograms "
    "track_timestamps_staleness native_histogram_bucket_limit "
    "native_histogram_min_bucket_factor scrape_failure_log_file extra_scrape_metrics "
    "azure_sd_configs consul_sd_configs digitalocean_sd_configs dns_sd_configs docker_sd_configs "
    "dockerswarm_sd_configs ec2_sd_configs eureka_sd_configs gce_sd_configs "
    "hetzner_sd_configs ionos_sd_configs kubernetes_sd_configs kuma_sd_configs "
    "lightsail_sd_configs linode_sd_configs marathon_sd_configs nerve_sd_configs nomad_sd_configs "
    "openstack_sd_configs ovhcloud_sd_configs puppetdb_sd_configs scaleway_sd_configs "
    "serverset_sd_configs stackit_sd_configs triton_sd_configs uyuni_sd_configs vultr_sd_configs",
    "alerting.alertmanagers": "sigv4 consul_sd_configs dns_sd_configs kubernetes_sd_configs",
    "remote_write": "azuread google_iam round_robin_dns send_exemplars "
    "send_native_histograms sigv4",
    "storage": "exemplars",
    "storage.tsdb.retention": "percentage",
}

ALERTMANAGER_SUPPORTED: dict[str, dict[str, object]] = {
    "": {"global": {}, "templates": [], "inhibit_rules": []},
    "global": {
        "smtp_from": "a@b.org",
        "smtp_smarthost": "localhost:25",
        "smtp_hello": "x",
        "smtp_auth_username": "x",
        "smtp_auth_password": "x",
        "smtp_auth_password_file": "/dev/null",
        "smtp_require_tls": False,
        "slack_api_url": "https://x.org",
        "slack_api_url_file": "/dev/null",
        "pagerduty_url": "https://x.org",
        "resolve_timeout": "5m",
    },
    "route": {
        "group_by": ["a"],
        "group_wait": "1s",
        "group_interval": "1s",
        "repeat_interval": "1s",
        "continue": False,
        "match": {},
        "match_re": {},
        "matchers": [],
        "routes": [],
    },
    "inhibit_rules": {
        "source_match": {"a": "b"},
        "source_match_re": {"a": "b"},
        "source_matchers": ["a=b"],
        "target_match": {"a": "b"},
        "target_match_re": {"a": "b"},
        "target_matchers": ["a=b"],
        "equal": ["a"],
    },
    "email_configs": {
        "send_resolved": True,
        "from": "a@b.org",
        "smarthost": "localhost:25",
        "hello": "x",
        "auth_username": "x",
        "auth_password": "x",
        "auth_password_file": "/dev/null",
        "require_tls": False,
        "html": "",
        "text": "",
        "headers": {"Subject": "x"},
    },
    "slack_configs": {
        "send_resolved": True,
        "api_url": "https://x.org",
        "api_url_file": "/dev/null",
        "channel": "x",
        "username": "x",
        "color": "x",
        "title": "x",
        "title_link": "x",
        "pretext": "x",
        "text": "x",
        "fallback": "x",
        "footer": "x",
        "icon_emoji": "x",
        "icon_url": "x",
        "link_names": True,
    },
    "pagerduty_configs": {
        "send_resolved": True,
        "routing_key": "x",
        "routing_key_file": "/dev/null",
        "service_key": "x",
        "service_key_file": "/dev/null",
        "url": "https://x.org",
        "client": "x",
        "client_url": "x",
        "description": "x",
        "severity": "error",
        "details": {"a": "b"},
        "source": "x",
        "class": "x",
        "component": "x",
        "group": "x",
    },
    "webhook_configs": {
        "send_resolved": True,
        "url": "https://x.org",
        "url_file": "/dev/null",
        "max_alerts": 1,
    },
}
ALERTMANAGER_WARNED = {
    "": "time_intervals mute_time_intervals tracing",
    "global": "http_config jira_api_url mattermost_webhook_url mattermost_webhook_url_file "
    "opsgenie_api_key opsgenie_api_key_file opsgenie_api_url rocketchat_api_url rocketchat_token "
    "rocketchat_token_file rocketchat_token_id rocketchat_token_id_file slack_app_token "
    "slack_app_token_file slack_app_url smtp_auth_identity smtp_auth_secret smtp_auth_secret_file "
    "smtp_force_implicit_tls smtp_tls_config telegram_api_url telegram_bot_token "
    "telegram_bot_token_file victorops_api_key victorops_api_key_file victorops_api_url "
    "webex_api_url wechat_api_corp_id wechat_api_secret wechat_api_secret_file wechat_api_url",
    "route": "mute_time_intervals active_time_intervals",
    "receivers": "discord_configs incidentio_configs jira_configs mattermost_configs "
    "msteams_configs msteamsv2_configs opsgenie_configs pushover_configs rocketchat_configs "
    "sns_configs telegram_configs victorops_configs webex_configs wechat_configs",
    "email_configs": "auth_secret auth_secret_file auth_identity tls_config force_implicit_tls "
    "threading",
    "slack_configs": "http_config app_token app_token_file app_url fields short_fields callback_id "
    "image_url thumb_url mrkdwn_in actions message_text update_message timeout",
    "pagerduty_configs": "http_config images links timeout",
    "webhook_configs": "http_config timeout payload",
}


def supported(table: Mapping[str, Mapping[str, object]]) -> list[object]:
    return [
        pytest.param(section, key, value, id=f"{section}.{key}".strip("."))
        for section, keys in table.items()
        for key, value in keys.items()
    ]


def warned(table: Mapping[str, str]) -> list[object]:
    return [
        pytest.param(section, key, id=f"{section}.{key}".strip("."))
        for section, keys in table.items()
        for key in keys.split()
    ]


def prometheus(section: str, key: str, value: object) -> str:
    """Return a prometheus.yml with one key in a section."""
    if section == "scrape_configs":
        return yaml.safe_dump({"scrape_configs": [{"job_name": "a", key: value}]})
    if section == "alerting.alertmanagers":
        return yaml.safe_dump({"alerting": {"alertmanagers": [{key: value}]}})
    if section == "remote_write":
        return yaml.safe_dump({"remote_write": [{"url": "http://a.org", key: value}]})
    content: object = {key: value}
    for step in reversed(section.split(".") if section else ()):
        content = {step: content}
    return yaml.safe_dump(content)


def alertmanager(section: str, key: str, value: object) -> str:
    """Return an alertmanager.yml that is complete, and has one key in a section."""
    receiver: dict[str, object] = {"name": "a"}
    content: dict[str, object] = {
        "global": {"smtp_smarthost": "localhost:25", "smtp_from": "s@example.org"},
        "route": {"receiver": "a"},
        "receivers": [receiver],
    }
    required: dict[str, dict[str, object]] = {
        "email_configs": {"to": "a@b.org", "auth_password": "x"},
        "slack_configs": {"api_url": "https://x.org"},
        "pagerduty_configs": {"routing_key": "x"},
        "webhook_configs": {"url": "https://x.org"},
    }
    if section in required:
        own = required[section]
        if key in ("api_url_file", "routing_key_file", "service_key_file", "url_file"):
            own = {}
        receiver[section] = [{**own, key: value}]
    elif section == "receivers":
        receiver[key] = value
    elif section == "inhibit_rules":
        sides = {"source_match": {"x": "y"}, "target_match": {"x": "y"}}
        content["inhibit_rules"] = [{**sides, key: value}]
    elif section:
        known = content.setdefault(section, {})
        assert isinstance(known, dict)
        known[key] = value
    else:
        content.setdefault(key, value)
    return yaml.safe_dump(content)


def findings(text: str, read: str) -> tuple[list[str], list[str]]:
    """Return what is wrong with a file and what is warned of, without places."""
    document = open_document(text)
    if read == "prometheus":
        read_root(document.root(), Path("/nonexistent"))
    else:
        read_notifications(document.root(), Path("/nonexistent"))
    return (
        [str(problem).split(": ", 1)[1] for problem in document.problems],
        [warning.split(": ", 1)[1] for warning in document.warnings],
    )


@pytest.mark.parametrize(("section", "key", "value"), supported(SUPPORTED))
def test_a_supported_key_of_prometheus_is_read(section: str, key: str, value: object) -> None:
    """Neither a problem nor a warning."""
    assert findings(prometheus(section, key, value), "prometheus") == ([], [])


@pytest.mark.parametrize(("section", "key"), warned(WARNED))
def test_every_other_key_of_prometheus_is_warned_of(section: str, key: str) -> None:
    """It is named, and stops nothing."""
    problems, [warning] = findings(prometheus(section, key, {"x": "y"}), "prometheus")

    lists = ("scrape_configs", "alerting.alertmanagers", "remote_write")
    index = "[0]" if section in lists else ""
    assert problems == []
    assert warning.startswith(f"{section}{index}.{key}: {EFFECTLESS}".lstrip("."))


@pytest.mark.parametrize(("section", "key", "value"), supported(ALERTMANAGER_SUPPORTED))
def test_a_supported_key_of_alertmanager_is_read(section: str, key: str, value: object) -> None:
    """No problem, and no word of having no effect."""
    problems, warnings = findings(alertmanager(section, key, value), "alertmanager")

    assert [text for text in problems if value != "/dev/null"] == []
    assert [text for text in problems if "unknown key" in text] == []
    assert [text for text in warnings if EFFECTLESS in text] == []


@pytest.mark.parametrize(("section", "key"), warned(ALERTMANAGER_WARNED))
def test_every_other_key_of_alertmanager_is_warned_of(section: str, key: str) -> None:
    """It is named, and stops nothing."""
    problems, [warning] = findings(alertmanager(section, key, {"x": "y"}), "alertmanager")

    assert problems == []
    assert warning.endswith(f"{key}: {EFFECTLESS}")


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [find_peer(name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def find_shipped(name: str) -> Path:
    """Return a file of the peers' package, beside the programs."""
    return find_peer("promtool").parents[2] / "etc" / "prometheus" / name


def test_the_configuration_that_prometheus_ships_is_valid() -> None:
    """All of it works."""
    path = find_shipped("prometheus.yml")

    configuration = read_configuration(path, {})

    assert [config.job_name for config in configuration.scrape_configs] == ["prometheus", "node"]
    assert [config.interval_ms for config in configuration.scrape_configs] == [5_000, 15_000]
    assert len(configuration.alerting.alertmanagers) == 1
    assert configuration.warnings == []


def test_the_configuration_that_alertmanager_ships_is_valid() -> None:
    """Its five receivers, its routes in the older notation, its inhibition rule: all of it."""
    report = check_file(find_shipped("alertmanager.yml"), {})

    assert report.summary == "notifications: 5 receivers"
    assert [text for text in report.warnings if "left out" in text or EFFECTLESS in text] == []


@pytest.mark.parametrize(("section", "key", "value"), supported(ALERTMANAGER_SUPPORTED))
def test_amtool_takes_the_supported_keys(
    section: str, key: str, value: object, tmp_path: Path
) -> None:
    """What sakshi reads is Alertmanager's, as amtool checks it; files of secrets are not read."""
    if key in ("source", "url_file"):
        return  # Alertmanager's since 0.26; the one at hand is 0.25
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager(section, key, value))

    done = run("amtool", "check-config", path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_supported_keys(tmp_path: Path) -> None:
    """What sakshi reads is Prometheus', as promtool checks it.

    `rule_query_offset` and `storage.tsdb.retention` came after the Prometheus at hand.
    """
    alone = ("oauth2", "proxy_from_environment")  # not beside other credentials and proxies
    keys = SUPPORTED["scrape_configs"]
    job = {"job_name": "a", **{key: keys[key] for key in keys if key not in alone}}
    defaults = {
        key: value
        for key, value in SUPPORTED["global"].items()
        if key not in ("rule_query_offset", "body_size_limit", "sample_limit")
    }
    path = tmp_path / "prometheus.yml"
    alerting = {"alertmanagers": [SUPPORTED["alerting.alertmanagers"]]}
    path.write_text(
        yaml.safe_dump({"global": defaults, "scrape_configs": [job], "alerting": alerting})
    )

    done = run("promtool", "check", "config", path)

    assert done.returncode == 0, done.stdout + done.stderr


REAL_LIFE = Path(__file__).parent / "prometheus"
WARNINGS = {
    "alertmanagers": [],
    "blackbox": [],
    "federation": [
        "14:22: scrape_configs[0].basic_auth.password_file: /run/secrets/password does not exist: "
        "until it does, every request will fail",
        "14:22: scrape_configs[1].http_sd_configs[0].basic_auth.password_file: "
        "/run/secrets/password does not exist: until it does, every request will fail",
    ],
    "files": ["3:41: global.external_labels.replica: HOSTNAME is not set, and so is empty"],
    "formats": [
        f"3:22: global.scrape_protocols[0]: {EFFECTLESS}",
        f"4:3: global.metric_name_validation_scheme: {EFFECTLESS}",
        f"5:3: global.metric_name_escaping_scheme: {EFFECTLESS}",
        f"6:3: global.always_scrape_classic_histograms: {EFFECTLESS}",
        f"9:5: scrape_configs[0].metric_name_validation_scheme: {EFFECTLESS}",
        f"10:5: scrape_configs[0].metric_name_escaping_scheme: {EFFECTLESS}",
        f"12:5: scrape_configs[0].always_scrape_classic_histograms: {EFFECTLESS}",
        f"13:5: scrape_configs[0].convert_classic_histograms_to_nhcb: {EFFECTLESS}",
        f"14:5: scrape_configs[0].native_histogram_bucket_limit: {EFFECTLESS}",
        f"15:5: scrape_configs[0].native_histogram_min_bucket_factor: {EFFECTLESS}",
        f"16:5: scrape_configs[0].track_timestamps_staleness: {EFFECTLESS}",
    ],
    "kubernetes": [
        f"4:5: scrape_configs[0].kubernetes_sd_configs: {EFFECTLESS}",
        "8:16: scrape_configs[0].tls_config.ca_file: /var/run/secrets/kubernetes.io/serviceaccount/"
        "ca.crt does not exist: until it does, every request will fail",
        "10:25: scrape_configs[0].authorization.credentials_file: /var/run/secrets/kubernetes.io/"
        "serviceaccount/token does not exist: until it does, every request will fail",
        f"19:5: scrape_configs[1].kubernetes_sd_configs: {EFFECTLESS}",
    ],
    "limits": [
        f"11:3: global.query_log_file: {EFFECTLESS}",
        f"12:3: global.scrape_failure_log_file: {EFFECTLESS}",
        f"13:1: runtime: {EFFECTLESS}",
        f"21:5: scrape_configs[0].scrape_failure_log_file: {EFFECTLESS}",
    ],
    "oauth2": [],
    "remote": [
        f"10:1: remote_read: {EFFECTLESS}",
        f"13:1: tracing: {EFFECTLESS}",
        f"18:1: otlp: {EFFECTLESS}",
    ],
    "storage": [f"5:3: storage.exemplars: {EFFECTLESS}"],
}
"""What is said of configurations as people have them, by file."""


@pytest.mark.parametrize("name", WARNINGS)
def test_configurations_of_real_life_are_read(name: str) -> None:
    """Nothing in them is a problem, and whatever has no effect is named."""
    path = REAL_LIFE / f"{name}.yml"

    assert read_configuration(path, {}).warnings == [f"{path}:{text}" for text in WARNINGS[name]]


@pytest.mark.parametrize("name", WARNINGS)
def test_promtool_takes_the_configurations_of_real_life(name: str) -> None:
    """They are Prometheus', and so are the files that they name."""
    done = run("promtool", "check", "config", "--syntax-only", REAL_LIFE / f"{name}.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_configuration_of_real_life_is_checked() -> None:
    """Whoever adds one says what is to be said of it."""
    assert sorted(path.stem for path in REAL_LIFE.glob("*.yml")) == sorted(WARNINGS)


MISSPELT = [
    ("relabel_configs", "relabel_config"),
    ("scrape_config_files", "scrape_configs_files"),
    ("token_url", "tokenurl"),
    ("proxy_from_environment", "proxy_from_env"),
    ("kubernetes_sd_configs", "kubernetes_sd_config"),
    ("remote_read", "remoteread"),
    ("label_limit", "labels_limit"),
]


@pytest.mark.parametrize(("right", "wrong"), MISSPELT)
def test_a_misspelt_key_is_a_problem_here_and_there(right: str, wrong: str, tmp_path: Path) -> None:
    """With the key that was meant."""
    key, texts = rf"\b{right}:", [path.read_text() for path in sorted(REAL_LIFE.glob("*.yml"))]
    text = next(text for text in texts if re.search(key, text))
    path = tmp_path / "prometheus.yml"
    path.write_text(re.sub(key, f"{wrong}:", text))

    with pytest.raises(BadInputError) as caught:
        read_configuration(path, {})

    assert f'expected the key "{right}", found the unknown key "{wrong}"' in str(caught.value)
    assert run("promtool", "check", "config", "--syntax-only", path).returncode != 0


@pytest.mark.parametrize("name", ["alert-rules.yml", "recording-rules.yml"])
def test_promtool_takes_the_examples_rules(name: str) -> None:
    """The strategy's rules, and those that they read, are Prometheus' too."""
    done = run("promtool", "check", "rules", "--lint-fatal", EXAMPLES / name)

    assert done.returncode == 0, done.stdout + done.stderr


RULES_REFUSED = [
    "groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]",
    "groups: [{name: g, rules: [{alert: A, expr: up, fr: 5m}]}]",
    "groups: [{name: g, rules: [{record: a, expr: up, for: 5m}]}]",
    "groups: [{name: g, rules: [{expr: up}]}]",
    "groups: [{name: g, rules: [{alert: A}]}]",
    "groups: [{name: g}, {name: g}]",
    "groups: [{rules: []}]",
    "groups: [{name: g, interval: 5}]",
    "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ $x }}'}}]}]",
    "groups: [{name: g, rules: [{alert: A, expr: 'up{a=~\"(\"}'}]}]",
    "groups: [{name: g, rules: [{alert: A, record: b, expr: up}]}]",
    "groups: {name: g}",
    "groups: [{name: g, rules: [{record: 'a{b}', expr: up}]}]",
    "groups: [{name: g, rules: [{record: a, expr: up, labels: {'': b}}]}]",
    "groups: [{name: g, rules: [{record: a, expr: up, labels: {__name__: b}}]}]",
    "groups: [{name: g, rules: [{alert: a, expr: up, annotations: {'': b}}]}]",
]
RULES_TAKEN = [
    'groups: [{name: g, rules: [{record: a-b c, expr: \'{"d.e", "f.g"="h"}\'}]}]',
    "groups: [{name: g, rules: [{record: ünï, expr: up, labels: {service.name: b}}]}]",
    "groups: [{name: g, rules: [{alert: a, expr: up, labels: {b c: d}, annotations: {e-f: g}}]}]",
]


@pytest.mark.parametrize("text", RULES_TAKEN)
def test_promtool_takes_the_names_that_are_taken(text: str, tmp_path: Path) -> None:
    """Any text names a metric, a label or an annotation, here and there."""
    path = tmp_path / "rules.yml"
    path.write_text(text)

    done = run("promtool", "check", "rules", path)
    document = open_document(text)
    read_groups(document.root(), "rules.yml", 60_000)

    assert (done.returncode, document.problems) == (0, [])


@pytest.mark.parametrize("text", RULES_REFUSED)
def test_promtool_refuses_what_is_refused(text: str, tmp_path: Path) -> None:
    """A rule file that is wrong here is wrong there: nothing is invented."""
    path = tmp_path / "rules.yml"
    path.write_text(text)

    assert run("promtool", "check", "rules", path).returncode != 0
    document = open_document(text)
    read_groups(document.root(), "rules.yml", 60_000)
    assert len(document.problems) == 1
