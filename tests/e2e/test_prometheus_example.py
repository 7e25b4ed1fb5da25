"""A configuration as Prometheus' documentation begins with runs as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.process import running, wait_for

pytestmark = pytest.mark.slow

CONFIG = """\
# A server that watches itself.
global:
  scrape_interval: 15s # the default is 1 minute
  evaluation_interval: 15s
  # scrape_timeout: the default, 10s

alerting:
  alertmanagers:
    - static_configs:
        - targets:
          # - alertmanager:9093

rule_files:
  # - "first_rules.yml"
  # - "second_rules.yml"

scrape_configs:
  - job_name: "prometheus"
    # metrics_path: /metrics, scheme: http
    static_configs:
      - targets: ["localhost:9090"]
        labels:
          app: "prometheus"
"""


def test_the_first_configuration_of_everybody_runs_without_a_warning(tmp_path: Path) -> None:
    """It has a null target list and a null list of rule files; the port may have nobody behind."""
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG)

    with running(config, tmp_path / "data") as sakshi:
        targets = wait_for("a scrape", lambda: scraped(sakshi.get("/api/v1/targets")))
        assert targets[0]["labels"] == {
            "app": "prometheus",
            "instance": "localhost:9090",
            "job": "prometheus",
        }
        assert sakshi.get("/api/v1/alertmanagers") == {
            "activeAlertmanagers": [],
            "droppedAlertmanagers": [],
        }
        assert sakshi.stop() == 0

    lines = [line for line in sakshi.log.read_text().splitlines() if "target is down" not in line]
    assert [line for line in lines if " INFO " not in line] == []
    assert len(lines) >= 2  # that it is ready, and that it stopped


def scraped(data: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    targets = data["activeTargets"]
    return targets if targets and targets[0]["health"] != "unknown" else []
