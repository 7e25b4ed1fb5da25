"""One subject through all phases, each group of phases on targets and a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.engine.crash import measure_crash
from benchmarks.engine.detect import measure_detection
from benchmarks.engine.feed import Feed
from benchmarks.engine.ingest import measure_ingest
from benchmarks.engine.query import measure_cold_queries, measure_queries
from benchmarks.engine.rules import measure_rules
from benchmarks.engine.settings import Settings
from benchmarks.engine.size import measure_size
from benchmarks.engine.start import measure_start
from benchmarks.engine.subject import Subject
from benchmarks.report import Figures

STORING: Final = frozenset({"ingest", "query", "start", "cold"})
"""Phases that share what the first of them stored."""

Phase = Callable[[Subject, Feed, Settings], Figures]
ALONE: Final[Mapping[str, Phase]] = {
    "crash": measure_crash,
    "rules": measure_rules,
    "detect": measure_detection,
}


def measure_subject(spec: str, settings: Settings) -> Figures:
    """Return the figures of each phase, by its name."""
    figures: Figures = {"subject": spec}
    if STORING.intersection(settings.phases):
        figures |= _measure_on_fresh_data(spec, settings, measure_storing)
    for name, phase in ALONE.items():
        if name in settings.phases:
            figures[name] = _measure_on_fresh_data(spec, settings, phase)
    return figures


def measure_storing(subject: Subject, feed: Feed, settings: Settings) -> Figures:
    """Return the figures of ingest and size, and of the others where they are asked for."""
    figures: Figures = {"ingest": measure_ingest(subject, feed, settings)}
    if "query" in settings.phases:
        figures["query"] = measure_queries(subject, figures["ingest"], settings)
    figures["size"] = measure_size(subject, feed)
    if "start" in settings.phases:
        figures["start"] = measure_start(subject, figures["ingest"], settings)
    if "cold" in settings.phases:
        figures["cold"] = measure_cold_queries(subject, figures["ingest"], settings)
    return figures


def _measure_on_fresh_data(spec: str, settings: Settings, phase: Phase) -> Figures:
    work = Path(tempfile.mkdtemp(prefix="benchmark-", dir=settings.work)).resolve()
    feed = Feed(settings)
    try:
        subject = Subject(spec, work, settings)
        try:
            return phase(subject, feed, settings)
        finally:
            subject.stop(kill=True)
    finally:
        feed.stop()
        if not settings.is_kept:
            shutil.rmtree(work, ignore_errors=True)
