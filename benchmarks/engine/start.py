"""Phase start: from exec to the first answer from stored data, after a clean stop and a kill."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from benchmarks.engine.settings import Settings
from benchmarks.engine.subject import Subject
from benchmarks.report import Figures


def measure_start(subject: Subject, bounds: Mapping[str, float], settings: Settings) -> Figures:
    """Return median seconds, and the CPU time of the last start; the subject is stopped."""
    clean = _measure(subject, bounds["end"], settings.starts, kill=False)
    subject.start()
    subject.wait_until_it_answers("vector(1)")
    subject.stop(kill=True)
    killed = _measure(subject, bounds["end"], settings.starts, kill=True)
    return {
        "clean_s": clean[0],
        "clean_cpu_s": clean[1],
        "after_kill_s": killed[0],
        "after_kill_cpu_s": killed[1],
    }


def _measure(subject: Subject, at: float, starts: int, *, kill: bool) -> tuple[float, float]:
    times, cpu = [], 0.0
    for _ in range(starts):
        subject.start()
        times.append(subject.wait_until_it_answers("sum(bench_tick)", time=f"{at:.3f}"))
        cpu = subject.cpu_seconds()
        subject.stop(kill=kill)
    return round(statistics.median(times), 3), round(cpu, 2)
