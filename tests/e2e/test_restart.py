"""A sakshi that is killed goes on where it was."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from tests.e2e.process import free_port, running, wait_for
from tests.e2e.target import Target

pytestmark = pytest.mark.slow

CONFIG = """\
global:
  scrape_interval: 200ms
  evaluation_interval: 200ms
scrape_configs:
  - job_name: chat
    static_configs:
      - targets: ['{target}']
rule_files: [rules.yml]
notifications:
  route: {{receiver: hook, group_wait: 0s, group_interval: 1s}}
  receivers:
    - name: hook
      webhook_configs: [{{url: 'http://{target}/hook'}}]
"""

RULES = """\
groups:
  - name: chat
    rules:
      - record: chat_load_doubled
        expr: chat_load * 2
      - alert: LoadHigh
        expr: chat_load > 5
        for: 400ms
        annotations: {summary: 'load is {{ $value }}'}
"""


def test_a_killed_sakshi_goes_on(tmp_path):
    """After kill -9 history continues, a firing alert still fires, and nobody is told twice."""
    with Target() as target:
        target.body = "chat_load 9\n"
        config = tmp_path / "sakshi.yml"
        config.write_text(CONFIG.format(target=target.address))
        (tmp_path / "rules.yml").write_text(RULES)
        data, port = tmp_path / "data", free_port()

        with running(config, data, port) as sakshi:
            wait_for("a notification", lambda: target.posted)
            alert = wait_for("the alert", lambda: sakshi.get("/api/v1/alerts")["alerts"])[0]
            history = sakshi.query("chat_load[1m]")[0]["values"]
            recorded = sakshi.query("chat_load_doubled[1m]")[0]["values"]
            served_at = time.monotonic()
            time.sleep(0.25)  # what was served for longer than 0.2 s before the kill is durable
            sakshi.kill()
        assert time.monotonic() - served_at < 5

        with running(config, data, port) as sakshi:
            newest = history[-1][0]

            def continued() -> bool:
                values = sakshi.query("chat_load[1m]")
                return bool(values) and values[0]["values"][-1][0] > newest + 1

            wait_for("new samples", continued)
            after = sakshi.query("chat_load[1m]")[0]["values"]
            assert [pair for pair in after if pair[0] <= newest][-len(history) :] == history
            doubled = sakshi.query("chat_load_doubled[1m]")[0]["values"]
            assert recorded[-1] in doubled
            again = sakshi.get("/api/v1/alerts")["alerts"]
            assert [(item["state"], item["activeAt"]) for item in again] == [
                ("firing", alert["activeAt"])
            ]
            assert len(target.posted) == 1

            target.body = "chat_load 1\n"
            wait_for("the resolution", lambda: len(target.posted) == 2)
            assert [post["status"] for post in target.posted] == ["firing", "resolved"]
            assert target.posted[0]["groupKey"] == target.posted[1]["groupKey"]
            assert sakshi.stop() == 0


def test_a_second_sakshi_on_the_same_folder_is_refused(tmp_path):
    """Two writers would destroy each other's data: the second says so, and ends."""
    config = tmp_path / "sakshi.yml"
    config.write_text("global: {}\n")
    arguments = [sys.executable, "-m", "sakshi", "serve", "--config", str(config)]
    arguments += ["--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{free_port()}"]

    with running(config, tmp_path / "data"):
        second = subprocess.run(arguments, capture_output=True, text=True, timeout=30)

    assert second.returncode == 1
    assert str(tmp_path / "data") in second.stderr
    assert "another process" in second.stderr
