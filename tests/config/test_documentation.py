"""docs/reference/configuration.md lists exactly the keys that the readers take, by section."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from tests.config.reading import NOWHERE

from sakshi.alerting.receiver import PAGERDUTY_URL
from sakshi.config import (
    Document,
    Section,
    alertmanager,
    configuration,
    notification,
    oauth2,
    receiver,
    remote_write,
    route,
    scrape,
)
from sakshi.config.configuration import read_root
from sakshi.config.node import parse_yaml
from sakshi.config.rule_file import read_groups

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
BARE = {"The file": "", "Rule files": "rule file"}
CHOSEN = {"g", "i"}  # keys that are names, which the file's author chooses

EVERY_SECTION = """\
    scrape_configs:
      - job_name: a
        static_configs: [{targets: []}]
        file_sd_configs: [{files: []}]
        http_sd_configs: [{url: 'http://x.org'}]
        relabel_configs: [{target_label: a}]
        basic_auth: {username: a}
        tls_config: {server_name: a}
      - {job_name: b, authorization: {credentials: a}}
      - {job_name: c, oauth2: {client_id: a, token_url: 'http://x.org'}}
    alerting: {alertmanagers: [{}]}
    remote_write: [{url: 'http://x.org'}]
    kpis: {k: {group: g, expr: up}}
    indicators: {g: {i: {better: lower, expr: up}}}
    baselines: {b: {g: {i: 1}}}
    targets: {g: {i: 1}}
    notifications:
      route: {receiver: a}
      inhibit_rules: [{source_match: {a: b}, target_match: {a: b}}]
      receivers:
        - name: a
          email_configs: [{to: a@b.org, from: a@b.org, smarthost: 'localhost:25'}]
          slack_configs: [{api_url: 'https://x.org'}]
          pagerduty_configs: [{routing_key: x}]
          webhook_configs: [{url: 'https://x.org'}]
    """
RULES = "groups: [{name: g, rules: [{alert: a, expr: up}, {record: a, expr: up}]}]\n"

UNSUPPORTED: Mapping[str, tuple[str, ...]] = {
    "": configuration.UNSUPPORTED,
    "alerting.alertmanagers": alertmanager.UNSUPPORTED_ALERTMANAGER,
    "global": scrape.UNSUPPORTED_GLOBAL,
    "scrape_configs": scrape.UNSUPPORTED_SCRAPE,
    "scrape_configs.oauth2": oauth2.UNSUPPORTED_OAUTH2,
    "remote_write": remote_write.UNSUPPORTED_REMOTE_WRITE,
    "remote_write.queue_config": remote_write.UNSUPPORTED_QUEUE,
    "storage": configuration.UNSUPPORTED_STORAGE,
    "storage.tsdb": configuration.UNSUPPORTED_TSDB,
    "storage.tsdb.retention": configuration.UNSUPPORTED_RETENTION,
    "notifications": notification.UNSUPPORTED,
    "notifications.global": notification.UNSUPPORTED_GLOBAL,
    "notifications.route": route.UNSUPPORTED_ROUTE,
    "notifications.receivers": receiver.UNSUPPORTED_RECEIVER,
    "notifications.receivers.email_configs": receiver.UNSUPPORTED_EMAIL,
    "notifications.receivers.slack_configs": receiver.UNSUPPORTED_SLACK,
    "notifications.receivers.pagerduty_configs": receiver.UNSUPPORTED_PAGERDUTY,
    "notifications.receivers.webhook_configs": receiver.UNSUPPORTED_WEBHOOK,
}


def record(text: str, read: str) -> dict[str, set[str]]:
    """Return the keys that readers ask for, by section: `scrape_configs.static_configs`."""
    asked: dict[str, set[str]] = defaultdict(set)

    class Recording(Section):
        def close(self) -> None:
            path = re.sub(r"\[\d+\]", "", self.path).replace("kpis.k", "kpis")
            path = re.sub(r"^(indicators|baselines|targets)\..*", r"\1", path)
            asked[path] |= self.known_keys() - CHOSEN
            super().close()

    node = parse_yaml(dedent(text))
    assert node is not None
    document = Document("x.yml", {}, node)
    root = Recording(document, node, "")
    if read == "rules":
        read_groups(root, "x.yml", 60_000)
        asked["rule file"] = asked.pop("")
    else:
        read_root(root, NOWHERE)
    assert document.problems == []
    return asked


def read_page() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the documented keys by section: those of the tables, and those without effect."""
    tables: dict[str, set[str]] = {}
    effectless: dict[str, set[str]] = {}
    for part in PAGE.read_text().split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        section = BARE.get(heading, heading.strip("`"))
        rows = re.findall(r"^\| (`.*?) \|", body, re.MULTILINE)
        tables[section] = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
        note = re.search(r"^No effect yet: (.*?)\.(?:\n\n|\n?$)", body, re.MULTILINE | re.DOTALL)
        if note is not None:
            effectless[section] = set(re.findall(r"`(\w+)`", note[1]))
    return tables, effectless


def test_every_key_is_documented_where_it_stands() -> None:
    """Each table has the keys of its section, and no others."""
    asked = {**record(EVERY_SECTION, "configuration"), **record(RULES, "rules")}
    asked["notifications"] |= {"file"}  # in place of all the others

    documented, _ = read_page()

    assert {name: sorted(keys) for name, keys in documented.items()} == {
        name: sorted(keys) for name, keys in asked.items()
    }


def test_every_key_without_effect_is_documented_where_it_stands() -> None:
    """Each section names the keys that are warned of there, and no others."""
    _, effectless = read_page()

    assert {name: sorted(keys) for name, keys in effectless.items()} == {
        name: sorted(keys) for name, keys in UNSUPPORTED.items()
    }


def test_the_documented_address_is_the_default() -> None:
    """Whoever copies it from the page changes nothing."""
    assert f"`{PAGERDUTY_URL}`" in PAGE.read_text()
