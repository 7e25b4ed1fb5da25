"""Prometheus' own tool asks sakshi, and understands the answers."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

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


HISTOGRAM = """\
# TYPE took_seconds histogram
took_seconds_bucket{le="0.5"} 1
took_seconds_bucket{le="1"} 2
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 3.5
took_seconds_count 4
"""


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(find_peer("promtool")), *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )


def promtool(*arguments: str) -> str:
    done = run("query", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sakshi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("promtool")
    with Target() as target:
        target.body = (
            '# TYPE asked_total counter\nasked_total{code="200"} 7\nload 0.5\n' + HISTOGRAM
        )
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


def test_a_wrong_query(sakshi: Sakshi):
    """The server's words reach who asked."""
    done = run("query", "instant", sakshi.url, "sum(")

    assert done.returncode == 1
    assert done.stderr.rstrip() == (
        'query error: bad_data: invalid parameter "query": '
        "1:5: expected an expression, found the end of the query"
    )


def test_the_use_of_a_histogram(sakshi: Sakshi):
    """`promtool query analyze` counts the buckets of classic histograms that have something."""
    output = promtool(
        "analyze",
        f"--server={sakshi.url}",
        "--type=histogram",
        "--match=took_seconds_bucket",
        "--duration=1m",
    )

    assert 'took_seconds_bucket{instance="one", job="chat"} (classic): 3/3.000/3' in output


@pytest.mark.parametrize("what", ["healthy", "ready"])
def test_whether_it_is_well(sakshi: Sakshi, what: str):
    """`promtool check healthy` and `ready`; a server that is not there is neither."""
    done = run("check", what, f"--url={sakshi.url}")
    assert (done.returncode, done.stderr.strip()) == (0, f"SUCCESS:  sakshi is {what}.")

    assert run("check", what, "--url=http://127.0.0.1:1").returncode != 0


def test_its_own_metrics(sakshi: Sakshi, tmp_path: Path):
    """`promtool debug metrics` keeps them in an archive."""
    done = run("debug", "metrics", sakshi.url, folder=tmp_path)

    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "debug.tar.gz") as archive:
        [name] = archive.getnames()
        kept = archive.extractfile(name)
        assert kept is not None
        assert b"sakshi_received_samples_total" in kept.read()


def test_profiles_are_gos(sakshi: Sakshi, tmp_path: Path):
    """`promtool debug pprof`, and so `debug all`, wants profiles that only a program in Go has."""
    done = run("debug", "pprof", sakshi.url, folder=tmp_path)

    assert done.returncode == 1
    assert "unrecognized profile format" in done.stderr


def test_pushed_metrics(sakshi: Sakshi, tmp_path: Path):
    """`promtool push metrics` sends a file by remote write, and what it sent can be asked for."""
    file = tmp_path / "metrics.txt"
    file.write_text("# HELP pushed_total Sent.\n# TYPE pushed_total counter\npushed_total 4\n")

    done = run("push", "metrics", f"{sakshi.url}/api/v1/write", str(file), "--label=job=batch")

    assert done.returncode == 0, done.stderr
    output = promtool("instant", sakshi.url, "pushed_total")
    assert output.startswith('pushed_total{job="batch"} => 4 @[')
