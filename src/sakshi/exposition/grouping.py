"""Lines of one body, grouped into the metric families that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.family import ExposedSample, MetricFamily, MetricType
from sakshi.exposition.line import MetaLine, SampleLine
from sakshi.model.labels import Labels

Suffixes = Mapping[MetricType, Sequence[str]]
"""What the samples of a family may add to its name, by the family's type."""


@dataclass
class _Draft:
    """A family under construction."""

    type: MetricType = MetricType.UNKNOWN
    help: str = ""
    unit: str = ""
    samples: list[ExposedSample] = field(default_factory=list)


class FamilyBuilder:
    """The families of one body, by name, in the order of their appearance.

    Args:
        suffixes: of the body's format.
    """

    def __init__(self, suffixes: Suffixes) -> None:
        self._suffixes = suffixes
        self._drafts: dict[str, _Draft] = {}
        self._seen: set[tuple[str, Labels, int | None]] = set()

    def add_meta(self, meta: MetaLine) -> None:
        """Note what a line says of its family; of two such lines the later counts."""
        draft = self._drafts.setdefault(meta.name, _Draft())
        if meta.help is not None:
            draft.help = meta.help
        if meta.type is not None:
            draft.type = meta.type
        if meta.unit is not None:
            draft.unit = meta.unit

    def add_sample(self, line: SampleLine, number: int) -> None:
        """Add a sample to its family: a declared one, else one of its own name.

        Args:
            line: of the body.
            number: of the line, 1-based, for the error.

        Raises:
            ExpositionSyntaxError: the series has a sample at that moment already.
        """
        name, labels = line.pairs[0][1], Labels(line.pairs[1:])
        value, timestamp_ms, exemplar = line.measurement
        moment = (name, labels, timestamp_ms)
        if moment in self._seen:
            found = line.key.strip().decode()
            raise ExpositionSyntaxError(number, 1, "each series once", f"{found} again")
        self._seen.add(moment)
        sample = ExposedSample(name, labels, value, timestamp_ms, exemplar)
        self._drafts.setdefault(self._family_of(name), _Draft()).samples.append(sample)

    def finish(self) -> list[MetricFamily]:
        """Return the families."""
        return [
            MetricFamily(name, draft.type, draft.help, draft.unit, tuple(draft.samples))
            for name, draft in self._drafts.items()
        ]

    def _family_of(self, name: str) -> str:
        if name in self._drafts:
            return name
        base, _, suffix = name.rpartition("_")
        draft = self._drafts.get(base)
        if draft is not None and f"_{suffix}" in self._suffixes.get(draft.type, ()):
            return base
        return name
