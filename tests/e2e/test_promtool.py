"""Prometheus' own tool asks sakshi, and understands the answers."""

from __future__ import annotations

import subprocess

import pytest
from tests.e2e.process import Sakshi, running, wait_for
from tests.e2e.target import Target
from tests.peers import find_peer

pytestmark = pytest.mark.slow

CONFIG = """\
global: {{scrape_interval: 200ms}}
scrape_configs:
  - job_name: chat
    static_configs: [{{targets: ['{target}'], labels: {{instance: one}}}}]
"""


def promtool(*arguments: str) -> str:
    command = [str(find_peer("promtool")), "query", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sakshi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("promtool")
    with Target() as target:
        target.body = '# TYPE asked_total counter\nasked_total{code="200"} 7\nload 0.5\n'
        config = folder / "sakshi.yml"
        config.write_text(CONFIG.format(target=target.address))
        with running(config, folder / "data") as sakshi:
            wait_for("three scrapes", lambda: (sakshi.value("count_over_time(load[1m])") or 0) >= 3)
            yield sakshi


def test_an_instant_query(sakshi: Sakshi):
    """`promtool query instant` prints the series as Prometheus' would."""
    output = promtool("instant", sakshi.url, 'asked_total{code="200"}')

    assert output.startswith(
        'asked_total{code="200", instance="one", job="chat"} => 7 @[',
    )


def test_a_range_query(sakshi: Sakshi):
    """`promtool query range` gets a matrix."""
    output = promtool("range", "--step=1s", sakshi.url, "load * 2")

    assert output.startswith('{instance="one", job="chat"} =>\n1 @[')


def test_series(sakshi: Sakshi):
    """`promtool query series` lists label sets."""
    output = promtool("series", '--match={__name__=~"load|up"}', sakshi.url)

    assert sorted(output.splitlines()) == [
        '{__name__="load", instance="one", job="chat"}',
        '{__name__="up", instance="one", job="chat"}',
    ]


def test_labels(sakshi: Sakshi):
    """`promtool query labels` lists the values of a label."""
    assert promtool("labels", sakshi.url, "code") == "200\n"
