"""The log's records: what is written is read, and what was lost is never guessed."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from sakshi.storage.record import DamagedRecordError, LoggedRow, RowDecoder, RowEncoder
from sakshi.storage.taken import Patch, TakenRows
from sakshi.storage.value import ABSENT


def taken(
    rows: dict[int, list[float]],
    columns: list[int],
    layout: int = 1,
    late: list[Patch] | None = None,
) -> TakenRows:
    values = np.array(list(rows.values()), np.float64).reshape(len(rows), len(columns))
    timestamps = np.array(list(rows), np.int64)
    return TakenRows(timestamps, values, np.array(columns, np.intp), layout, late or [], [])


def plain(rows: list[LoggedRow]) -> list[tuple[int, list[int], bytes]]:
    return [(row.timestamp_ms, row.columns.tolist(), row.values.tobytes()) for row in rows]


def raw(*values: float) -> bytes:
    return np.array(values, np.float64).tobytes()


def test_rows_come_back() -> None:
    """Rows in full, rows of changes, new slots and late samples are read as they were written."""
    encoder, decoder = RowEncoder(), RowDecoder()
    late = Patch(500, np.array([3], np.intp), np.array([9.0]))
    records = [
        encoder.encode(taken({1000: [1, -0.0, float("nan")]}, [4, 2, 3])),
        encoder.encode(taken({2000: [1, 0.0, float("nan")], 3000: [2, 0, 1]}, [4, 2, 3])),
        encoder.encode(taken({4000: [2, 0, 1, 7]}, [4, 2, 3, 8], late=[late])),
        encoder.encode(taken({5000: [3, 1]}, [2, 8], layout=2)),
    ]

    rows = [row for record in records for row in decoder.decode(record.body)]

    assert plain(rows) == [
        (1000, [4, 2, 3], raw(1, -0.0, float("nan"))),
        (2000, [4, 2, 3], raw(1, 0.0, float("nan"))),
        (3000, [4, 2, 3], raw(2, 0, 1)),
        (500, [3], raw(9)),
        (4000, [4, 2, 3, 8], raw(2, 0, 1, 7)),
        (5000, [2, 8], raw(3, 1)),
    ]
    assert [row.is_late for row in rows] == [False, False, False, True, False, False]
    assert [record.is_full for record in records] == [True, False, False, True]
    assert [(record.start_ms, record.end_ms) for record in records][2] == (500, 4000)


def test_row_is_written_in_full_now_and_then() -> None:
    """At most 60 rows depend on one that is written in full."""
    encoder = RowEncoder()

    full = [encoder.encode(taken({at: [1.0]}, [0])).is_full for at in range(130)]

    assert [index for index, is_full in enumerate(full) if is_full] == [0, 60, 120]


def test_row_after_reset_is_full() -> None:
    """After a failed commit the next record needs none before it."""
    encoder = RowEncoder()
    encoder.encode(taken({1000: [1.0, 2.0]}, [0, 1]))

    encoder.reset()

    record = encoder.encode(taken({2000: [1.0, 2.0]}, [0, 1]))
    assert record.is_full
    assert plain(list(RowDecoder().decode(record.body))) == [(2000, [0, 1], raw(1, 2))]


def test_lost_record_costs_rows_until_its_changes_are_overwritten() -> None:
    """Rows are taken again as soon as all that a lost record changed has changed again."""
    encoder, decoder = RowEncoder(), RowDecoder()
    rows: dict[int, list[float]] = {
        0: [1, 1, 1],
        1: [2, 2, 1],
        2: [3, 2, 1],
        3: [4, 3, 1],
        4: [4, 3, 2],
    }
    records = [encoder.encode(taken({at: row}, [0, 1, 2])) for at, row in rows.items()]

    list(decoder.decode(records[0].body))
    decoder.break_chain()  # in place of record 1
    found = [row for record in records[2:] for row in decoder.decode(record.body)]

    assert plain(found) == [(3, [0, 1, 2], raw(4, 3, 1)), (4, [0, 1, 2], raw(4, 3, 2))]


def test_lost_record_with_a_new_slot_is_never_guessed() -> None:
    """Values whose columns are unknown are left out, up to the next row in full."""
    encoder, decoder = RowEncoder(), RowDecoder()
    records = [
        encoder.encode(taken({0: [1.0]}, [0])),
        encoder.encode(taken({1: [1.0, 5.0]}, [0, 7])),
        encoder.encode(taken({2: [2.0, 6.0]}, [0, 7])),
        encoder.encode(taken({3: [3.0, 7.0]}, [7, 0], layout=2)),
    ]

    list(decoder.decode(records[0].body))
    decoder.break_chain()
    found = [row for record in records[2:] for row in decoder.decode(record.body)]

    assert plain(found) == [(3, [7, 0], raw(3, 7))]


def test_lost_rearrangement_is_never_guessed() -> None:
    """Right values in wrong columns are not taken for right."""
    encoder, decoder = RowEncoder(), RowDecoder()
    records = [
        encoder.encode(taken({0: [1.0, 2.0]}, [0, 1])),
        encoder.encode(taken({1: [1.0, 2.0]}, [1, 0], layout=2)),
        encoder.encode(taken({2: [5.0, 6.0]}, [1, 0], layout=2)),
    ]

    list(decoder.decode(records[0].body))
    decoder.break_chain()

    assert list(decoder.decode(records[2].body)) == []


def test_absent_values_survive() -> None:
    """A hole stays a hole."""
    record = RowEncoder().encode(taken({0: [float(ABSENT), 1.0]}, [0, 1]))

    (row,) = RowDecoder().decode(record.body)

    assert row.values.tobytes() == raw(float(ABSENT), 1.0)


def test_rubbish_is_refused() -> None:
    """Every prefix of a record, and every record with a flipped bit, raises our error only."""
    good = RowEncoder().encode(taken({0: [1.5, 2.5], 1: [1.5, 3.5]}, [0, 1])).body
    prefixes = [good[:length] for length in range(len(good))]
    flipped = [
        good[:index] + bytes([good[index] ^ 1 << bit]) + good[index + 1 :]
        for index in range(len(good))
        for bit in range(8)
    ]

    for bad in prefixes:
        with pytest.raises(DamagedRecordError, match=r"^not a log record: "):
            list(RowDecoder().decode(bad))
    for bad in flipped:
        try:
            rows = list(RowDecoder().decode(bad))
        except DamagedRecordError:
            continue
        assert plain(rows) == plain(list(RowDecoder().decode(good)))  # a bit that zlib ignores


def test_a_row_of_an_unknown_kind_is_damage() -> None:
    """What a later version may write is not taken for something else."""
    header = struct.pack("<B", 99) + bytes(64)

    with pytest.raises(DamagedRecordError, match="not a log record: row of kind 99"):
        list(RowDecoder().decode(zlib.compress(header)))
