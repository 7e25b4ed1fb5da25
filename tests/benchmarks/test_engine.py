"""The parts of the engine benchmark that decide what is measured: targets, rules, tables."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import yaml
from benchmarks.engine.exporter import Target
from benchmarks.engine.kind import Place, Watch, find_kind
from benchmarks.engine.rules import RULES_EACH, rule_file
from benchmarks.engine.settings import PROGRAMS, Settings, add_settings, read_settings
from benchmarks.engine.stored import NAMES
from benchmarks.engine.table import format_runs

from sakshi.config import read_configuration
from sakshi.exposition import parse_text

PATHS = {key: f"/opt/{name}" for key, name in PROGRAMS.items()}


@pytest.mark.parametrize("series", [100, 200, 1000])
def test_target_exposes_as_many_series_as_it_was_told(series: int) -> None:
    """A target has exactly the series that it was asked for, under the names that are counted."""
    target = Target(0, series, seed=1)

    families = parse_text(target.answer("/metrics").body)

    names = [sample.name for family in families for sample in family.samples]
    assert len(names) == series
    assert set(names) == set(NAMES)


def test_target_with_too_few_series_is_refused() -> None:
    """Below 100 series a family would be empty."""
    with pytest.raises(ValueError, match="a target needs 100 series at least, not 99"):
        Target(0, 99, seed=1)


def test_targets_of_one_seed_are_equal() -> None:
    """What a target exposes at a tick depends on index and seed alone, rendered before or not."""
    first, second, other = (Target(0, 200, seed) for seed in (1, 1, 2))
    second.prerender(2)

    bodies = [[target.answer("/").body for _ in range(3)] for target in (first, second, other)]

    assert bodies[0] == bodies[1]
    assert bodies[0] != bodies[2]


def test_rule_file_is_one_that_sakshi_reads(tmp_path: Path) -> None:
    """200 recording and 200 alerting rules, in a file that sakshi's own subject accepts."""
    rules, config = tmp_path / "rules.yml", tmp_path / "config.yml"
    rules.write_text(rule_file(targets=10))
    watch = Watch([9100, 9101], rules=rules, webhook="http://127.0.0.1:9/hook")
    config.write_text(find_kind("sakshi", PATHS).configuration(watch))

    configuration = read_configuration(config, {})

    assert sum(len(group.rules) for group in configuration.rule_groups) == 2 * RULES_EACH
    assert not configuration.warnings
    assert configuration.notifications is not None


@pytest.mark.parametrize(
    ("spec", "program"),
    [
        pytest.param("prometheus", "/opt/prometheus", id="prometheus"),
        pytest.param("victoria-metrics", "/opt/victoria-metrics", id="victoria-metrics"),
        pytest.param("cmd:/opt/other --port {port} {config}", "/opt/other", id="a command line"),
    ],
)
def test_subject_scrapes_all_targets(spec: str, program: str) -> None:
    """Each kind of subject runs its program, on a prometheus.yml that names each target."""
    kind = find_kind(spec, PATHS)
    watch = Watch([9100, 9101])

    command = kind.command(Place(Path("c.yml"), Path("data"), 9090), watch)
    configuration = yaml.safe_load(kind.configuration(watch))

    assert command[0] == program
    assert any("9090" in argument for argument in command)
    (job,) = configuration["scrape_configs"]
    assert [entry["targets"] for entry in job["static_configs"]] == [
        ["127.0.0.1:9100"],
        ["127.0.0.1:9101"],
    ]


def test_command_line_without_arguments_is_the_default() -> None:
    """The defaults of the command line are those of the settings."""
    parser = argparse.ArgumentParser()
    add_settings(parser)

    assert read_settings(parser.parse_args([])) == Settings()


def test_table_shows_medians_spread_and_ratio() -> None:
    """Two subjects stand side by side: median [least..most], and the first over the second."""
    runs = [
        {"subject": "sakshi", "query": {"ms": 1.0, "series": 5}},
        {"subject": "prometheus", "query": {"ms": 4.0, "series": 8}},
        {"subject": "sakshi", "query": {"ms": 3.0, "series": 5}},
    ]

    table = format_runs(runs, ["sakshi", "prometheus"])

    assert table.splitlines() == [
        "measure     sakshi  prometheus  ratio",
        "-------------------------------------",
        "query.ms  2 [1..3]           4   0.50",
        "the answers differ in size: query.series: 5 and 8",
    ]
