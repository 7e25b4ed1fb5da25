"""Alertmanagers are told by sakshi as they are by Prometheus; and of what they missed, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.alertmanager import Alertmanager, alertmanager, comparable, prometheus
from tests.e2e.process import Sakshi, free_port, running, wait_for
from tests.e2e.target import Target

pytestmark = pytest.mark.slow

CONFIG = """\
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  evaluation_interval: 200ms
  external_labels: {{site: berlin, zone: none, replica: a}}
alerting:
  alert_relabel_configs:
    - {{action: labeldrop, regex: replica}}
    - {{source_labels: [alertname], regex: Quiet, action: drop}}
  alertmanagers:
    - static_configs: [{{targets: [{targets}]}}]
      path_prefix: /
scrape_configs:
  - job_name: chat
    static_configs: [{{targets: ['{target}']}}]
rule_files: [rules.yml]
"""
RULES = """\
groups:
  - name: chat
    rules:
      - alert: LoadHigh
        expr: sum by (zone) (chat_load{job="chat"})  > 5.0
        labels: {severity: critical, unit: "{{ $labels.zone }}!"}
        annotations:
          summary: 'load in {{ $labels.zone }} at {{ $externalLabels.site }} is {{ $value }}'
          empty: ''
      - alert: Waiting
        expr: chat_load > 5
        for: 400ms
        keep_firing_for: 1s
      - alert: Pending
        expr: chat_load > 5
        for: 1h
      - alert: Quiet
        expr: chat_load > 5
      - alert: Umlaut
        expr: 'vector(1e-5) and on() chat_load{zone=~"x|ü"} > 5'
        annotations: {text: "ä \\"quoted\\"\\nline"}
"""
LOADED = 'chat_load{zone="x"} 9\n'
QUIET = 'chat_load{zone="x"} 1\n'
NAMES = {"LoadHigh", "Waiting", "Umlaut"}


def write_config(folder: Path, target: Target, *alertmanagers: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "rules.yml").write_text(RULES)
    config = folder / "sakshi.yml"
    targets = ", ".join(f"'{address}'" for address in alertmanagers)
    config.write_text(CONFIG.format(target=target.address, targets=targets))
    return config


def shows(peer: Alertmanager, names: set[str]) -> Callable[[], bool]:
    return lambda: set(peer.alerts()) == names


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def check_moments(shown: dict[str, dict[str, Any]], listed: list[dict[str, Any]]) -> None:
    """Raise where an alert does not start when it began to fire, or ends too soon."""
    active_at = {alert["labels"]["alertname"]: moment(alert["activeAt"]) for alert in listed}
    for name, alert in shown.items():
        lasted = moment(alert["startsAt"]) - active_at[name]
        assert lasted >= 0.398 if name == "Waiting" else abs(lasted) < 0.002, name
        assert moment(alert["endsAt"]) - moment(alert["startsAt"]) >= 239.998, name


def test_alertmanager_shows_the_same_alerts_of_sakshi_as_of_prometheus(tmp_path: Path) -> None:
    """Of one rule file on one target; that another Alertmanager is not there delays nothing.

    Same labels, annotations, links, fingerprints; left out is what must differ, see `comparable`.
    """
    with (
        Target() as target,
        alertmanager(tmp_path / "ours") as ours,
        alertmanager(tmp_path / "theirs") as theirs,
    ):
        target.body = LOADED
        dead = f"127.0.0.1:{free_port()}"
        own = write_config(tmp_path / "a", target, dead, ours.address)
        other = write_config(tmp_path / "b", target, dead, theirs.address)
        with prometheus(tmp_path / "p", other) as client, running(own, tmp_path / "data") as sakshi:
            wait_for("Prometheus' alerts", shows(theirs, NAMES))
            wait_for("sakshi's alerts", shows(ours, NAMES))

            mine, its = ours.alerts(), theirs.alerts()
            assert {name: comparable(mine[name]) for name in mine} == {
                name: comparable(its[name]) for name in its
            }
            check_moments(mine, sakshi.get("/api/v1/alerts")["alerts"])
            check_moments(its, client.get("/api/v1/alerts").json()["data"]["alerts"])

            listed = sakshi.get("/api/v1/alertmanagers")
            peers = client.get("/api/v1/alertmanagers").json()["data"]
            assert [one["url"].split("/")[2] for one in listed["activeAlertmanagers"]] == [
                dead,
                ours.address,
            ]
            assert str(listed).replace(ours.address, theirs.address) == str(peers)
            wait_for("the failure", lambda: states(sakshi)[0]["last_error"])
            assert [one["last_error"] for one in states(sakshi)] == ["connection refused", ""]

            answer = sakshi.http.get(mine["LoadHigh"]["generatorURL"], follow_redirects=False)
            assert answer.headers["location"].startswith("./#alert=")

            target.body = QUIET
            wait_for("sakshi's resolutions", shows(ours, set()))


def test_a_killed_sakshi_tells_what_was_resolved(tmp_path: Path) -> None:
    """It is killed between firing and resolved, and again before anybody could hear of that."""
    with Target() as target:
        target.body = LOADED
        port, data = free_port(), tmp_path / "data"
        config = write_config(tmp_path / "a", target, f"127.0.0.1:{port}")
        with alertmanager(tmp_path / "am", port) as peer, running(config, data) as sakshi:
            peer.wait()
            wait_for("the alerts", shows(peer, NAMES))
            sakshi.kill()
        target.body = QUIET
        with running(config, data) as sakshi:
            wait_for("nothing to fire", lambda: not sakshi.get("/api/v1/alerts")["alerts"])
            wait_for("a failure", lambda: states(sakshi)[0]["waiting"] == len(NAMES))
            assert states(sakshi)[0]["last_error"] == "connection refused"
            sakshi.kill()
        with alertmanager(tmp_path / "new", port) as peer, running(config, data) as sakshi:
            wait_for("an acceptance", lambda: states(sakshi)[0]["accepted_at"])
            received = 'alertmanager_alerts_received_total{status="resolved",version="v2"}'
            assert count(peer, received) == len(NAMES)
            assert peer.alerts() == {}


def states(sakshi: Sakshi) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sakshi.get("/api/v1/sakshi/alertmanagers")["alertmanagers"]
    return found


def count(peer: Alertmanager, series: str) -> float:
    for line in peer.http.get("/metrics").text.splitlines():
        if line.startswith(series):
            return float(line.rsplit(" ", 1)[1])
    return 0.0
