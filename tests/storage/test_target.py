"""What happens to a target's rows while they move to the disk."""

from __future__ import annotations

import numpy as np

from sakshi.model.clock import SystemClock
from sakshi.model.labels import Labels
from sakshi.storage.budget import SeriesBudget
from sakshi.storage.history import NoHistory
from sakshi.storage.index import SeriesIndex
from sakshi.storage.past import Past
from sakshi.storage.span import Span
from sakshi.storage.target import TargetHead

NO_PAST = Past(NoHistory(), 0, SystemClock())
UP, LATE = Labels({"__name__": "up"}), Labels({"__name__": "late"})


def filled_target(rows: int) -> TargetHead:
    budget = SeriesBudget(1000, 1000)
    target = TargetHead(1, Labels({"job": "chat"}), SeriesIndex(), budget, NO_PAST)
    columns = target.columns([UP])
    for at_ms in range(rows):
        target.append(at_ms, columns, np.array([float(at_ms)]))
    return target


def test_taken_rows_are_taken_once() -> None:
    """A commit takes what no commit took before; after a failure the next takes it again."""
    target = filled_target(3)

    taken = target.take()
    assert taken is not None
    target.append(3, target.columns([UP]), np.array([3.0]))
    target.give_back(taken)
    again = target.take()

    assert again is not None
    assert again.timestamps.tolist() == [0, 1, 2, 3]
    assert [new.labels for new in again.new_columns] == [UP]
    assert target.take() is None


def test_late_sample_during_a_failed_commit_is_taken_with_its_row() -> None:
    """What comes for rows that are being written is in those rows when they are taken again."""
    target = filled_target(3)
    taken = target.take()
    assert taken is not None

    target.append(1, target.columns([LATE]), np.array([7.0]))
    target.give_back(taken)
    again = target.take()

    assert again is not None
    assert again.patches == []
    assert again.values[1].tolist() == [1.0, 7.0]


def test_late_samples_alone_are_taken_again() -> None:
    """A failed commit that had nothing but late samples has them in the next."""
    target = filled_target(3)
    target.take()
    target.append(1, target.columns([LATE]), np.array([7.0]))

    taken = target.take()
    assert taken is not None
    target.give_back(taken)

    again = target.take()
    assert again is not None
    assert again.timestamps.size == 0
    assert [patch.timestamp_ms for patch in again.patches] == [1]


def test_late_sample_for_a_taken_row_is_a_patch() -> None:
    """The log gets a record of its own for a sample that comes after its row."""
    target = filled_target(3)
    target.take()

    target.append(1, target.columns([LATE]), np.array([7.0]))
    taken = target.take()

    assert taken is not None
    assert taken.timestamps.size == 0
    assert [(p.timestamp_ms, p.columns.tolist(), p.values.tolist()) for p in taken.patches] == [
        (1, [1], [7.0])
    ]


def test_rows_are_sealed_when_they_are_old() -> None:
    """Only rows that are old, and in the log, are sealed; then they leave memory."""
    target = filled_target(30)
    assert target.begin_seal(10, 5) is None, "not in the log yet"
    target.take()
    assert target.begin_seal(10, 25) is None, "not old enough"

    rows = target.begin_seal(10, 5)
    assert rows is not None
    assert target.view().rows.timestamps.tolist() == list(range(30))
    target.end_seal(Span(1, 0, 9, 10))

    assert rows.timestamps.tolist() == list(range(10))
    assert target.view().rows.timestamps.tolist() == list(range(10, 30))
    assert len(target.view().spans) == 1


def test_row_that_changes_while_it_is_sealed_stays() -> None:
    """A late sample for rows on their way to the disk is not lost with them."""
    target = filled_target(30)
    target.take()
    target.begin_seal(10, 5)

    target.append(4, target.columns([LATE]), np.array([7.0]))
    target.end_seal(Span(1, 0, 9, 10))

    assert target.view().rows.timestamps.tolist() == [4, *range(10, 30)]


def test_giving_up_drops_the_older_half() -> None:
    """Where the disk refuses for too long, the older half of what waits goes."""
    target = filled_target(10)
    target.take()
    for at_ms in range(10, 20):
        target.append(at_ms, target.columns([UP]), np.array([1.0]))

    lost = target.give_up()
    taken = target.take()

    assert lost == 5
    assert taken is not None
    assert taken.timestamps.tolist() == list(range(15, 20))
    assert target.view().rows.timestamps.tolist() == [*range(10), *range(15, 20)]


def test_late_samples_that_are_given_up_are_counted() -> None:
    """Late samples wait for the disk as rows do: they have a size, and giving them up counts."""
    target = filled_target(10)
    target.take()
    target.append(4, target.columns([LATE]), np.array([7.0]))
    assert target.pending_bytes() == 8

    assert target.give_up() == 1

    assert target.pending_bytes() == 0
    assert target.take() is None


def test_ended_columns_leave_the_matrix() -> None:
    """A thousand series that came and went take no room in the rows that follow them."""
    target = filled_target(1)
    for number in range(1000):
        labels = Labels({"__name__": "session", "id": str(number)})
        columns = target.columns([UP, labels])
        target.append(1 + number, columns, np.array([1.0, 2.0]))
    target.take()

    while target.begin_seal(100, 50) is not None:
        target.end_seal(Span(1, 0, 1, 100))

    rows = target.view().rows
    assert rows.timestamps.size <= 150
    assert rows.values.shape[1] <= 151
