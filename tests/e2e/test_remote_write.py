"""Real sakshi processes pass samples on to a real Prometheus, and to another sakshi."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.process import Sakshi, free_port, running, wait_for
from tests.e2e.target import Target
from tests.peers import find_peer
from tests.web.pushing import write_request

pytestmark = pytest.mark.slow

CONFIGURATION = """
global:
  scrape_interval: 100ms
  scrape_timeout: 100ms
  evaluation_interval: 100ms
  external_labels: {{cluster: here, job: not this}}
rule_files: [rules.yml]
storage: {{tsdb: {{out_of_order_time_window: 1h}}}}
scrape_configs:
  - job_name: chat
    static_configs: [{{targets: ["{target}"], labels: {{zone: a}}}}]
remote_write:
  - url: {url}
    name: far
    queue_config: {{batch_send_deadline: 100ms, max_samples_per_send: 50, max_backoff: 100ms}}
    write_relabel_configs:
      - {{action: drop, source_labels: [__name__], regex: private}}
      - {{source_labels: [zone], target_label: area}}
"""
RULES = """
groups:
- name: g
  rules: [{record: "twice", expr: "2 * hits_total"}, {record: "thrice", expr: "1.5 * twice"}]
"""
BODY = """# TYPE hits counter
hits_total {hits}
odd{{which="not"}} NaN
odd{{which="minus"}} -0
odd{{which="infinite"}} +Inf
odd{{which="ü\\n"}} 1e-300
private 1
{wide}
"""
WIDE = "\n".join(f'wide{{n="{number}"}} {number}.25' for number in range(60))
VANISHING = "vanishing 1\n"
PRIVATE = ("__name__", "private")


class Receiver:
    """A Prometheus that takes samples by remote write, and may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        (folder / "prometheus.yml").write_text("global: {}\n")

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def start(self) -> None:
        with (self._folder / "log").open("ab") as stream:
            self._process = subprocess.Popen(
                [
                    find_peer("prometheus"),
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--web.enable-remote-write-receiver",
                ],
                stderr=stream,
            )
        wait_for("Prometheus ready", lambda: self.http.get("/-/ready").status_code == 200)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path / "prometheus")
    yield made
    made.kill()
    made.http.close()


@contextlib.contextmanager
def scraping(folder: Path, target: Target, url: str) -> Iterator[Sakshi]:
    """Run a sakshi that passes on what a target exposes."""
    (folder / "rules.yml").write_text(RULES)
    path = folder / "sakshi.yml"
    path.write_text(CONFIGURATION.format(target=target.address, url=url))
    with running(path, folder / "data") as sakshi:
        yield sakshi


def ask(http: httpx2.Client, query: str, at_seconds: float) -> list[dict[str, Any]]:
    answer = http.get("/api/v1/query", params={"query": query, "time": at_seconds}).json()
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def samples(http: httpx2.Client, at_seconds: float) -> dict[Any, list[Any]]:
    """Return times and values of everything up to a moment, by label set."""
    found = ask(http, '{__name__=~".+"}[1h]', at_seconds)
    return {tuple(sorted(one["metric"].items())): one["values"] for one in found}


def passed_on(labels: tuple[tuple[str, str], ...]) -> Any:
    """Return a series as it is sent: external labels, then the rules."""
    pairs = {"cluster": "here", "job": "not this", **dict(labels)}
    if zone := pairs.get("zone"):
        pairs["area"] = zone
    return tuple(sorted(pairs.items()))


def count(http: httpx2.Client, query: str = "up") -> int:
    """Return how many samples of a series there are now."""
    answer = http.get("/api/v1/query", params={"query": f"sum(count_over_time({query}[1h]))"})
    result = answer.json()["data"]["result"]
    return int(result[0]["value"][1]) if result else 0


def scrape_on(sakshi: Sakshi, scrapes: int) -> None:
    """Return once so many scrapes more are there."""
    wanted = count(sakshi.http) + scrapes
    wait_for("scrapes", lambda: count(sakshi.http) >= wanted)


def compare(sakshi: Sakshi, far: httpx2.Client) -> None:
    """Hold that the other side has every sample up to half a second ago, and nothing else."""
    newest = sakshi.value("max(timestamp(twice))")
    assert newest is not None
    at_seconds = newest - 0.5  # no rule appends so far back
    expected = {
        passed_on(labels): values
        for labels, values in samples(sakshi.http, at_seconds).items()
        if PRIVATE not in labels
    }
    size = sum(map(len, expected.values()))
    wait_for("everything sent", lambda: sum(map(len, samples(far, at_seconds).values())) >= size)
    assert len(expected) > 60
    assert samples(far, at_seconds) == expected


def test_prometheus_has_every_sample_whatever_dies(tmp_path: Path, receiver: Receiver) -> None:
    """The receiver is killed and comes back, sakshi is killed meanwhile, and while it sends."""
    url = f"http://127.0.0.1:{receiver.port}/api/v1/write"
    receiver.start()
    with Target() as target:
        target.body = BODY.format(hits=1, wide=WIDE) + VANISHING
        with scraping(tmp_path, target, url) as sakshi:
            scrape_on(sakshi, 3)
            wait_for("first samples", lambda: count(receiver.http) >= 3)
            sakshi.kill()  # while it sends
        with scraping(tmp_path, target, url) as sakshi:
            scrape_on(sakshi, 3)
            receiver.kill()
            target.body = BODY.format(hits=2.5, wide=WIDE)
            scrape_on(sakshi, 3)
            sakshi.kill()  # while nobody listens
        with scraping(tmp_path, target, url) as sakshi:
            scrape_on(sakshi, 3)
            receiver.start()
            compare(sakshi, receiver.http)
            failed = sakshi.http.get("/metrics").text
            now = sakshi.value("max(timestamp(up))") or 0.0
            assert ask(receiver.http, "vanishing", now) == [], "no stale marker"
    assert "sakshi_remote_write_samples_total" in failed
    sakshi_log = (tmp_path / "data.log").read_text()
    assert "Traceback" not in sakshi_log


def push(sakshi: Sakshi, at_ms: int) -> None:
    """Push a sample into sakshi."""
    body = write_request(({"__name__": "pushed", "job": "batch"}, [(at_ms, at_ms / 1000)]))
    assert sakshi.http.post("/api/v1/write", content=body).status_code == 204


def test_sakshi_has_every_sample_of_another(tmp_path: Path) -> None:
    """Late ones too; it takes repetitions, so nothing is refused, though the sender is killed."""
    far_folder = tmp_path / "far"
    far_folder.mkdir()
    (far_folder / "sakshi.yml").write_text("storage: {tsdb: {out_of_order_time_window: 1h}}\n")
    with Target() as target, running(far_folder / "sakshi.yml", far_folder / "data") as far:
        target.body = BODY.format(hits=1, wide=WIDE)
        url = f"{far.url}/api/v1/write"
        with scraping(tmp_path, target, url) as sakshi:
            scrape_on(sakshi, 3)
            wait_for("first samples", lambda: count(far.http) >= 3)
            now_ms = round((sakshi.value("max(timestamp(up))") or 0.0) * 1000)
            push(sakshi, now_ms - 10_000)
            push(sakshi, now_ms - 5000)
            wait_for("pushed samples", lambda: count(far.http, "pushed") == 2)
            push(sakshi, now_ms - 7000)  # late
            sakshi.kill()
        with scraping(tmp_path, target, url) as sakshi:
            scrape_on(sakshi, 3)
            compare(sakshi, far.http)
            wait_for("late samples", lambda: count(far.http, "pushed") == 3)
            metrics = sakshi.http.get("/metrics").text
    assert 'sakshi_remote_write_samples_failed_total{remote="far"} 0.0' in metrics
