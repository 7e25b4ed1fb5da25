"""`sakshi import`: from files and servers, into folders and servers; beside a real Prometheus."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from tests.cli.conftest import Run, serving
from tests.peers import Prometheus, PrometheusPeer, prometheus

from sakshi.cli.client import Client, NoAnswerError
from sakshi.cli.import_progress import ImportProgress
from sakshi.cli.import_prometheus import PrometheusSource, SourceError
from sakshi.cli.import_run import Import
from sakshi.cli.import_sorter import BATCH_SERIES, SampleSorter
from sakshi.model.clock import SystemClock
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import ImportBatch, ImportOutcome, SqliteStore, is_absent

__all__ = ["prometheus"]  # the fixture

EVERYTHING = '{__name__=~".+"}'
CONFIG = "global: {evaluation_interval: 1s}\nweb: {enable_admin_api: true}\n"

Samples = dict[str, list[tuple[int, str]]]


def history(chance: random.Random, start: int = 3600) -> str:
    """An irregular history of 1970, series after series, with every kind of number."""
    values = [0.1, 1e300, 5e-324, -0.0, 17.0, float("inf"), float("-inf"), float("nan")]
    lines = []
    for index in range(30):
        labels = f'm_{index % 7}{{job="j{index % 3}",instance="i",n="{index}"}}'
        moment = start + chance.randrange(100)
        for _ in range(chance.randrange(1, 80)):
            moment += chance.choice([15, 15, 15, 15, 600])
            value = chance.choice([*values, chance.random(), chance.random() * 1e9])
            text = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(str(value), repr(value))
            lines.append(f"{labels} {text} {moment}.{index:03}")
    return "\n".join([*lines, "# EOF\n"])


def ask(client: httpx2.Client, query: str, at: float) -> Samples:
    """All raw samples that a range selector gives, by series, as the API shows them."""
    answer = client.post("/api/v1/query", data={"query": query, "time": at}).json()
    assert answer["status"] == "success", answer
    return {
        json.dumps(found["metric"], sort_keys=True): [
            (round(1000 * moment), value) for moment, value in found["values"]
        ]
        for found in answer["data"]["result"]
    }


def read(data: Path) -> dict[Labels, dict[int, int]]:
    """The value bits in a folder by moment, by series."""
    store = SqliteStore(data / "samples")
    everything = [Matcher("__name__", MatchOperator.NOT_EQUAL, "")]
    found: dict[Labels, dict[int, int]] = {}
    for columns in store.select(everything, -(1 << 52), 1 << 52):
        for index, labels in enumerate(columns.series):
            values = np.ascontiguousarray(columns.values[:, index])
            there = ~is_absent(values)
            moments = columns.timestamps[there].tolist()
            found[labels] = dict(zip(moments, values.view(np.uint64)[there].tolist(), strict=True))
    store.close()
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sakshi.yml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def text() -> str:
    return history(random.Random(1))


@pytest.fixture(scope="module")
def peer(prometheus: PrometheusPeer, text: str) -> Iterator[Prometheus]:
    """A Prometheus with the same history, which its own promtool made."""
    with prometheus.serving(text) as served:
        yield served


@pytest.mark.slow
def test_the_same_file_gives_the_same_answers_in_prometheus(
    peer: Prometheus, text: str, tmp_path: Path, config: Path, run: Run
) -> None:
    """All series, samples and values agree through both APIs; a server keeps what is of 1970."""
    path = tmp_path / "history.om"
    path.write_text(text)
    done = run("import", "openmetrics", str(path), "--data", str(tmp_path / "data"), "--json")
    expected = ask(peer.client, f"{EVERYTHING}[100d]", 8_000_000)
    with serving(config, tmp_path / "data") as (url, _), httpx2.Client(base_url=url) as client:
        found = ask(client, f"{EVERYTHING}[100d]", 8_000_000)

    assert done.code == 0, done
    summary = json.loads(done.output)
    count = sum(map(len, expected.values()))
    assert (summary["taken"], summary["series"], summary["complete"]) == (count, 30, True)
    assert count > 1000
    assert found == expected


@pytest.mark.slow
def test_a_prometheus_is_imported_into_a_server(
    peer: Prometheus, tmp_path: Path, config: Path, run: Run
) -> None:
    """Raw samples over its API, over edges of windows; again: nothing is doubled."""
    source = str(peer.client.base_url).rstrip("/")
    expected = ask(peer.client, f"{EVERYTHING}[100d]", 8_000_000)
    with serving(config, tmp_path / "data") as (url, _), httpx2.Client(base_url=url) as client:
        first = run("import", "prometheus", source, "--url", url, "--json")
        again = run("import", "prometheus", source, "--url", url)
        found = ask(client, f"{EVERYTHING}[100d]", 8_000_000)

    count = sum(map(len, expected.values()))
    assert (first.code, json.loads(first.output)["taken"]) == (0, count)
    assert again.output.startswith(f"0 samples imported, {count:,} were there already; 30 series, ")
    assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize("samples_max", [1, 37, 100_000])
def test_no_window_loses_or_doubles_a_sample(peer: Prometheus, samples_max: int) -> None:
    """However narrow the windows are; the bounds are inclusive; selectors may overlap."""
    everything = ask(peer.client, f"{EVERYTHING}[100d]", 8_000_000)
    moments = sorted(moment for samples in everything.values() for moment, _ in samples)
    start_ms, end_ms = moments[len(moments) // 2], moments[len(moments) // 2 + 150]
    client = Client(str(peer.client.base_url).rstrip("/"))
    selectors = ['{job="j1"}', '{job=~"j.*"}']

    source = PrometheusSource(client, selectors, start_ms, end_ms, samples_max)
    windows = list(source.windows())

    found = sorted(moment for window in windows for moment in window.batch.timestamps.tolist())
    assert found == [moment for moment in moments if start_ms <= moment <= end_ms]
    edges = [window.start_ms for window in windows]
    assert edges == sorted(edges, reverse=True)
    assert edges[-1] == start_ms - 1
    assert len(windows) >= 10 or samples_max > 1000


class RefusingClient(Client):
    """Answers nothing that is longer than a limit, as a server that would need too much memory."""

    def __init__(self, limit_ms: int) -> None:
        super().__init__("http://127.0.0.1:1")
        self._limit_ms = limit_ms
        self.widths: list[int] = []

    def ask(self, path: str, parameters: Any) -> Any:
        width_ms = int(parameters["query"].split("[")[1].split("ms]")[0])
        self.widths.append(width_ms)
        if width_ms > self._limit_ms:
            error = "query processing would load too many samples into memory in query execution"
            return {"status": "error", "errorType": "execution", "error": error}
        end = float(parameters["time"])
        if parameters["query"].startswith("count"):
            result: Sequence[Any] = [{"metric": {}, "value": [end, "1"]}]
        else:
            result = [
                {"metric": {"__name__": "m"}, "values": [[end - width_ms / 1000, "0"], [end, "1"]]}
            ]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def test_too_many_samples_are_asked_for_in_halves() -> None:
    """Until the server answers; what it has at the left edge, as before version 3, is left out."""
    client = RefusingClient(1_000_000)
    windows = list(PrometheusSource(client, ["m"], 1, 4_000_000).windows())

    edges = [4_000_000, *(window.start_ms for window in windows)]
    assert [window.batch.timestamps.tolist() for window in windows] == [[end] for end in edges[:-1]]
    assert edges[-1] == 0
    assert max(before - after for before, after in itertools.pairwise(edges)) <= 1_000_000
    assert max(client.widths) > 1_000_000


def test_a_server_that_refuses_a_second_refuses_for_good() -> None:
    """Its own words are told."""
    with pytest.raises(SourceError) as caught:
        list(PrometheusSource(RefusingClient(1), ["m"], 1, 4_000_000).windows())

    assert str(caught.value) == (
        "count(last_over_time(m[878ms])): "
        "query processing would load too many samples into memory in query execution"
    )


class FailingSink:
    """Takes one batch; then the network is gone."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, batch: ImportBatch, newest_ms: int | None) -> ImportOutcome:
        if self.taken:
            raise NoAnswerError("no answer from http://127.0.0.1:9090: Connection refused")
        self.taken = len(batch)
        return ImportOutcome(taken=len(batch))

    def close(self) -> None:
        """Hold nothing."""


def test_an_import_says_where_it_stood() -> None:
    """From a server, the moment down to which everything is done; the rest can be asked for."""
    work = Import(FailingSink(), io.StringIO(), lambda: 0.0, is_shown=True)
    with pytest.raises(NoAnswerError):
        work.import_server(RefusingClient(10**9), ["m"], "0.001", "8000")

    assert work.stood_at == (
        "what is newer than 1970-01-01T01:13:20.000Z is done; repeat the same command, "
        "or the rest of it with --end 1970-01-01T01:13:20.000Z"
    )
    assert (work.is_complete, work.outcome.taken) == (False, 1)


def test_an_import_of_files_says_how_much_is_done(tmp_path: Path) -> None:
    """In samples: the same command passes over them."""
    path = tmp_path / "history"
    lines = [f"m_{index} 1 {index}" for index in range(BATCH_SERIES + 10)]
    path.write_text("\n".join([*lines, "# EOF\n"]))
    work = Import(FailingSink(), io.StringIO(), lambda: 0.0, is_shown=False)
    with pytest.raises(NoAnswerError):
        work.import_files([path], tmp_path)

    assert work.stood_at == (
        "50,000 of 50,010 samples are done; repeat the same command to go on: "
        "what is there already is passed over"
    )


def test_a_history_is_read_from_gzip_and_standard_input(
    tmp_path: Path, text: str, run: Run
) -> None:
    """Several files are one import; what is in both is there once."""
    path = tmp_path / "history"
    path.write_bytes(gzip.compress(text.encode()))
    arguments = [sys.executable, "-m", "sakshi", "import", "openmetrics", "-", str(path)]
    done = subprocess.run(
        [*arguments, "--data", str(tmp_path / "data")],
        input=gzip.compress(text.encode()),
        capture_output=True,
        check=True,
    )
    count = text.count("\n") - 1

    found = read(tmp_path / "data")
    assert sum(map(len, found.values())) == count
    assert done.stdout.decode().startswith(
        f"{count:,} samples imported, {count:,} were there already; 30 series, "
    )
    assert b"storage.tsdb.retention.time (15d)" in done.stderr


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"m 1\n# EOF\n", "{}:1:4: expected a timestamp in seconds behind the value, "
                     "found the end of the line", id="no timestamp"),
        pytest.param(b"m 1 1\n", "{}:1:1: expected # EOF as the last line, found the end of the "
                     "body", id="no end"),
        pytest.param(gzip.compress(b"m 1 1\n# EOF\n" * 99)[:-9], "{}: expected a file that can be "
                     "read, found Compressed file ended before the end-of-stream marker was "
                     "reached",
                     id="half of gzip"),
        pytest.param(b"\x28\xb5\x2f\xfd....", "{0}: expected OpenMetrics, plain or compressed by "
                     "gzip, found zstd: zstd -dc {0} | sakshi import openmetrics -", id="zstd"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_not_imported(
    content: bytes, error: str, tmp_path: Path, run: Run
) -> None:
    """Nothing of it, and nothing of the others; its place is named."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("m 1 1\n# EOF\n")
    bad.write_bytes(content)

    done = run("import", "openmetrics", str(good), str(bad), "--data", str(tmp_path / "data"))

    assert done.code == 2
    assert done.error == f"error: {error.format(bad)}\n"
    assert read(tmp_path / "data") == {}


def test_what_cannot_be_taken_is_named_and_counted(tmp_path: Path, run: Run) -> None:
    """The rest goes in; exit code 1."""
    path = tmp_path / "history"
    path.write_text("m 1 1\nm 2 1\nm 3 2\n# EOF\n")
    done = run("import", "openmetrics", str(path), "--data", str(tmp_path / "data"))

    assert done.code == 1
    assert done.output.startswith("2 samples imported; 1 series, ")
    assert done.error.splitlines()[0] == (
        "refused: 1 samples, duplicate sample for timestamp: "
        "m already has another value at 1970-01-01T00:00:01.000Z"
    )


def test_a_folder_in_use_is_left_alone(tmp_path: Path, run: Run) -> None:
    """The message says what to do."""
    store = SqliteStore(tmp_path / "samples")
    done = run("import", "openmetrics", "-", "--data", str(tmp_path))
    store.close()

    assert done.code == 1
    assert done.error == (
        f"sakshi import: error: the data folder {tmp_path / 'samples'} is in use by another "
        "process: stop that one, or give this one another folder; "
        "--url imports into a sakshi that runs\n"
    )


def test_a_server_takes_an_import_only_where_that_is_allowed(
    sakshi: str, tmp_path: Path, run: Run
) -> None:
    """The message names the key; it says where the import stood."""
    path = tmp_path / "history"
    path.write_text("m 1 1\n# EOF\n")
    done = run("import", "openmetrics", str(path), "--url", sakshi)

    assert done.code == 1
    assert done.error == (
        "sakshi import: error: admin APIs disabled: set web.enable_admin_api in its "
        "configuration, or stop it and use --data\n"
        "sakshi import: stopped: nothing was imported yet\n"
    )


@pytest.mark.parametrize("option", ["--start", "--end"])
def test_a_moment_that_is_none_is_refused(sakshi: str, tmp_path: Path, run: Run, option) -> None:
    """With what was expected."""
    done = run("import", "prometheus", sakshi, option, "today", "--data", str(tmp_path))

    assert done.code == 2
    assert done.error == f'error: {option}: expected RFC 3339 or Unix seconds, found "today"\n'


@pytest.mark.slow
def test_an_import_that_was_killed_is_repeated(tmp_path: Path, text: str, run: Run) -> None:
    """By kill -9 in its midst, then the same command: the same samples, each once."""
    path, lines = tmp_path / "history", []
    for index in range(150):
        lines += [f'm{{job="j{index}"}} {moment} {moment}' for moment in range(2000)]
    path.write_text("\n".join([*lines, "# EOF\n"]))
    data = tmp_path / "data"
    arguments = ["import", "openmetrics", str(path), "--data", str(data)]
    process = subprocess.Popen([sys.executable, "-m", "sakshi", *arguments])
    log = data / "samples" / "samples.db-wal"
    while not (log.exists() and log.stat().st_size > 50_000):
        assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()

    done = run(*arguments, "--json")

    summary = json.loads(done.output)
    assert summary["taken"] + summary["known"] == 300_000
    found = read(data)
    assert len(found) == 150
    expected = {1000 * moment: int(np.float64(moment).view(np.uint64)) for moment in range(2000)}
    assert all(samples == expected for samples in found.values())
    assert sorted(path.name for path in data.rglob("*")) == [
        "samples",
        "samples.db",
        "samples.lock",
    ]


def test_samples_are_sorted_without_memory_of_all(tmp_path: Path) -> None:
    """In batches of a target's consecutive rows; each sample is in exactly one."""
    chance = random.Random(3)
    names = [Labels({"__name__": f"m{index}", "job": f"j{index % 3}"}) for index in range(9)]
    series: dict[Labels, int] = {}
    sorter = SampleSorter(series, tmp_path, run_samples=100, batch_samples=40)
    expected = []
    for _ in range(60):
        labels = chance.choice(names)
        place = series.setdefault(labels, len(series))
        moments = np.array([chance.randrange(-500, 500) for _ in range(chance.randrange(1, 30))])
        sorter.add(np.full(moments.size, place), moments, moments * 0.5)
        expected += [(labels, moment) for moment in moments.tolist()]

    batches = list(sorter.batches())

    found = [
        (batch.series[place], moment)
        for batch in batches
        for place, moment in zip(batch.places.tolist(), batch.timestamps.tolist(), strict=True)
    ]
    assert sorted(found) == sorted(expected)
    assert all((batch.values == batch.timestamps * 0.5).all() for batch in batches)
    assert max(map(len, batches)) <= 80
    assert (sorter.count, sorter.oldest_ms) == (len(expected), min(m for _, m in expected))
    for job in ("j0", "j1", "j2"):
        spans = [
            (min(own), max(own))
            for batch in batches
            if (own := [m for s, m in found_in(batch) if s["job"] == job])
        ]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))
    assert list(tmp_path.iterdir()) == []


def found_in(batch: Any) -> Iterator[tuple[Labels, int]]:
    for place, moment in zip(batch.places.tolist(), batch.timestamps.tolist(), strict=True):
        yield batch.series[place], moment


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals() -> None:
    """One line, over and over, with samples, share and rate; nothing elsewhere."""
    seconds = iter([0.0, 0.0, 2.0, 2.1, 4.0])
    terminal = Terminal()
    progress = ImportProgress(terminal, lambda: next(seconds))
    progress.begin("reading")
    progress.show(1000, 0.25)
    progress.show(1100, 0.3)  # too soon
    progress.show(6000, None, "back to 1970")
    progress.end()

    assert terminal.getvalue() == (
        "\r\x1b[Kreading: 1,000 samples, 25%, 500 a second"
        "\r\x1b[Kreading: 6,000 samples, 1,500 a second, back to 1970\r\x1b[K"
    )
    file = io.StringIO()
    silent = ImportProgress(file, SystemClock().monotonic)
    silent.begin("reading")
    silent.show(1)
    silent.end()
    assert file.getvalue() == ""
