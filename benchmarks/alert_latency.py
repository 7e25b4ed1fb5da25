"""From the commit of the sample that changes an alert's state to the page, and to a webhook.

    fault set ──≤ 1 s──▶ scraped ──▶ committed ──▶ rule evaluated ──▶ alert ──┬─▶ page (WebSocket)
                                         └────────── measured ────────────────┴─▶ webhook

A real `sakshi serve` scrapes a real target and evaluates every second. In each trial a gauge of the
target flips at a random moment, and back once both have heard of it. The commit is seen from
outside, by polling SQLite's `data_version` of the sample store: it is the first commit after the
sample was handed out, noticed a millisecond or two late. Seconds since the sample was handed out
stand beside: they need no such guess, and include fetching, parsing and the commit itself.

    python -m benchmarks.alert_latency [--trials 20]

What must hold: page after commit <= 1 s. The peer's figure for the webhook is the phase `detect` of
`python -m benchmarks.engine`, which counts from the fault.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from benchmarks.engine.exporter import FAULT_SLOTS
from benchmarks.engine.feed import Feed
from benchmarks.engine.kind import Watch
from benchmarks.engine.rules import write_fault_rule
from benchmarks.engine.settings import Settings, parse_trials
from benchmarks.engine.subject import Subject
from benchmarks.hook import Hook, alert_key
from benchmarks.moments import Moments
from benchmarks.report import Figures, add_out, format_table, summarise, write_report

POLL_SECONDS = 0.001
HEARD_SECONDS_MAX = 20.0
SETTLE_SECONDS = 3.0
WEBSOCKET_BYTES_MAX = 16 << 20
STATES = {1: "firing", 0: "resolved"}
"""What an alert becomes when its gauge is set to a value."""


class CommitLog:
    """Notes the moment of each commit to a SQLite file, as another process sees it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._moments: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def find_first_after(self, at: float) -> float | None:
        """Return the moment of the first commit at or after a moment; None: there is none yet."""
        return next((moment for moment in self._moments if moment >= at), None)

    def stop(self) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            known = -1
            while not self._done.wait(POLL_SECONDS):
                (version,) = connection.execute("pragma data_version").fetchone()
                if version != known:
                    known = version
                    self._moments.append(time.time())


def listen_as_page(connection: ClientConnection, moments: Moments) -> None:
    """Note when the page first hears of each change, until the connection is closed."""
    try:
        for text in connection:
            heard_at = time.time()
            for alert in json.loads(text).get("alerts", []):
                moments.note(alert_key(alert["labels"], alert["state"]), heard_at)
    except ConnectionClosed:
        return


@contextmanager
def page_client(port: int, moments: Moments) -> Iterator[None]:
    """Be a page that is open, during the block."""
    with connect(f"ws://127.0.0.1:{port}/ws", max_size=WEBSOCKET_BYTES_MAX) as connection:
        thread = threading.Thread(target=listen_as_page, args=(connection, moments), daemon=True)
        thread.start()
        yield
    thread.join()


class Bench:
    """Everything that one run of trials needs: sakshi, its target, a page, a webhook, its commits.

    Args:
        feed: the target.
        commits: of the sample store.
        page: when the page heard.
        webhook: when the webhook heard.
    """

    def __init__(self, feed: Feed, commits: CommitLog, page: Moments, webhook: Moments) -> None:
        self._feed = feed
        self._commits = commits
        self._page = page
        self._webhook = webhook

    def try_change(self, slot: int, value: int) -> Mapping[str, float]:
        """Set a gauge; return the seconds until each was told, by name; empty: one was not."""
        time.sleep(0.3 + random.random())  # the change comes at any moment between two scrapes
        set_at = self._feed.set_fault(slot, value)
        key = slot, STATES[value]
        page_at = self._page.wait(key, HEARD_SECONDS_MAX)
        webhook_at = self._webhook.wait(key, HEARD_SECONDS_MAX)
        served_at = next((at for _, at in self._feed.log()[0] if at > set_at), None)
        if served_at is None or page_at is None or webhook_at is None:
            return {}
        committed_at = self._commits.find_first_after(served_at)
        if committed_at is None:
            return {}
        return {
            "commit_after_scrape": committed_at - served_at,
            "page_after_scrape": page_at - served_at,
            "page_after_commit": page_at - committed_at,
            "webhook_after_commit": webhook_at - committed_at,
            "page_after_change": page_at - set_at,
            "webhook_after_change": webhook_at - set_at,
        }


def measure(trials: int, settings: Settings, work: Path) -> Figures:
    """Return the distributions of all seconds, for firing and for resolved alerts."""
    page, webhook = Moments(), Moments()
    feed = Feed(settings)
    subject = Subject("sakshi", work, settings)
    try:
        with Hook(webhook) as hook:
            rules = write_fault_rule(work)
            subject.start(Watch(feed.ports, rules=rules, webhook=hook.url))
            subject.wait_until_it_scraped(feed, 3)
            commits = CommitLog(subject.data / "samples" / "samples.db")
            with page_client(subject.port, page):
                time.sleep(SETTLE_SECONDS)
                bench = Bench(feed, commits, page, webhook)
                changes = [
                    (STATES[value], bench.try_change(slot, value))
                    for slot in range(trials)
                    for value in (1, 0)
                ]
            commits.stop()
    finally:
        subject.stop()
        feed.stop()
    return {
        state: summarise_changes([times for changed, times in changes if changed == state])
        for state in STATES.values()
    }


def summarise_changes(changes: Sequence[Mapping[str, float]]) -> Figures:
    """Return the distribution of each interval, and how many changes were not heard of.

    Example:
        >>> summarise_changes([{"page_after_commit": 0.1}, {}])["missed"]
        1
    """
    heard = [times for times in changes if times]
    names = list(heard[0]) if heard else []
    intervals = {f"{name}_s": summarise([times[name] for times in heard]) for name in names}
    return {"missed": len(changes) - len(heard), **intervals}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, write the JSON, print the table to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alert_latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--trials", type=parse_trials, default=20, help=f"1 to {FAULT_SLOTS}")
    parser.add_argument("--series", type=int, default=1000, help="of the one target")
    add_out(parser)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children are stopped
    settings = Settings(series=options.series, targets=1, duration_seconds=0.0)
    work = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        figures = measure(options.trials, settings, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    measured = {"trials": options.trials, "series": options.series}
    write_report(options.out, "alert_latency", measured, figures=figures)
    rows = [
        [f"{state}: {name.removesuffix('_s').replace('_', ' ')}", *map(str, row.values())]
        for state, intervals in figures.items()
        for name, row in intervals.items()
        if isinstance(row, dict)
    ]
    head = ["seconds", "count", "min", "median", "p95", "max"]
    print(format_table(head, rows), file=sys.stderr)


if __name__ == "__main__":
    main()
