"""A sakshi and a real Prometheus, side by side, with one configuration and the same targets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import yaml
from tests.cli.conftest import serving
from tests.e2e.process import wait_for
from tests.scrape.prometheus import scraping, serving_bodies

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
METRICS = """\
# HELP chat_turns Turns of conversations.
# TYPE chat_turns counter
chat_turns_total{channel="http"} 5 # {trace_id="abc"} 1 1700000000.5
chat_turns_total{channel="ws"} 7
# HELP chat_active Conversations that are open.
# TYPE chat_active gauge
chat_active 3
# HELP chat_seconds Time to an answer.
# TYPE chat_seconds histogram
# UNIT chat_seconds seconds
chat_seconds_bucket{le="0.5"} 1
chat_seconds_bucket{le="1.0"} 2
chat_seconds_bucket{le="+Inf"} 4
chat_seconds_sum 3.5
chat_seconds_count 4
# EOF
"""
RULES = """\
groups:
  - name: chat
    interval: 300ms
    labels: {team: chat}
    rules:
      - record: chat:active:sum
        expr: sum(chat_active)
        labels: {kind: sum}
      - alert: Busy
        expr: chat_active > 1
        labels: {severity: critical}
        annotations: {summary: '{{ $value }} conversations'}
      - alert: Waiting
        expr: chat_active > 1
        for: 1h
        keep_firing_for: 1m
      - alert: Quiet
        expr: chat_active < 1
      - record: chat:broken
        expr: chat_turns_total + on () chat_turns_total
"""


@dataclass(frozen=True)
class Twins:
    """Clients of the two servers.

    Args:
        sakshi: of ours.
        prometheus: of the real one.
        target: the address that both scrape.
    """

    sakshi: httpx2.Client
    prometheus: httpx2.Client
    target: str

    @property
    def both(self) -> tuple[httpx2.Client, httpx2.Client]:
        """Ours first."""
        return self.sakshi, self.prometheus


@contextlib.contextmanager
def twins(folder: Path, *options: str) -> Iterator[Twins]:
    """Run both until the block ends; each has scraped all targets and evaluated all rules before.

    Args:
        folder: for their files.
        options: of Prometheus.
    """
    (folder / "prometheus").mkdir(parents=True)
    for place in (folder, folder / "prometheus"):
        (place / "rules.yml").write_text(RULES)
    bodies = {"/metrics": (OPENMETRICS, METRICS.encode()), "/broken": ("text/plain", b"}")}
    with serving_bodies(bodies) as target:
        configuration = configure(target)
        config = folder / "sakshi.yml"
        config.write_text(yaml.safe_dump(configuration))
        with (
            serving(config, folder / "data") as (url, _),
            httpx2.Client(base_url=url, timeout=60) as ours,
            scraping(folder / "prometheus", configuration, *options) as theirs,
        ):
            for client in (ours, theirs):
                wait_for("scrapes and rules", partial(is_settled, client))
            yield Twins(ours, theirs, target)


def configure(target: str) -> Mapping[str, Any]:
    """Return a configuration with targets of every kind: up, down, dropped, beyond each limit."""
    limits: Mapping[str, Mapping[str, Any]] = {
        "body": {"body_size_limit": "100B"},
        "samples": {"sample_limit": 3},
        "labels": {"label_limit": 2},
        "names": {"label_name_length_limit": 5},
        "values": {"label_value_length_limit": 5},
        "targets": {"target_limit": 1},
    }
    address = [{"targets": [target]}]
    return {
        "global": {"scrape_interval": "300ms", "evaluation_interval": "300ms"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "chat",
                "static_configs": [{"targets": [target], "labels": {"zone": "a"}}],
                "params": {"collect[]": ["a", "b"]},
                "relabel_configs": [{"target_label": "added", "replacement": "yes"}],
            },
            {
                "job_name": "dropped",
                "static_configs": address,
                "relabel_configs": [{"action": "drop", "source_labels": ["job"]}],
            },
            {"job_name": "down", "static_configs": [{"targets": ["127.0.0.1:1"]}]},
            {"job_name": "broken", "static_configs": address, "metrics_path": "/broken"},
            *(
                {
                    "job_name": f"limit_{name}",
                    "static_configs": [{"targets": [target, f"localhost:{target[10:]}"]}],
                    **keys,
                }
                for name, keys in limits.items()
            ),
        ],
    }


def is_settled(client: httpx2.Client) -> bool:
    """Tell whether every target was scraped (one twice), and every rule evaluated."""
    scrapes = client.get("/api/v1/query", params={"query": "count_over_time(chat_active[1m]) > 1"})
    active = client.get("/api/v1/targets").json()["data"]["activeTargets"]
    groups = client.get("/api/v1/rules").json()["data"]["groups"]
    alerts = client.get("/api/v1/alerts").json()["data"]["alerts"]
    return (
        len(scrapes.json()["data"]["result"]) == 1
        and len(active) == 15
        and all(target["health"] != "unknown" for target in active)
        and all(rule["health"] != "unknown" for group in groups for rule in group["rules"])
        and sorted(alert["state"] for alert in alerts) == ["firing", "pending"]
    )
