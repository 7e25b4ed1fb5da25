"""Metric families: what an exposition says, independent of the format that said it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sakshi.model.labels import EMPTY_LABELS, Labels


class MetricType(StrEnum):
    """What kind of numbers a family holds; the values are OpenMetrics' words.

    The text format 0.0.4 has the first five only, and calls UNKNOWN `untyped`.
    """

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    UNKNOWN = "unknown"
    GAUGE_HISTOGRAM = "gaugehistogram"
    INFO = "info"
    STATE_SET = "stateset"


@dataclass(frozen=True)
class Exemplar:
    """One of the events that a sample counts, such as a request with its trace.

    Args:
        labels: say which event; often only `trace_id`.
        value: what that event measured, in the sample's unit.
        timestamp_ms: when; None where the scrape's own time is meant.
    """

    labels: Labels
    value: float
    timestamp_ms: int | None = None


@dataclass(frozen=True)
class ExposedSample:
    """One line of an exposition.

    Args:
        name: of the sample, with its suffix: `http_request_duration_seconds_bucket`.
        labels: as exposed, without the metric name.
        value: in the unit that the family's name ends in.
        timestamp_ms: milliseconds since the epoch; None, as nearly always, where the scrape's own
            time is meant.
        exemplar: of OpenMetrics only.
    """

    name: str
    labels: Labels = EMPTY_LABELS
    value: float = 0.0
    timestamp_ms: int | None = None
    exemplar: Exemplar | None = None


@dataclass(frozen=True)
class MetricFamily:
    """The samples that share a name, a type and a help text.

    Args:
        name: of the family; the samples of a histogram or summary add a suffix to it.
        help: for people; empty where none was given.
        unit: what the name ends in; always empty in the text format.
        samples: in the order of exposition; empty for a family that has only a HELP or TYPE line.
    """

    name: str
    type: MetricType = MetricType.UNKNOWN
    help: str = ""
    unit: str = ""
    samples: tuple[ExposedSample, ...] = ()
