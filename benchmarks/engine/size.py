"""After ingest: bytes on disk for each sample, while running and at rest; stops the subject."""

from __future__ import annotations

from benchmarks.engine.feed import Feed
from benchmarks.engine.subject import Subject
from benchmarks.process import disk_bytes
from benchmarks.report import Figures


def measure_size(subject: Subject, feed: Feed) -> Figures:
    """Return the sizes, logs and indexes included."""
    samples = feed.samples()
    live = disk_bytes(subject.data)
    compact = subject.kind.compact(subject.api, subject.data)
    subject.stop()
    stopped = disk_bytes(subject.data)
    best = subject.kind.stopped_bytes(subject.data) if compact is None else compact
    return {
        "samples": samples,
        "live_bytes": live,
        "stopped_bytes": stopped,
        "compact_bytes": best,
        "live_bytes_per_sample": round(live / samples, 3),
        "stopped_bytes_per_sample": round(stopped / samples, 3),
        "compact_bytes_per_sample": round(best / samples, 3),
    }
