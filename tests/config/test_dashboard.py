from __future__ import annotations

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.config.dashboard import WebConfig
from sakshi.web.dashboard import STRATEGY_METRICS, Dashboard


def test_every_key_is_read() -> None:
    """Intervals are seconds, windows durations in their shortest form."""
    configuration = read_text(
        """\
        dashboard:
          interval: 1s
          window: 90s
          metrics: [up, 'job:up:sum']
          series_max: 10
        web:
          allowed_hosts: [sakshi.example.org, LOCAL, '[fe80::1]', '10.0.0.7']
        """
    )

    assert configuration.dashboard == Dashboard(1.0, "1m30s", ["up", "job:up:sum"], series_max=10)
    assert configuration.web.allowed_hosts == {"sakshi.example.org", "local", "fe80::1", "10.0.0.7"}


def test_the_defaults_are_the_dashboards() -> None:
    """An empty section is as none."""
    assert read_text("dashboard:\nweb:\n").dashboard == Dashboard()
    assert read_text("").dashboard.metrics == STRATEGY_METRICS
    assert read_text("").web == WebConfig()


def test_the_admin_api_is_off_unless_it_is_asked_for() -> None:
    """As in Prometheus: whoever reaches the port could delete otherwise."""
    assert not read_text("web: {allowed_hosts: [a]}").web.enable_admin_api
    assert read_text("web: {enable_admin_api: true}").web.enable_admin_api


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "dashboard: {interval: 500ms}",
            'x.yml:1:23: dashboard.interval: expected a duration like "30s" or "1h30m" '
            'of at least 1s, found "500ms"',
        ),
        (
            "dashboard: {metrics: [up, 'up{}']}",
            'x.yml:1:27: dashboard.metrics[1]: expected a metric name, found "up{}"',
        ),
        (
            "dashboard: {series_max: 0}",
            'x.yml:1:25: dashboard.series_max: expected a whole number of at least 1, found "0"',
        ),
        (
            "web: {allowed_hosts: ['https://sakshi.example.org']}",
            "x.yml:1:23: web.allowed_hosts[0]: expected a host name, without scheme or port, "
            'found "https://sakshi.example.org"',
        ),
        (
            "web: {allowed_hosts: ['sakshi:9090']}",
            "x.yml:1:23: web.allowed_hosts[0]: expected a host name, without scheme or port, "
            'found "sakshi:9090"',
        ),
    ],
)
def test_what_is_wrong_has_its_place(text: str, problem: str) -> None:
    """One mistake is one problem, with line, column and key."""
    assert find_problems(text) == [problem]
