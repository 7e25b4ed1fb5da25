"""`sakshi backup`: copies that are whole, of folders that are in use or are not."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import numpy as np
import pytest
from tests.cli.conftest import Run, serving
from tests.conftest import FakeClock

from sakshi.ledger import SqliteLedger
from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch, SqliteStore, StorageConfig

CONFIG = """
global: {evaluation_interval: 200ms}
rule_files: [rules.yml]
"""
RULES = """
groups:
  - name: g
    rules:
      - {alert: Always, expr: 'vector(1)'}
      - {record: one, expr: 'vector(1)'}
"""
UP = Labels({"__name__": "up", "job": "a", "instance": "b"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(RULES)
    path = tmp_path / "sakshi.yml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def data(tmp_path: Path, clock: FakeClock) -> Path:
    """A folder with chunks, a log, alerts and a baseline."""
    folder = tmp_path / "data"
    store = SqliteStore(folder / "samples", StorageConfig(close_seconds_max=0), clock=clock)
    moments = clock.now_ms() - np.arange(2000) * 1000
    store.import_samples(
        ImportBatch([UP], np.zeros(2000, np.intp), moments, np.random.default_rng(1).random(2000))
    )
    target = store.target(Labels({"job": "a"}))
    target.append(clock.now_ms(), target.columns([UP.updated({"job": "log"})]), np.ones(1))
    store.close()
    SqliteLedger(folder / "alerts.db", lambda _: (), clock).close()
    (folder / "baselines").mkdir()
    baseline = {"name": "b", "title": "", "recorded_at": "2023-11-14T22:13:20.123Z"}
    text = json.dumps({**baseline, "over": "1m", "values": {}, "observations": {}})
    (folder / "baselines" / "b.json").write_text(text)
    return folder


@pytest.mark.slow
def test_a_copy_of_a_sakshi_that_runs_gives_the_same_answers(
    tmp_path: Path, config: Path, run: Run
) -> None:
    """Samples and alerts, of one moment; what is served goes on, and is not in it."""
    copy = tmp_path / "copy"
    with serving(config, tmp_path / "data") as (url, _), httpx2.Client(base_url=url) as client:
        wait_for_value(client, "count_over_time(one[1h]) > 2")
        done = run("backup", str(copy), "--data", str(tmp_path / "data"), "--json")
        at = float(
            client.get("/api/v1/query", params={"query": "time()"}).json()["data"]["result"][1]
        )
        expected = raw(client, at)
        active_at = active(client)
    with serving(config, copy) as (url, _), httpx2.Client(base_url=url) as client:
        found = raw(client, at)
        wait_for_value(client, "ALERTS")
        assert active(client) == active_at

    assert done.code == 0, done
    report = json.loads(done.output)
    assert (report["problems"], report["folder"]) == ([], str(copy))
    assert report["checksums"] > 3
    assert len(found) >= 3
    assert found == expected[: len(found)]


def raw(client: httpx2.Client, at: float) -> list[list[object]]:
    answer = client.get("/api/v1/query", params={"query": "one[1h]", "time": at}).json()
    samples: list[list[object]] = answer["data"]["result"][0]["values"]
    return samples


def active(client: httpx2.Client) -> str:
    [alert] = client.get("/api/v1/alerts").json()["data"]["alerts"]
    since: str = alert["activeAt"]
    return since


def wait_for_value(client: httpx2.Client, query: str) -> None:
    waiting = threading.Event()
    for _ in range(200):
        answer = client.get("/api/v1/query", params={"query": query}).json()
        if answer["data"]["result"]:
            return
        waiting.wait(0.05)
    pytest.fail(f"never: {query}")


def test_everything_is_copied_and_verified(data: Path, tmp_path: Path, run: Run) -> None:
    """Samples, alerts, baselines; nothing else is left, neither here nor there."""
    before = sorted(path.relative_to(data) for path in data.rglob("*"))
    done = run("backup", str(tmp_path / "copy"), "--data", str(data))
    again = run("backup", str(tmp_path / "copy"), "--verify")

    assert (done.code, again.code) == (0, 0), done
    assert done.output.startswith(f"{tmp_path / 'copy'}: whole, 0.")
    assert " checksums compared, " in again.output
    copied = sorted(
        str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")
    )
    assert copied == ["alerts.db", "baselines", "baselines/b.json", "samples", "samples/samples.db"]
    assert sorted(path.relative_to(data) for path in data.rglob("*")) == before
    assert not (tmp_path / "copy.draft").exists()


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("update chunk set data = x'00'", "chunk 1: wrong checksum"),
        ("update span set end_ms = end_ms + 1 where id = 1", "span 1: wrong checksum"),
        ("update series_batch set body = x'00' where id = 1", "series_batch 1: wrong checksum"),
        ("insert into series_end values (1, 7, 0, 0)", "series_end 7: wrong checksum"),
        ("update target set labels = '{}' where id = 1", "target 1: wrong checksum"),
        ("update family set name = 'down'", "family 1: wrong checksum"),
        ("update log set body = x'00'", "log 1: wrong checksum"),
        ("delete from target where id = 2", "series_batch 2: refers to a target that is not there"),
    ],
)  # fmt: skip
def test_each_damage_is_found(sql: str, problem: str, data: Path, tmp_path: Path, run: Run) -> None:
    """Of each table; the copy is kept, with the rest of the samples, and the exit code is 2."""
    with closing(sqlite3.connect(data / "samples" / "samples.db")) as connection:
        connection.execute("pragma foreign_keys = off")
        connection.execute(sql)
        connection.commit()

    done = run("backup", str(tmp_path / "copy"), "--data", str(data))

    assert done.code == 2
    assert f"damaged: samples/samples.db: {problem}" in done.error
    assert done.output.startswith(f"{tmp_path / 'copy'}: damaged, ")


def test_damaged_pages_are_found(data: Path, tmp_path: Path, run: Run) -> None:
    """Of samples and alerts; and a baseline that is none."""
    copy = tmp_path / "copy"
    assert run("backup", str(copy), "--data", str(data)).code == 0
    for name in ("samples/samples.db", "alerts.db"):
        path = copy / name
        content = bytearray(path.read_bytes())
        content[4096:8192] = bytes(range(256)) * 16
        path.write_bytes(content)
    (copy / "baselines" / "b.json").write_text("{")

    done = run("backup", str(copy), "--verify")

    assert done.code == 2
    found = [line.split(": ")[1] for line in done.error.splitlines() if line.startswith("damaged")]
    assert {"samples/samples.db", "alerts.db", "baselines"} <= set(found)


def test_nothing_is_overwritten(data: Path, tmp_path: Path, run: Run) -> None:
    """A folder that is there stays as it is."""
    (tmp_path / "copy").mkdir()
    done = run("backup", str(tmp_path / "copy"), "--data", str(data))

    assert (done.code, done.error) == (
        1,
        f"sakshi backup: error: {tmp_path / 'copy'} exists: a backup overwrites nothing\n",
    )
    assert list((tmp_path / "copy").iterdir()) == []


def test_what_is_no_data_folder_is_not_copied(tmp_path: Path, run: Run) -> None:
    """Neither is it verified."""
    copied = run("backup", str(tmp_path / "copy"), "--data", str(tmp_path))
    verified = run("backup", str(tmp_path), "--verify")

    assert [copied.code, verified.code] == [1, 1]
    assert copied.error == (
        f"sakshi backup: error: {tmp_path} is no data folder: expected samples/samples.db in it\n"
    )
    assert verified.error == (
        f"sakshi backup: error: {tmp_path} is no backup: expected samples/samples.db in it\n"
    )
    assert not (tmp_path / "copy").exists()


@contextlib.contextmanager
def writing(data: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    """Commit row after row until the block ends."""
    store = SqliteStore(data / "samples", clock=clock)
    ended = threading.Event()
    target = store.target(Labels({"job": "busy"}))
    columns = target.columns([UP.updated({"job": f"busy{index}"}) for index in range(50)])

    def write() -> None:
        moment = clock.now_ms()
        while not ended.is_set():
            moment += 1000
            target.append(moment, columns, np.full(50, moment))
            store.commit()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield store
    finally:
        ended.set()
        thread.join()
        store.close()


def test_a_copy_is_of_one_moment(data: Path, tmp_path: Path, clock: FakeClock, run: Run) -> None:
    """While somebody commits without a pause: whole rows, none missing before the last."""
    with writing(data, clock):
        done = run("backup", str(tmp_path / "copy"), "--data", str(data))
    shutil.copytree(tmp_path / "copy", tmp_path / "opened")
    store = SqliteStore(tmp_path / "opened" / "samples", clock=clock)
    target = store.target(Labels({"job": "busy"}))
    rows = target.bounds()  # type: ignore[attr-defined]
    damaged = store.statistics().damaged_records
    store.close()

    assert (done.code, damaged) == (0, 0), done
    assert rows[0] in (None, clock.now_ms() + 1000)


def test_what_an_interrupted_backup_left_is_cleared(data: Path, tmp_path: Path, run: Run) -> None:
    """A draft of a process that was killed is no reason to fail, and is no copy."""
    (tmp_path / "copy.draft" / "samples").mkdir(parents=True)
    (tmp_path / "copy.draft" / "samples" / "half").write_text("half")

    assert run("backup", str(tmp_path / "copy"), "--data", str(data)).code == 0
    assert not (tmp_path / "copy.draft").exists()
    assert not (tmp_path / "copy" / "samples" / "half").exists()
