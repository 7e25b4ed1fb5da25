from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import Run
from tests.peers import find_peer

from sakshi.alerting import InhibitRule, parse_matchers
from sakshi.cli.export import write_whole
from sakshi.config import read_configuration, read_rule_file
from sakshi.kpi import generate_groups, generate_inhibit_rules

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "sakshi.yml")
WHATS = ("rules", "inhibit-rules", "buckets")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A configuration without KPIs."""
    path = tmp_path / "prometheus.yml"
    path.write_text("global: {evaluation_interval: 1s}\n")
    return path


def test_rules_are_those_that_sakshi_evaluates(run: Run, tmp_path: Path) -> None:
    """At the configuration's interval; promtool finds nothing to complain about."""
    path = tmp_path / "rules.yml"

    done = run("export", "rules", EXAMPLE, "--output", str(path))

    assert (done.code, done.output) == (0, "")
    configuration = read_configuration(Path(EXAMPLE), {})
    expected = generate_groups(configuration.kpis, "sakshi.yml", 5000, configuration.rule_groups)
    found, _ = read_rule_file(path, "sakshi.yml", 60_000)
    assert list(found) == list(expected)
    arguments = [str(find_peer("promtool")), "check", "rules", "--lint-fatal", str(path)]
    assert subprocess.run(arguments, capture_output=True, check=False).returncode == 0


def test_inhibit_rules_are_those_of_sakshi(run: Run, tmp_path: Path) -> None:
    """With the same matchers; Alertmanager takes a file that is made of them."""
    done = run("export", "inhibit-rules", EXAMPLE)

    found = yaml.safe_load(done.output)["inhibit_rules"]
    expected = generate_inhibit_rules(read_configuration(Path(EXAMPLE), {}).kpis)
    for written, rule in zip(found, expected, strict=True):
        sides = (written["source_matchers"], written["target_matchers"])
        source, target = ([parse_matchers(text)[0] for text in side] for side in sides)
        assert InhibitRule(source, target, written.get("equal", ())) == rule
    path = tmp_path / "alertmanager.yml"
    path.write_text(f"route: {{receiver: team}}\nreceivers: [{{name: team}}]\n{done.output}")
    arguments = [str(find_peer("amtool")), "check-config", str(path)]
    checked = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (checked.returncode, f" - {len(found)} inhibit rules" in checked.stdout) == (0, True)


def test_buckets_are_a_line_a_histogram(run: Run) -> None:
    """JSON, in each histogram's own unit."""
    assert run("export", "buckets", EXAMPLE).output == (
        "{\n"
        '  "consciousness_response_time_seconds": [2.0, 3.0, 5.0],\n'
        '  "consciousness_pipeline_duration_seconds": [1.5, 2.5, 4.0],\n'
        '  "ai_model_response_time_seconds": [0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5],\n'
        '  "websocket_message_processing_seconds": [0.1, 0.2, 0.5]\n'
        "}\n"
    )


@pytest.mark.parametrize("what", ["rules", "inhibit-rules"])
def test_what_is_generated_says_so(what: str, run: Run) -> None:
    """On its first lines: by which command, and where to change it instead."""
    assert run("export", what, EXAMPLE).output.startswith(
        f"# What the KPIs of sakshi.yml become. Written by `sakshi export {what}`:\n"
        "# change the KPIs and export them again, not this file.\n"
    )


@pytest.mark.parametrize("what", WHATS)
def test_no_kpis_are_an_empty_document_and_a_warning(what: str, run: Run, empty: Path) -> None:
    """Whoever reads the file gets what they can read; a person is told."""
    done = run("export", what, str(empty))

    expected: dict[str, object] = {
        "rules": {"groups": []},
        "inhibit-rules": {"inhibit_rules": []},
        "buckets": {},
    }
    assert done.code == 0
    assert yaml.safe_load(done.output) == expected[what]
    assert done.error == f"warning: {empty} declares no `kpis`: there is nothing to export\n"


def test_the_configuration_of_this_folder_is_exported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sakshi.yml`, where none is named."""
    mean = "sum(rate(x_seconds_sum[5m])) / sum(rate(x_seconds_count[5m]))"
    kpis = {"k": {"group": "g", "unit": "s", "expr": mean, "target": "<70ms"}}
    (tmp_path / "sakshi.yml").write_text(json.dumps({"kpis": kpis}))
    monkeypatch.chdir(tmp_path)

    assert json.loads(run("export", "buckets").output) == {"x_seconds": [0.07]}


def test_buckets_are_found_through_the_rule_files(run: Run, tmp_path: Path) -> None:
    """Of the configuration: a KPI may read what one of them records."""
    rule = {"record": "x_ms", "expr": "1000 * rate(x_seconds_sum[5m])"}
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))
    kpis = {"k": {"group": "g", "unit": "ms", "expr": "avg(x_ms)", "target": "<70"}}
    config = tmp_path / "sakshi.yml"
    config.write_text(json.dumps({"rule_files": ["rules.yml"], "kpis": kpis}))

    done = run("export", "buckets", str(config))

    assert (done.code, done.error) == (0, "")
    assert json.loads(done.output) == {"x_seconds": [0.07]}


def test_problems_of_the_configuration_are_named(run: Run, tmp_path: Path) -> None:
    """All of them, as `sakshi check` does; exit code 2, and no file."""
    config, output = tmp_path / "sakshi.yml", tmp_path / "rules.yml"
    config.write_text("kpis: {k: {group: g, expr: up}}\nnonsense: 1\n")

    done = run("export", "rules", str(config), "--output", str(output))
    checked = run("check", str(config))

    assert (done.code, done.output) == (2, "")
    assert done.error == checked.error != ""
    assert not output.exists()


def test_a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    """With the system's reason, and exit code 1."""
    path = tmp_path / "missing" / "rules.yml"

    done = run("export", "rules", EXAMPLE, "--output", str(path))

    assert (done.code, done.output) == (1, "")
    assert done.error == (f"sakshi export: {path} cannot be written: No such file or directory\n")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Through a link; what fails leaves what was there, and nothing beside it."""
    path, link = tmp_path / "real.yml", tmp_path / "link.yml"
    path.write_text("before")
    link.symlink_to(path)

    with pytest.raises(UnicodeEncodeError):
        write_whole(link, "\ud800")
    assert path.read_text() == "before"

    write_whole(link, "å\n")
    assert (path.read_text(), link.is_symlink()) == ("å\n", True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.yml", "real.yml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: WHAT"),
        (
            ["alerts"],
            "argument WHAT: invalid choice: 'alerts' (choose from rules, inhibit-rules, buckets)",
        ),
    ],
)
def test_what_is_exported_must_be_said(arguments: list[str], message: str, run: Run) -> None:
    """Exit code 64, and what there is to choose from."""
    done = run("export", *arguments)

    assert (done.code, done.output) == (64, "")
    assert f"sakshi export: {message}".replace("'", "") in done.error.replace("'", "")
