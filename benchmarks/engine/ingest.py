"""Phase ingest: CPU and memory while all targets are scraped every second, and what was kept."""

from __future__ import annotations

import time

from benchmarks.engine.feed import Feed
from benchmarks.engine.kind import Watch
from benchmarks.engine.settings import Settings
from benchmarks.engine.stored import count_lost, count_samples, stored_ticks
from benchmarks.engine.subject import Subject
from benchmarks.process import PeakMemory
from benchmarks.report import Figures

SETTLE_SECONDS = 2.0  # for what a subject still does about its start
UNSURE_SECONDS = 2.0  # what was handed out later may not be stored yet
MIB = 1 << 20


def measure_ingest(subject: Subject, feed: Feed, settings: Settings) -> Figures:
    """Return the cost of a sample; leaves the subject running.

    `begin` and `end` are the bounds of what was stored, for the phases that follow.
    """
    begin = time.time()
    subject.start(Watch(feed.ports))
    peak = PeakMemory(subject.memory_bytes)
    subject.wait_until_it_scraped(feed)
    time.sleep(SETTLE_SECONDS)
    first_cpu, first_samples = subject.cpu_seconds(), feed.samples()
    feed_cpu, started = feed.cpu_seconds(), time.perf_counter()
    time.sleep(settings.duration_seconds)
    cpu, samples = subject.cpu_seconds() - first_cpu, feed.samples() - first_samples
    feed_cpu, wall = feed.cpu_seconds() - feed_cpu, time.perf_counter() - started
    memory, peak_memory = subject.memory_bytes(), peak.stop()
    end = time.time() - UNSURE_SECONDS
    window = int(end - begin) + 5
    stored = stored_ticks(subject.api, end, window)
    return {
        "begin": begin,
        "end": end,
        "wall_s": round(wall, 2),
        "samples": samples,
        "cpu_s": round(cpu, 2),
        "cpu_us_per_sample": round(cpu / samples * 1e6, 3),
        "cpu_percent_of_core": round(cpu / wall * 100, 1),
        "start_and_first_scrapes_cpu_s": round(first_cpu, 2),
        "exporter_cpu_s": round(feed_cpu, 2),
        "memory_mib": round(memory / MIB, 1),
        "memory_peak_mib": round(peak_memory / MIB, 1),
        "scrapes_lost": count_lost(feed.served(end), stored),
        "samples_counted_in_store": count_samples(subject.api, end, window),
        "samples_expected_in_store": sum(map(len, stored.values())) * feed.series_per_target,
    }
