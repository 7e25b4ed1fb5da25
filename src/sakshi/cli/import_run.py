"""One import on its way: what it reads, where that goes, and how far it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from sakshi.cli.client import Client
from sakshi.cli.import_file import ImportFile, total_bytes
from sakshi.cli.import_progress import ImportProgress
from sakshi.cli.import_prometheus import PrometheusSource, SourceError
from sakshi.cli.import_sink import FolderSink, ImportSink, ServerSink
from sakshi.cli.import_sorter import SampleSorter
from sakshi.model.clock import SystemClock, format_timestamp
from sakshi.model.duration import format_duration
from sakshi.model.errors import BadInputError, Problem
from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch, ImportOutcome, ImportRefusal, StorageConfig
from sakshi.web.parameter import parse_time

DAY_MS: Final = 86_400_000


def open_sink(data: Path | None, url: str | None) -> ImportSink:
    """Return where samples go: into a folder, or to a server.

    Raises:
        StorageError: the folder is in use, or cannot be used.
    """
    if data is not None:
        return FolderSink(data)
    assert url is not None
    return ServerSink(Client(url))


class Import:
    """Reads a source, and gives it to a sink.

    Args:
        sink: takes the samples.
        stream: where progress is shown.
        monotonic: seconds that never step back.
        is_shown: whether progress is wanted.
    """

    def __init__(
        self, sink: ImportSink, stream: TextIO, monotonic: Callable[[], float], *, is_shown: bool
    ) -> None:
        self.outcome = ImportOutcome()
        self.warnings: list[str] = []
        self.is_complete = False
        self.stood_at = "nothing was imported yet"
        self._sink = sink
        self._monotonic = monotonic
        self._started = monotonic()
        self._progress = ImportProgress(stream, monotonic, is_wanted=is_shown)
        self._series: dict[Labels, int] = {}
        self._oldest_ms: int | None = None
        self._newest_ms: int | None = None
        self._is_offline = isinstance(sink, FolderSink)

    def import_files(self, paths: Sequence[Path], data: Path | None) -> None:
        """Import OpenMetrics files: all are read before the first sample is taken.

        Args:
            paths: of the files.
            data: where sorted samples wait, and leave nothing; None: where the system's wait.

        Raises:
            BadInputError: a file is wrong; nothing was imported.
            SakshiError: the samples could not be taken.
        """
        folder = data if data is not None else Path(tempfile.gettempdir())
        sorter = SampleSorter(self._series, folder)
        total = total_bytes(dict.fromkeys(paths))
        done = 0
        self._progress.begin("reading")
        for path in dict.fromkeys(paths):
            file = ImportFile(path, self._series)
            for columns in file.read():
                sorter.add(columns.places, columns.timestamps, columns.values)
                share = (done + file.bytes_read) / total if total else None
                self._progress.show(sorter.count, share)
            done += file.bytes_read
        self._progress.begin("importing")
        for batch in sorter.batches():
            self._take(batch, sorter.newest_ms)
            self.stood_at = (
                f"{self.outcome.samples:,} of {sorter.count:,} samples are done; repeat the same "
                "command to go on: what is there already is passed over"
            )
            self._progress.show(self.outcome.samples, self.outcome.samples / sorter.count)
        self._note_bounds(sorter.oldest_ms, sorter.newest_ms)
        self._finish()

    def import_server(
        self, client: Client, selectors: Sequence[str], start: str | None, end: str | None
    ) -> None:
        """Import from a server, the newest samples first.

        Raises:
            BadInputError: a moment is none.
            SakshiError: the server did not answer, or the samples could not be taken.
        """
        start_ms = _read_moment("--start", start) if start is not None else 0
        end_ms = _read_moment("--end", end) if end is not None else _ask_now(client)
        self._progress.begin("importing")
        for window in PrometheusSource(client, selectors, start_ms, end_ms).windows():
            text = f"native histograms are not stored, only classic ones: {window.first_histogram}"
            self.outcome.refuse(ImportRefusal.UNSUPPORTED, text, window.histograms)
            refused = self._take(window.batch, None) if len(window.batch) else 0
            reached = format_timestamp(window.start_ms)
            self.stood_at = (
                f"what is newer than {reached} is done; repeat the same command, or the rest of it "
                f"with --end {reached}"
            )
            self._progress.show(self.outcome.samples, None, f"back to {reached}")
            if refused and refused == len(window.batch):
                self.warnings.append(f"samples before {reached} were not asked for: they are older")
                break
        self._finish()

    def end(self) -> None:
        """Show no progress any more."""
        self._progress.end()

    def describe(self) -> str:
        """Return what was done, in a line."""
        seconds = max(self._monotonic() - self._started, 0.001)
        known = f", {self.outcome.known:,} were there already" if self.outcome.known else ""
        rate = f"{self.outcome.samples / seconds:,.0f} a second"
        return (
            f"{self.outcome.taken:,} samples imported{known}; "
            f"{len(self._series):,} series, {seconds:.1f}s, {rate}"
        )

    def summary(self) -> Mapping[str, Any]:
        """Return what was done, as JSON says it."""
        return {
            "taken": self.outcome.taken,
            "known": self.outcome.known,
            "refused": [
                {"reason": reason, "count": count, "first": self.outcome.first[reason]}
                for reason, count in self.outcome.refused.items()
            ],
            "series": len(self._series),
            "oldest": None if self._oldest_ms is None else self._oldest_ms / 1000,
            "newest": None if self._newest_ms is None else self._newest_ms / 1000,
            "seconds": round(self._monotonic() - self._started, 3),
        }

    def _take(self, batch: ImportBatch, newest_ms: int | None) -> int:
        """Give samples to the sink; return how many were too old for it."""
        for labels in batch.series:
            self._series.setdefault(labels, len(self._series))
        outcome = self._sink.take(batch, newest_ms)
        self._note_bounds(int(batch.timestamps.min()), int(batch.timestamps.max()))
        self.outcome.add(outcome)
        return outcome.refused[ImportRefusal.TOO_OLD]

    def _note_bounds(self, oldest_ms: int | None, newest_ms: int | None) -> None:
        if oldest_ms is not None and newest_ms is not None:
            known = self._oldest_ms, self._newest_ms
            self._oldest_ms = oldest_ms if known[0] is None else min(known[0], oldest_ms)
            self._newest_ms = newest_ms if known[1] is None else max(known[1], newest_ms)

    def _finish(self) -> None:
        self.is_complete = True
        if not self._is_offline or self._oldest_ms is None or not self.outcome.taken:
            return
        age_ms = SystemClock().now_ms() - self._oldest_ms
        if age_ms > StorageConfig.retention_ms:
            days = -(-age_ms // DAY_MS) + 1
            self.warnings.append(
                f"the oldest sample is of {format_timestamp(self._oldest_ms)}: sakshi serve keeps "
                f"storage.tsdb.retention.time ({format_duration(StorageConfig.retention_ms)}), "
                f"counted from its newest sample; to keep them all beside today's, set {days}d"
            )


def _read_moment(option: str, text: str) -> int:
    try:
        return parse_time(text)
    except ValueError:
        expected = "RFC 3339 or Unix seconds"
        raise BadInputError(Problem(option, expected, f'"{text}"')) from None


def _ask_now(client: Client) -> int:
    """Return the server's clock: it stamped the samples."""
    answer = client.ask("query", {"query": "time()"})
    if answer["status"] != "success":
        raise SourceError(str(answer.get("error", "failed")))
    return round(float(answer["data"]["result"][1]) * 1000)
