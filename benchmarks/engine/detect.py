"""Phase detect: a gauge flips at a random moment; seconds until the webhook hears of it."""

from __future__ import annotations

import random
import time

from benchmarks.engine.feed import Feed
from benchmarks.engine.kind import Watch
from benchmarks.engine.rules import write_fault_rule
from benchmarks.engine.settings import Settings
from benchmarks.engine.subject import Subject
from benchmarks.hook import Hook
from benchmarks.moments import Moments
from benchmarks.report import Figures, summarise

SETTLE_SECONDS = 4.0
HEARD_SECONDS_MAX = 20.0


def measure_detection(subject: Subject, feed: Feed, settings: Settings) -> Figures:
    """Return the seconds from a fault to the webhook; each trial has a slot of its own."""
    moments, rules = Moments(), write_fault_rule(subject.work)
    with Hook(moments) as hook:
        manager = subject.start_alertmanager(hook.url) if subject.kind.needs_alertmanager else ""
        subject.start(Watch(feed.ports, rules=rules, alertmanager=manager, webhook=hook.url))
        subject.wait_until_it_scraped(feed, 3)
        time.sleep(SETTLE_SECONDS)
        times = []
        for slot in range(settings.trials):
            time.sleep(0.3 + random.random())  # the fault comes at any moment between two scrapes
            at = feed.set_fault(slot, 1)
            heard_at = moments.wait((slot, "firing"), HEARD_SECONDS_MAX)
            if heard_at is not None:
                times.append(heard_at - at)
            feed.set_fault(slot, 0)
        subject.stop()
    summary = summarise(times)
    names = {"min": "min_s", "median": "median_s", "p95": "p95_s", "max": "max_s"}
    return {
        "trials": settings.trials,
        "missed": settings.trials - len(times),
        **{unit: summary[name] for name, unit in names.items() if name in summary},
    }
