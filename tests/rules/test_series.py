from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.rules.station import Station, parse_matchers

from sakshi.model.labels import Labels
from sakshi.rules.series import SeriesWriter
from sakshi.storage import StorageFullError, is_absent, is_stale
from sakshi.storage.store import Columns, Values

A, B = Labels({"__name__": "y", "job": "a"}), Labels({"__name__": "y", "job": "b"})
TARGET = Labels({"rule_group": "rules.yml;group"})


def samples(station: Station, labels: Labels) -> list[float | str]:
    """Return all samples of a series in order; a stale marker is `stale`."""
    found: list[float | str] = []
    for columns in station.store.select(parse_matchers(str(labels)), 0, 1 << 50):
        values = columns.values[:, 0]
        values = values[~is_absent(values)]
        found += [
            "stale" if stale else float(value)
            for value, stale in zip(values, is_stale(values), strict=True)
        ]
    return found


def test_a_series_that_vanishes_ends_once(station: Station) -> None:
    """One stale marker, and nothing after it; a series that returns goes on."""
    writer = SeriesWriter(station.store.target(TARGET))

    refused = [
        writer.write(moment, rows)
        for moment, rows in ((1, {A: 1.0, B: 2.0}), (2, {B: 3.0}), (3, {}), (4, {}), (5, {A: 4.0}))
    ]

    assert samples(station, A) == [1.0, "stale", 4.0]
    assert samples(station, B) == [2.0, 3.0, "stale"]
    assert refused == [0] * 5


def test_series_of_before_a_restart_end_too(station: Station) -> None:
    """A writer that is told what was written before ends what is not there any more."""
    target = station.store.target(TARGET)
    SeriesWriter(target).write(1, {A: 1.0})

    SeriesWriter(target, [A]).write(2, {})

    assert samples(station, A) == [1.0, "stale"]


def test_a_series_of_two_rules_is_the_first_ones(station: Station) -> None:
    """The second rule's sample is refused and counted; its others are written."""
    target = station.store.target(TARGET)
    SeriesWriter(target).write(1, {A: 1.0})

    refused = SeriesWriter(target).write(1, {A: 9.0, B: 2.0})

    assert refused == 1
    assert samples(station, A) == [1.0]
    assert samples(station, B) == [2.0]


def test_samples_that_are_refused_are_said_once(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """A clock that stepped back costs thousands of samples, and one line in the log."""
    writer = SeriesWriter(station.store.target(TARGET))
    rows = {Labels({"__name__": "y", "n": str(n)}): 1.0 for n in range(100)}
    refused = [writer.write(moment, rows) for moment in (1000, 1, 2, 3, 1001, 4)]

    assert refused == [0, 100, 100, 100, 0, 100]
    assert caplog.text.count("rule samples refused") == 2


def test_a_series_that_another_rule_goes_on_with_does_not_end(station: Station) -> None:
    """The stale marker of a rule that lost a series gives way, and is no refusal."""
    target = station.store.target(TARGET)
    loser, winner = SeriesWriter(target), SeriesWriter(target)
    loser.write(1, {A: 1.0})
    winner.write(2, {A: 5.0})

    refused = loser.write(2, {})

    assert refused == 0
    assert samples(station, A) == [1.0, 5.0]


def test_a_storage_that_refuses_costs_the_samples_and_is_counted(station: Station) -> None:
    """The rule has worked: its alerts count, only its series have a hole."""

    class Refusing:
        """A target that a lack of space makes refuse once."""

        def __init__(self) -> None:
            self.target, self.is_full = station.store.target(TARGET), True

        def columns(self, series: Sequence[Labels]) -> Columns:
            return self.target.columns(series)

        def append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
            if self.is_full:
                raise StorageFullError("no space left on device")
            self.target.append(timestamp_ms, columns, values)

    refusing = Refusing()
    writer = SeriesWriter(refusing)

    refused = writer.write(1, {A: 1.0, B: 2.0})
    refusing.is_full = False
    taken = writer.write(2, {A: 3.0, B: 4.0})

    assert (refused, taken) == (2, 0)
    assert samples(station, A) == [3.0]
