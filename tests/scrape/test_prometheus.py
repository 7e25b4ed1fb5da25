"""What sakshi makes of targets and of what they expose is what Prometheus makes of it."""

from __future__ import annotations

import asyncio
import math
import random
import time  # sleeps while another program works
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client import CollectorRegistry
from tests.exposition.conftest import random_families
from tests.exposition.openmetrics import mutate, render
from tests.scrape.prometheus import data, scraping, serving_bodies, version, wait_until

from sakshi.config import read_configuration
from sakshi.exposition import render_text
from sakshi.model.clock import SystemClock
from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.scrape import ExemplarRing, ScrapeManager, TargetHealth
from sakshi.scrape.resolve import resolve_groups
from sakshi.storage.memory import MemoryStore
from sakshi.storage.value import is_absent

SEED = 20_241_124  # another one may find what no seed has found yet: change it by hand

pytestmark = pytest.mark.slow

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4"
LOOKBACK_MS = 300_000
UNEQUAL = {"scrape_duration_seconds", "scrape_series_added"}  # of time, and of the scrape's number
NAMES = ("job", "instance", "a", "b", "zone", "__meta_x", "__param_m", "c_d", "ü", "__tmp")
VALUES = ("", "x", "X:1", "y;z", "chat", "eu-1", "Straße", "1", "$1")
REGEXES = (
    "(.*)",
    "x|y",
    "(.+):(.*)",
    "(?i)x.*",
    "",
    "([a-z]*)(?P<rest>.*)",
    "eu-(\\d)",
    ".",
    "a.*",
)
REPLACEMENTS = ("$1", "k", "${1}_$rest", "", "$$1", "$2-$1", "$9", "${rest}", "$")


def random_rule(rng: random.Random) -> dict[str, Any]:
    """A rule that Prometheus takes."""
    action = rng.choice(
        ["replace"] * 4
        + ["keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop"]
        + ["labelkeep", "lowercase", "uppercase"]
    )
    sources = rng.sample(NAMES, rng.randrange(4))
    target = rng.choice(NAMES)
    if action in ("keepequal", "dropequal"):
        return {"action": action, "source_labels": sources, "target_label": target}
    if action == "labeldrop":
        return {"action": action, "regex": rng.choice(("a|b", "__meta.*", "c_.", "z.*"))}
    if action == "labelkeep":
        return {"action": action, "regex": rng.choice(("a|b|job|__.*", "__.*|zone", "[^c].*"))}
    rule: dict[str, Any] = {
        "action": action,
        "regex": rng.choice(("(a|b)", "__meta_(.+)"))
        if action == "labelmap"
        else rng.choice(REGEXES),
        "separator": rng.choice((";", ";", "-", "")),
    }
    if action == "keep":
        rule["regex"] = rng.choice(("(.*)", "[^y].*|", "(?s).*"))
    if action != "labelmap":
        rule |= {"source_labels": sources, "target_label": target}
    if action in ("replace", "labelmap"):
        rule["replacement"] = rng.choice(REPLACEMENTS)
    if action == "replace" and rng.random() < 0.2:
        rule["target_label"] = rng.choice(("n_$1", "${1}", "n_${2}x"))
    if action == "labelmap":
        rule["replacement"] = rng.choice(("$1", "m_$1", "m"))
    if action == "hashmod":
        rule["modulus"] = rng.choice((1, 7, 1000, 2**40))
    return rule


def random_job(rng: random.Random, name: str) -> dict[str, Any]:
    """A job that is discovered, relabelled, and as good as never scraped."""
    groups = [
        {
            "targets": [f"127.0.0.1:{rng.randrange(1, 4)}" for _ in range(rng.randrange(1, 3))],
            "labels": {
                label: rng.choice(VALUES) for label in rng.sample(NAMES[2:], rng.randrange(5))
            },
        }
        for _ in range(rng.randrange(1, 4))
    ]
    return {
        "job_name": name,
        "scrape_interval": "1h",
        "scheme": rng.choice(("http", "https")),
        "metrics_path": rng.choice(("/metrics", "/a b", "/ü")),
        "params": rng.choice(({}, {"m": ["1", "2"]}, {"q": ["a b&"], "none": []})),
        "static_configs": groups,
        "relabel_configs": [random_rule(rng) for _ in range(rng.randrange(5))],
    }


def shown(labels: Mapping[str, str]) -> str:
    return str(sorted(labels.items()))


def test_targets_are_relabelled_as_prometheus_does(tmp_path: Path) -> None:
    """Labels, URLs and dropped targets of random jobs are the same.

    Two targets that differ in labels only which nobody sees are one target here, and two there.
    """
    seed = SEED
    rng = random.Random(seed)
    jobs = [random_job(rng, f"j{index}") for index in range(400)]
    configuration = {"scrape_configs": jobs}

    with scraping(tmp_path, configuration) as client:
        release = version(client)
        wait_until(lambda: data(client, "targets")["activeTargets"], tmp_path / "log")
        theirs = settled(client)

    ours = read_configuration(tmp_path / "prometheus.yml", {})
    for config in ours.scrape_configs:
        resolution = resolve_groups(config, config.static_targets)
        active = [t for t in theirs["activeTargets"] if t["scrapePool"] == config.job_name]
        dropped = [t for t in theirs["droppedTargets"] if t["scrapePool"] == config.job_name]
        job = next(job for job in jobs if job["job_name"] == config.job_name)
        assert {(t.url, shown(t.labels)) for t in resolution.targets} == {
            (t["scrapeUrl"], shown(t["labels"])) for t in active
        }, f"seed {seed}, Prometheus {release}: {yaml.safe_dump(job)}"
        assert {shown(labels) for labels in resolution.dropped} == {
            shown(t["discoveredLabels"]) for t in dropped
        }, f"seed {seed}, Prometheus {release}: {yaml.safe_dump(job)}"
    assert len(theirs["activeTargets"]) > 300


def settled(client: httpx2.Client) -> Any:
    """All targets, once there are as many as a while before."""
    count = -1
    while True:
        targets = data(client, "targets")
        found = len(targets["activeTargets"]) + len(targets["droppedTargets"])
        if found == count:
            return targets
        count = found
        time.sleep(0.5)


def compare(folder: Path, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Have both scrape; return what they found, by side: samples, exemplars, metadata."""
    configuration = {
        "global": {"scrape_interval": "3s", "scrape_timeout": "3s"},
        "scrape_configs": jobs,
    }
    with scraping(folder, configuration) as client:
        wait_until(lambda: all_scraped(client), folder / "log")
        theirs = {
            "samples": samples_of(client),
            "exemplars": exemplars_of(client),
            "metadata": sorted(
                (
                    shown(entry["target"]),
                    entry["metric"],
                    entry["type"],
                    entry["help"],
                    entry["unit"],
                )
                for entry in data(client, "targets/metadata")
            ),
        }
    return {"theirs": theirs, "ours": asyncio.run(scrape_once(folder / "prometheus.yml"))}


def all_scraped(client: httpx2.Client) -> bool:
    targets = data(client, "targets", state="active")["activeTargets"]
    return bool(targets) and all(t["health"] != "unknown" for t in targets)


def samples_of(client: httpx2.Client) -> dict[str, str]:
    result = data(client, "query", query='{job=~".+"}')["result"]
    return {
        shown(series["metric"]): repr(float(series["value"][1]))
        for series in result
        if series["metric"].get(METRIC_NAME) not in UNEQUAL
    }


def exemplars_of(client: httpx2.Client) -> set[str]:
    entries = data(client, "query_exemplars", query='{job=~".+"}', start="0", end=str(2**31))
    return {
        f"{shown(entry['seriesLabels'])} {shown(exemplar['labels'])} {float(exemplar['value'])!r}"
        for entry in entries
        for exemplar in entry["exemplars"]
    }


async def scrape_once(path: Path) -> dict[str, Any]:
    """What sakshi stores of one burst."""
    store, done, ring = MemoryStore(), asyncio.Event(), ExemplarRing()
    configs = read_configuration(path, {}).scrape_configs

    async def on_burst(_: int) -> None:
        if all(status.health is not TargetHealth.UNKNOWN for status in manager.targets()):
            done.set()

    manager = ScrapeManager(configs, store, SystemClock(), CollectorRegistry(), on_burst, ring)
    task = asyncio.create_task(manager.run())
    async with asyncio.timeout(30):
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    any_job = Matcher("job", MatchOperator.REGEX, ".+")
    samples = {}
    now_ms = SystemClock().now_ms()
    for columns in store.select([any_job], now_ms - LOOKBACK_MS, now_ms):
        for column, series in enumerate(columns.series):
            present = columns.values[~is_absent(columns.values[:, column]), column]
            if present.size and series.name not in UNEQUAL:
                samples[shown(series)] = repr(float(present[-1]))
    return {
        "samples": samples,
        "errors": [status.last_error for status in manager.targets()],
        "exemplars": {
            f"{shown(series)} {shown(exemplar.labels)} {exemplar.value!r}"
            for series, exemplars in ring.select([[any_job]], 0, 2**60).items()
            for exemplar in exemplars
        },
        "metadata": sorted(
            (shown(entry.labels), family.name, str(family.type), family.help, family.unit)
            for entry in manager.metadata()
            for family in entry.families
        ),
    }


METRIC_RULES: list[dict[str, Any]] = [
    {"source_labels": ["__name__"], "regex": "dropped_.*", "action": "drop"},
    {
        "source_labels": ["__name__"],
        "regex": "(old)_(.*)",
        "target_label": "__name__",
        "replacement": "new_$2",
    },
    {"regex": "secret", "action": "labeldrop"},
    {"source_labels": ["path"], "regex": "/(.*)/.*", "target_label": "path", "replacement": "$1"},
]
BODY = b"""# HELP old_total Old.
# TYPE old_total counter
old_total{path="/a/b",secret="x"} 1
old_total{path="/c/d",instance="mine",job="theirs"} 2
dropped_total 3
kept{exported_job="e",job="j"} NaN
"""
TEXT_JOBS = (
    *("plain", "relabel", "honor", "few", "wide", "name", "value", "targets", "left"),
    *("nameless", "fits"),
)
MADE = b"""# HELP requests Requests.
# TYPE requests counter
# UNIT latency_seconds seconds
# TYPE latency_seconds histogram
# TYPE build info
# TYPE st stateset
requests_total{code="200"} 5 # {trace_id="a b"} 1.5
requests_created{code="200"} 1700000000.5
latency_seconds_bucket{le="1"} 5 # {trace_id="c"} 0.5 NOW
latency_seconds_bucket{le="+Inf"} 6 NOW # {} 7
build_info{version="1"} 1
st{st="on"} 1
st{st="off"} 0
timed -3 NOW
{"with.dots","label.with"="dots"} 17
# EOF
"""


def job_of(name: str, address: str, **keys: Any) -> dict[str, Any]:
    groups = [{"targets": [address]}]
    return {"job_name": name, "static_configs": groups, "metrics_path": f"/{name}", **keys}


def test_scrapes_are_stored_as_prometheus_stores_them(tmp_path: Path) -> None:
    """Relabelled series, honoured labels, exceeded limits, OpenMetrics: every label and value."""
    made = MADE.replace(b"NOW", f"{SystemClock().now_ms() / 1000 - 10:.3f}".encode())
    bodies = {
        **{
            f"/{name}": (TEXT, BODY)
            for name in ("plain", "relabel", "honor", "few", "wide", "name")
        },
        **{f"/{name}": (TEXT, BODY) for name in ("value", "targets", "left", "nameless", "fits")},
        "/om": (OPENMETRICS, made),
        "/ignored": (OPENMETRICS, made),
        "/html": ("text/html", BODY),
        "/fallback": ("text/html", BODY),
        "/no_eof": (OPENMETRICS, made[:-6]),
    }
    nameless = [{"target_label": "__name__", "replacement": ""}]
    with serving_bodies(bodies) as address:
        groups = [{"targets": [address], "labels": {"n": str(n)}} for n in range(3)]
        jobs = [
            job_of("plain", address),
            job_of("relabel", address, metric_relabel_configs=METRIC_RULES),
            job_of("honor", address, honor_labels=True),
            job_of("few", address, sample_limit=3),
            job_of("left", address, sample_limit=3, metric_relabel_configs=METRIC_RULES[:1]),
            job_of("fits", address, sample_limit=4, label_limit=6),
            job_of("wide", address, label_limit=4),
            job_of("name", address, label_name_length_limit=11),
            job_of("value", address, label_value_length_limit=5),
            job_of("targets", address, target_limit=2, static_configs=groups),
            job_of("nameless", address, metric_relabel_configs=nameless),
            job_of("om", address),
            job_of("ignored", address, honor_timestamps=False),
            job_of("html", address),
            job_of("fallback", address, fallback_scrape_protocol="PrometheusText0.0.4"),
            job_of("no_eof", address),
        ]
        found = compare(tmp_path, jobs)

    ours, theirs = found["ours"], found["theirs"]
    parse_failures = (
        "'html'",
        "'no_eof'",
        "'nameless'",
    )  # how many samples came before is not told
    for side in (ours, theirs):
        side["samples"] = {
            series: value
            for series, value in side["samples"].items()
            if "'up'" in series or not any(name in series for name in parse_failures)
        }
        side["metadata"] = [entry for entry in side["metadata"] if "no_eof" not in entry[0]]
    assert ours["samples"] == theirs["samples"], ours["errors"]
    assert ours["exemplars"] == theirs["exemplars"]
    assert ours["metadata"] == theirs["metadata"]
    ups = {series: value for series, value in ours["samples"].items() if "'up'" in series}
    assert sorted(ups.values()) == ["0.0"] * 10 + ["1.0"] * 8


@pytest.mark.parametrize("format", ["text", "openmetrics"])
def test_bodies_are_read_and_refused_alike(format: str, tmp_path: Path) -> None:
    """Random bodies, many of them a little wrong: the same are up, with the same samples.

    No line feeds and no blanks are put in: docs/formats/exposition.md says where those differ.
    """
    seed = SEED
    rng = random.Random(seed)
    bodies = {}
    inserted = b'0123456789.,-+eE"[]{}#nfoaEOF'
    for index in range(250):
        families = [f for f in random_families(rng) if not any(s.timestamp_ms for s in f.samples)]
        body = render(families) if format == "openmetrics" else render_text(families)
        bodies[f"/{index}"] = (
            OPENMETRICS if format == "openmetrics" else TEXT,
            mutate(rng, body, inserted),
        )
    with serving_bodies(bodies) as address:
        targets = [
            {"targets": [address], "labels": {"__metrics_path__": path, "path": path}}
            for path in bodies
        ]
        found = compare(tmp_path, [{"job_name": "j", "static_configs": targets}])

    errors = found["ours"]["errors"]
    ours, theirs = by_path(found["ours"]["samples"]), by_path(found["theirs"]["samples"])
    for path, (_, body) in bodies.items():
        assert ours[path] == theirs[path], f"seed {seed}: {body!r} {errors}"
    outcomes = [value == 1.0 for samples in ours.values() for value in [samples["up"]]]
    assert 20 < sum(outcomes) < 240


def by_path(samples: Mapping[str, str]) -> dict[str, Any]:
    """What was exposed by path; of a failed scrape only that it failed."""
    grouped: dict[str, dict[str, Any]] = {}
    for series, value in samples.items():
        labels = dict(eval(series))
        path = labels.pop("path")
        name = labels[METRIC_NAME]
        is_report = name == "up" or name.startswith("scrape_")
        key = name if is_report else str(Labels(labels))
        grouped.setdefault(path, {})[key] = float(value) if is_report else value
    return {path: found if found["up"] else {"up": 0.0} for path, found in sorted(grouped.items())}


def test_the_comparison_sees_a_difference() -> None:
    """NaN is equal to NaN, and to nothing else."""
    assert repr(math.nan) == repr(float("NaN")) != repr(0.0)
