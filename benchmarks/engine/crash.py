"""Phase crash: kill -9 while ingesting; what was handed out and is gone after the restart."""

from __future__ import annotations

import random
import time

from benchmarks.engine.feed import Feed
from benchmarks.engine.kind import Watch
from benchmarks.engine.settings import Settings
from benchmarks.engine.stored import count_samples, stored_ticks
from benchmarks.engine.subject import Subject
from benchmarks.report import Figures

GRACE_SECONDS = 0.2  # what was handed out later need not be durable yet


def measure_crash(subject: Subject, feed: Feed, settings: Settings) -> Figures:
    """Return what was lost, and how old it was when the kill came."""
    begin = time.time()
    subject.start(Watch(feed.ports))
    subject.wait_until_it_scraped(feed)
    time.sleep(settings.crash_seconds + random.random())
    killed = time.time()
    subject.stop(kill=True)
    log = feed.log()
    subject.start()
    ready = subject.wait_until_it_answers("vector(1)")
    time.sleep(1)  # for what a subject still restores behind its first answers
    now, window = time.time(), int(killed - begin) + 15
    stored = stored_ticks(subject.api, now, window)
    counted = count_samples(subject.api, now, window)
    subject.stop()
    ages = [
        killed - at
        for index, target in enumerate(log)
        for tick, at in target
        if tick not in stored.get(index, set())
    ]
    complete = sum(map(len, stored.values())) * feed.series_per_target
    return {
        "served_samples": sum(map(len, log)) * feed.series_per_target,
        "lost_samples": len(ages) * feed.series_per_target,
        "lost_scrapes": len(ages),
        "lost_scrapes_older_than_0.2s": sum(age > GRACE_SECONDS for age in ages),
        "oldest_lost_s": round(max(ages, default=0.0), 2),
        "partial_scrapes_samples": complete - counted,
        "ready_s": round(ready, 3),
    }
