"""The summary of all benchmarks: what has a target, and whether it was reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.moments import Moments
from benchmarks.summary import format_summary, main


def test_summary_judges_what_has_a_target() -> None:
    """A figure stands beside its peer's, with the ratio, and is judged where there is a target."""
    report = {
        "runs": [
            {"subject": "sakshi", "ingest": {"cpu_percent_of_core": 30.0}},
            {"subject": "prometheus", "ingest": {"cpu_percent_of_core": 20.0}},
        ]
    }

    lines = format_summary({"engine": report, "middleware": {"added_us": 2.5}}).splitlines()

    assert lines[2].split()[-7:] == ["30", "20", "prometheus", "1.50", "<", "25", "MISSED"]
    assert lines[-1].split()[-4:] == ["-", "<", "10", "reached"]


def test_summary_of_a_benchmark_that_did_not_run_is_left_out() -> None:
    """Only reports that exist have rows."""
    assert len(format_summary({"middleware": {"added_us": 2.5}}).splitlines()) == 3


def test_summary_reads_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files of the results folder are reports, named after their benchmark."""
    (tmp_path / "middleware.json").write_text(json.dumps({"added_us": 2.5, "commit": "c0ffee"}))

    main(["--results", str(tmp_path)])

    assert "middleware: commit c0ffee" in capsys.readouterr().out


def test_moments_keep_the_first() -> None:
    """What is heard of again keeps its first moment; what is not heard of has none."""
    moments = Moments()
    moments.note(("0", "firing"), 1.0)
    moments.note(("0", "firing"), 2.0)

    assert moments.wait(("0", "firing"), 0.0) == 1.0
    assert moments.wait(("1", "firing"), 0.0) is None
