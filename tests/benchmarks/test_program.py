"""The programs of benchmarks/: they explain themselves, refuse what they do not know, and run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUN_SECONDS_MAX = 120


def run_program(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )


def measure(out: Path, *arguments: str) -> dict[str, Any]:
    """Run a program with settings that make it short; return its report."""
    finished = run_program("-m", *arguments, "--out", out)
    assert finished.returncode == 0, finished.stderr
    report: dict[str, Any] = json.loads(out.read_text())
    return report


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["benchmarks/run.py"], id="run"),
        pytest.param(["benchmarks/middleware.py"], id="middleware"),
        pytest.param(["-m", "benchmarks.alert_latency"], id="alert latency"),
        pytest.param(["-m", "benchmarks.engine"], id="engine"),
        pytest.param(["-m", "benchmarks.remote_write"], id="remote write"),
        pytest.param(["-m", "benchmarks.start"], id="start"),
        pytest.param(["-m", "benchmarks.summary"], id="summary"),
    ],
)
def test_program_explains_itself(arguments: list[str]) -> None:
    """Each program answers --help."""
    finished = run_program(*arguments, "--help")

    assert finished.returncode == 0
    assert finished.stdout.startswith("usage: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["benchmarks/run.py", "--only", "start,nothing"],
            "expected middleware, judgement, start, alert_latency, engine, engine_small, "
            'engine_large; found "nothing"',
            id="a benchmark that does not exist",
        ),
        pytest.param(
            ["-m", "benchmarks.engine", "--phases", "ingest,sleep"],
            'expected ingest, query, start, cold, crash, rules, detect; found "sleep"',
            id="a phase that does not exist",
        ),
        pytest.param(
            ["-m", "benchmarks.engine", "--vs", "influx"],
            'expected sakshi, prometheus, victoria-metrics or cmd:TEMPLATE; found "influx"',
            id="a subject that does not exist",
        ),
        pytest.param(
            ["-m", "benchmarks.alert_latency", "--trials", "33"],
            'expected 1 to 32, found "33"',
            id="more trials than the target has gauges",
        ),
    ],
)
def test_program_refuses_what_it_does_not_know(arguments: list[str], message: str) -> None:
    """What is wrong on a command line is named, with what was expected, before anything runs."""
    finished = run_program(*arguments)

    assert finished.returncode == 2
    assert message in finished.stderr


@pytest.mark.slow
def test_engine_measures_sakshi(tmp_path: Path) -> None:
    """Every sample that was handed out is found in the store again, and each query answered."""
    report = measure(
        tmp_path / "engine.json",
        *("benchmarks.engine", "--phases", "ingest,query,cold", "--series", "400"),
        *("--targets", "2", "--duration", "2", "--k", "1", "--starts", "1"),
    )

    assert report["benchmark"] == "engine"
    assert report["settings"]["series"] == 400
    (run,) = report["runs"]
    assert run["subject"] == "sakshi"
    assert run["ingest"]["scrapes_lost"] == 0
    counted = run["ingest"]["samples_counted_in_store"]
    assert counted == run["ingest"]["samples_expected_in_store"] > 0
    assert run["query"]["each"]["raw_1000"]["series"] == 200 + len(SCRAPE_SERIES)
    assert all(row["ms"] > 0 for row in run["query"]["each"].values())
    assert run["cold"]["each_ms"].keys() == run["query"]["each"].keys()
    assert run["size"]["live_bytes"] > 0


@pytest.mark.slow
def test_alert_latency_hears_of_an_alert(tmp_path: Path) -> None:
    """The page and the webhook hear of an alert after the commit of the sample that fired it."""
    report = measure(
        tmp_path / "alert_latency.json",
        *("benchmarks.alert_latency", "--trials", "1", "--series", "200"),
    )

    for state in ("firing", "resolved"):
        figures = report["figures"][state]
        assert figures["missed"] == 0
        assert 0 < figures["page_after_scrape_s"]["median"] < figures["page_after_change_s"]["max"]
        assert figures["webhook_after_commit_s"]["count"] == 1


SCRAPE_SERIES = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""What every scrape adds to its target's own series."""
