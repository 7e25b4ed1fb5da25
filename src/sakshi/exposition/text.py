"""The Prometheus text format 0.0.4 (and 1.0.0, which adds quoted names): bytes to metric families.

    # HELP http_requests_total Requests answered.
    # TYPE http_requests_total counter
    http_requests_total{method="post",code="200"} 1027
    {"http.server.active",zone="a"} 3 1395066363000

docs/formats/exposition.md draws it and names the few places where we are stricter than Prometheus.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.family import ExposedSample, MetricFamily, MetricType
from sakshi.exposition.line import (
    BOUND_LABELS,
    MetaLine,
    SampleLine,
    is_comment,
    scan_comment,
    scan_sample,
)
from sakshi.model.labels import Labels

_SUFFIXES: Final = {
    MetricType.HISTOGRAM: ("_bucket", "_sum", "_count"),
    MetricType.SUMMARY: ("_sum", "_count"),
}


def parse_text(body: bytes) -> list[MetricFamily]:
    r"""Return the families of an exposition, in the order in which they first appear.

    Samples without a TYPE line make a family of their own name and UNKNOWN type. The last line
    needs no line feed. An empty body is an exposition without families.

    Raises:
        ExpositionSyntaxError: the bytes are not this format, or have two samples of one series
            and moment. (A scrape keeps the first of the two, as Prometheus does: `Layout`.)

    Example:
        >>> [family] = parse_text(b'# TYPE up gauge\nup{job="chat"} 1\n')
        >>> family.type, family.samples[0].labels["job"], family.samples[0].value
        (<MetricType.GAUGE: 'gauge'>, 'chat', 1.0)
    """
    families = _Families()
    bound_label = ""
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not is_comment(line):
            families.add_sample(scan_sample(line, number, bound_label), number)
        elif (meta := scan_comment(line, number)) is not None:
            families.add_meta(meta)
            if meta.type is not None:
                bound_label = BOUND_LABELS.get(meta.type, "")
    return families.finish()


@dataclass
class _Draft:
    """A family under construction."""

    type: MetricType = MetricType.UNKNOWN
    help: str = ""
    samples: list[ExposedSample] = field(default_factory=list)


class _Families:
    """The families of one body, by name; dictionaries keep the order of appearance."""

    def __init__(self) -> None:
        self._drafts: dict[str, _Draft] = {}
        self._seen: set[tuple[str, Labels, int | None]] = set()

    def add_meta(self, meta: MetaLine) -> None:
        draft = self._drafts.setdefault(meta.name, _Draft())
        if meta.help is not None:
            draft.help = meta.help
        if meta.type is not None:
            draft.type = meta.type

    def add_sample(self, line: SampleLine, number: int) -> None:
        name, labels = line.pairs[0][1], Labels(line.pairs[1:])
        moment = (name, labels, line.timestamp_ms)
        if moment in self._seen:
            found = line.key.strip().decode()
            raise ExpositionSyntaxError(number, 1, "each series once", f"{found} again")
        self._seen.add(moment)
        sample = ExposedSample(name, labels, line.value, line.timestamp_ms)
        self._drafts.setdefault(self._family_of(name), _Draft()).samples.append(sample)

    def finish(self) -> list[MetricFamily]:
        return [
            MetricFamily(name, draft.type, draft.help, samples=tuple(draft.samples))
            for name, draft in self._drafts.items()
        ]

    def _family_of(self, name: str) -> str:
        if name in self._drafts:
            return name
        base, _, suffix = name.rpartition("_")
        draft = self._drafts.get(base)
        if draft is not None and f"_{suffix}" in _SUFFIXES.get(draft.type, ()):
            return base
        return name
