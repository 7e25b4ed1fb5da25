"""How much the storage keeps, where, and for how long: every bound that it has, with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from sakshi.model.duration import UNIT_MS


@dataclass(frozen=True)
class StorageConfig:
    """The storage's bounds.

    Args:
        retention_ms: samples older than this may be forgotten; who calls `Store.expire` reads it.
        retention_bytes: the oldest samples are forgotten while the database has more than this;
            None: age alone decides. What is in memory, and its log, are never forgotten for it.
        series_max: series of all targets together, those included whose samples expired within
            the last hour. Beyond it new ones are refused, and counted; the others go on.
        target_series_max: series of one target, counted likewise: whoever makes a label of every
            request takes no room from the others.
        out_of_order_ms: a sample may be so much older than its target's newest, though its series
            has a newer one; 0: never.
        keeps_late: whether late samples are kept for whoever passes them on: see `Journal`.
        head_ms: rows this much older than their target's newest are sealed into chunks and leave
            memory. A little more than five minutes: the lookback, and the window of most rules.
        seal_rows: rows that are sealed together: two minutes of a scrape each second.
        close_seconds_max: of moving what is in the log to chunks when the store closes: they take a
            fifth of its size. What is left then is read from the log at the next start.
        pending_bytes_max: raw bytes of rows that wait for a disk that refuses. Beyond it the older
            half of them is given up, and counted: a monitor that goes on alerting is worth more
            than the history of an hour in which its disk was full.
        chunk_cache_bytes_max: decoded chunks kept for the next query.
        plan_cache_series_max: series, over all selections whose result lists are kept.
        disk_bytes_max: the database grows no further (its write-ahead log, about 1 MiB, is not
            counted): appends go on in memory, `commit` raises `StorageFullError`; None: no limit.
    """

    retention_ms: int = 15 * UNIT_MS["d"]  # Prometheus' default
    retention_bytes: int | None = None
    series_max: int = 1_000_000  # about 1 KiB of memory each, and 8 bytes a row of the head
    target_series_max: int = 250_000  # a large kube-state-metrics
    out_of_order_ms: int = 0  # Prometheus' default
    keeps_late: bool = False
    head_ms: int = 6 * UNIT_MS["m"]
    seal_rows: int = 120
    close_seconds_max: float = 3.0  # those who stop a container give it ten seconds
    pending_bytes_max: int = 256 << 20  # 10,000 series at 1 s: 55 minutes
    chunk_cache_bytes_max: int = 32 << 20
    plan_cache_series_max: int = 1 << 20
    disk_bytes_max: int | None = None
