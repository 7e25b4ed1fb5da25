"""From what became durable to requests: whole rows of many targets, up to so many samples.

A batch has the next rows of some targets, and says how far their cursors get once it is
acknowledged. Rows go in the order of time; a row that is too large for one request is parted by
series. So no two requests of a round have samples of the same series.

A target is in **doubt** after a start, until one of its rows is accepted: what was on its way when
this process ended may be there, or not. A receiver that takes no older samples refuses a whole
request for one sample that it has. So a target in doubt sends row by row, each for itself: what is
there is refused, and costs nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.exposition.write_request import compress, encode_series
from sakshi.model.clock import Clock
from sakshi.model.labels import Labels
from sakshi.remote_write.config import QueueConfig
from sakshi.remote_write.metrics import DropReason
from sakshi.remote_write.series import SeriesEncoder
from sakshi.storage import Journal, LateSamples, SeriesColumns, is_absent

NEVER_MS: Final = -(2**63)  # the cursor of a target of which nothing was sent
LATE_MAX: Final = 200  # late samples are read so many moments at a time


@dataclass(frozen=True)
class Request:
    """A body, and what is in it.

    Args:
        body: as it is posted.
        samples: in it.
        parts: where it may be divided: encoded series, one sample each.
    """

    body: bytes
    samples: int
    parts: Sequence[bytes] = ()

    @classmethod
    def of_parts(cls, parts: Sequence[bytes]) -> Request:
        """Return a request that may be divided."""
        return cls(compress(b"".join(parts)), len(parts), parts)

    def halves(self) -> Sequence[Request]:
        """Return two requests for this one; none where it cannot be divided."""
        middle = len(self.parts) // 2
        if not middle:
            return ()
        return self.of_parts(self.parts[:middle]), self.of_parts(self.parts[middle:])


@dataclass
class Batch:
    """Rows of some targets, being put together.

    Args:
        requests: in no order; no two have the same series.
        moved: by target, up to where it is acknowledged with them.
        dropped: samples that are not sent, by reason.
    """

    requests: list[Request] = field(default_factory=list)
    moved: dict[Labels, int] = field(default_factory=dict)
    dropped: dict[DropReason, int] = field(default_factory=dict)
    _messages: list[bytes] = field(default_factory=list)
    samples: int = 0

    def add(self, message: bytes, samples: int) -> None:
        """Put encoded series into the request that is open."""
        self._messages.append(message)
        self.samples += samples

    def drop(self, reason: DropReason, samples: int) -> None:
        """Count samples that are not sent."""
        if samples:
            self.dropped[reason] = self.dropped.get(reason, 0) + samples

    def seal(self) -> Batch:
        """Make a request of what was put in; return the batch."""
        if self._messages:
            self.requests.append(Request(compress(b"".join(self._messages)), self.samples))
            self._messages, self.samples = [], 0
            time.sleep(0)  # the event loop's turn: it waits for the interpreter's lock
        return self


class Packer:
    """Makes the requests of one remote. For one thread at a time.

    Args:
        journal: has the samples.
        encoder: of their series.
        queue: how large requests are.
        clock: tells how old samples are.
    """

    def __init__(
        self, journal: Journal, encoder: SeriesEncoder, queue: QueueConfig, clock: Clock
    ) -> None:
        self._journal = journal
        self._encoder = encoder
        self._queue = queue
        self._clock = clock

    def pack(
        self,
        acknowledged: Mapping[Labels, int],
        committed: Mapping[Labels, int],
        doubtful: Collection[Labels],
        requests_max: int,
    ) -> Sequence[Batch]:
        """Return the next batches, those first whose samples have waited longest.

        Args:
            acknowledged: by target, up to where everything was sent.
            committed: by target, up to where everything is durable.
            doubtful: targets in doubt.
            requests_max: about so many requests, together.
        """
        due = sorted(
            (acknowledged.get(target, NEVER_MS), target)
            for target, moment in committed.items()
            if moment > acknowledged.get(target, NEVER_MS)
        )
        batches: list[Batch] = []
        draft, count = Batch(), 0
        for after_ms, target in due:
            if count >= requests_max:
                break
            is_alone = target in doubtful
            room = 1 if is_alone else self._queue.samples_max - draft.samples
            rows = self._read(target, after_ms, committed[target], room)
            if draft.samples and (is_alone or rows.size > room):
                batches.append(draft.seal())
                count += len(draft.requests)
                draft = Batch()
            self._add(draft, target, rows)
            if is_alone or draft.requests:
                batches.append(draft.seal())
                count += len(draft.requests)
                draft = Batch()
        if draft.moved:
            batches.append(draft.seal())
        return batches

    def pack_late(
        self, acknowledged: Mapping[Labels, int], after_id: int
    ) -> tuple[Sequence[Request], int] | None:
        """Return requests with the next late samples, in order, and the id that they reach.

        Left out are those of moments that their target has not come to: it will read them.

        Returns:
            None where there are no late samples any more.
        """
        found = self._journal.late_samples(after_id, LATE_MAX)
        if not found:
            return None
        parts = [part for late in found for part in self._late_parts(late, acknowledged)]
        size = self._queue.samples_max
        requests = [
            Request.of_parts(parts[start : start + size]) for start in range(0, len(parts), size)
        ]
        return requests, found[-1].id

    def _late_parts(self, late: LateSamples, acknowledged: Mapping[Labels, int]) -> list[bytes]:
        is_to_come = late.timestamp_ms > acknowledged.get(late.target, NEVER_MS)
        if is_to_come or late.timestamp_ms < self._oldest_ms():
            return []
        moment = np.array([late.timestamp_ms], np.int64)
        return [
            encode_series([encoded], moment, late.values[index : index + 1].reshape(1, 1))
            for index, labels in enumerate(late.series)
            if (encoded := self._encoder.encode(labels)) is not None
        ]

    def _read(self, target: Labels, after_ms: int, end_ms: int, samples_max: int) -> _Rows:
        columns = self._journal.read_target(target, after_ms, end_ms, max(1, samples_max))
        if columns is None:
            return _Rows(end_ms)
        time.sleep(0)  # likewise
        rows = _Rows(int(columns.timestamps[-1]))
        rows.take(columns, self._encoder, self._oldest_ms())
        return rows

    def _add(self, batch: Batch, target: Labels, rows: _Rows) -> None:
        """Put rows into a batch; a row that is larger than a request into several."""
        batch.moved[target] = rows.end_ms
        for reason, count in rows.dropped.items():
            batch.drop(reason, count)
        size = self._queue.samples_max
        if rows.size <= size:
            if rows.size:
                batch.add(rows.encode(0, len(rows.labels)), rows.size)
        else:
            for start in range(0, len(rows.labels), size):
                batch.seal()
                message = rows.encode(start, start + size)
                batch.add(message, rows.count(start, start + size))
        if batch.samples >= size or rows.size > size:
            batch.seal()

    def _oldest_ms(self) -> int:
        """Return the moment before which samples are not sent."""
        age_ms = self._queue.sample_age_ms
        return self._clock.now_ms() - age_ms if age_ms else NEVER_MS


class _Rows:
    """Some rows of a target: those of their samples that are sent."""

    def __init__(self, end_ms: int) -> None:
        self.end_ms = end_ms
        self.size = 0
        self.labels: Sequence[bytes] = ()
        self.dropped: dict[DropReason, int] = {}
        self._timestamps: NDArray[np.int64]
        self._values: NDArray[np.float64]
        self._present: NDArray[np.bool_] | None = None

    def take(self, columns: SeriesColumns, encoder: SeriesEncoder, oldest_ms: int) -> None:
        """Take what is not dropped by a rule or for its age."""
        encoded = encoder.encode_all(columns.series)
        timestamps, values = columns.timestamps, columns.values
        present = ~is_absent(values) if columns.has_gaps else None
        first = int(timestamps.searchsorted(oldest_ms))
        if first:
            self.dropped[DropReason.TOO_OLD] = _count(values[:first], _rows_of(present, 0, first))
            timestamps, values = timestamps[first:], values[first:]
            present = _rows_of(present, first, None)
        kept = [index for index, one in enumerate(encoded) if one is not None]
        if len(kept) < len(encoded):
            total = _count(values, present)
            values = values[:, kept]
            present = present[:, kept] if present is not None else None
            self.dropped[DropReason.RELABELLED] = total - _count(values, present)
        self.labels = [one for one in encoded if one is not None]
        self.size = _count(values, present)
        self._timestamps, self._values, self._present = timestamps, values, present

    def encode(self, start: int, end: int) -> bytes:
        """Return some of the series, by position, encoded."""
        present = None if self._present is None else self._present[:, start:end]
        return encode_series(
            self.labels[start:end], self._timestamps, self._values[:, start:end], present
        )

    def count(self, start: int, end: int) -> int:
        """Return how many samples some of the series have."""
        present = None if self._present is None else self._present[:, start:end]
        return _count(self._values[:, start:end], present)


def _rows_of(
    present: NDArray[np.bool_] | None, start: int, end: int | None
) -> NDArray[np.bool_] | None:
    return None if present is None else present[start:end]


def _count(values: NDArray[np.float64], present: NDArray[np.bool_] | None) -> int:
    return values.size if present is None else int(np.count_nonzero(present))
