"""The demo's configuration: the examples', shortened and otherwise the same."""

from __future__ import annotations

import re

import yaml

from sakshi.config import read_configuration
from sakshi.demo.configuration import (
    RULE_FILES,
    Addresses,
    find_examples,
    shorten_route,
    write_configuration,
)
from sakshi.kpi import Holds

ADDRESSES = Addresses(
    service="127.0.0.1:5001",
    smtp="127.0.0.1:2525",
    slack_url="http://127.0.0.1:8080/slack",
    pagerduty_url="http://127.0.0.1:8080/v2/enqueue",
)


def test_the_demos_rules_are_the_examples_with_other_durations(tmp_path):
    """But for windows and `for`s no rule differs: the demo proves what people are given."""
    write_configuration(tmp_path, ADDRESSES)

    for name in RULE_FILES:
        original = yaml.safe_load((find_examples() / name).read_text())
        shortened = yaml.safe_load((tmp_path / name).read_text())
        assert without_durations(shortened) == without_durations(original)
        assert shortened != original


def without_durations(content):
    text = re.sub(r"\[\w+\]", "[]", yaml.safe_dump(content, width=10_000))
    return re.sub(r"for: \w+", "for:", text)


def test_each_window_and_each_for_is_shortened(tmp_path):
    """Nothing of the production's patience is left in the demo."""
    write_configuration(tmp_path, ADDRESSES)

    for name in RULE_FILES:
        text = (tmp_path / name).read_text()
        assert set(re.findall(r"\[(\w+)\]", text)) <= {"15s", "1m"}
        assert set(re.findall(r"for: (\w+)$", text, re.MULTILINE)) <= {
            "2s",
            "4s",
            "6s",
            "10s",
            "20s",
        }


def test_the_examples_write_their_windows_two_ways_only():
    """The demo shortens `[5m]` and `[1h]`: a rule with another window would keep it unnoticed."""
    for name in RULE_FILES:
        text = (find_examples() / name).read_text()
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        assert set(re.findall(r"\[(\d\w*)\]", code)) <= {"5m", "1h"}


def test_the_demos_files_are_a_configuration_without_a_warning(tmp_path):
    """Every channel is configured, every key is known."""
    path = write_configuration(tmp_path, ADDRESSES)

    configuration = read_configuration(path, ADDRESSES.environment())

    assert configuration.warnings == []
    assert configuration.scrape_configs[0].static_targets[0].addresses == ["127.0.0.1:5001"]
    assert configuration.notifications is not None
    assert configuration.notifications.unconfigured == []
    assert configuration.dashboard.window == "15s"


def test_each_written_file_says_that_it_is_the_demos(tmp_path):
    """Whoever finds the files knows that their durations are not for production."""
    write_configuration(tmp_path, ADDRESSES)

    for path in tmp_path.iterdir():
        assert path.read_text().startswith("# The demo's: windows of 5m and 1h are 15s and 1m"), (
            path.name
        )


def test_kpis_are_the_examples_with_shorter_windows_and_fors(tmp_path):
    """Limits, expressions and conditions are what people are given."""
    path = write_configuration(tmp_path, ADDRESSES)

    shown = {kpi.name: kpi for kpi in read_configuration(path, ADDRESSES.environment()).kpis}
    given = {kpi.name: kpi for kpi in read_configuration(find_examples() / "sakshi.yml", {}).kpis}

    assert list(shown) == list(given)
    for name, kpi in shown.items():
        assert kpi.limits == given[name].limits
        assert kpi.window == {"5m": "15s", "1h": "1m"}[given[name].window]
        assert kpi.expr == given[name].expr.replace("[5m]", "[15s]")
        assert kpi.holds == Holds(critical=2000, warning=10_000, target=30_000, no_data=10_000)


def test_group_timers_are_shortened_at_every_depth():
    """Children's timers too; what is not a group timer stays."""
    route = {
        "group_wait": "30s",
        "repeat_interval": "4h",
        "routes": [{"group_interval": "1m", "receiver": "x"}],
    }

    shorten_route(route)

    assert route == {
        "group_wait": "2s",
        "repeat_interval": "4h",
        "routes": [{"group_interval": "5s", "receiver": "x"}],
    }
