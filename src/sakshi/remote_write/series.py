"""From a stored series to the bytes that it is sent under; made once, and kept.

External labels are added where a series does not have them itself, then the rules are applied, as
Prometheus does it.

Source:
    prometheus/prometheus storage/remote/queue_manager.go, StoreSeries
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sakshi.exposition.write_request import encode_labels
from sakshi.model.labels import Labels
from sakshi.scrape.relabel import RelabelRule, relabel
from sakshi.storage import SeriesList

KNOWN_MAX: Final = 1_000_000  # encoded label sets that are kept, some 300 bytes each

Encoded = Sequence[bytes | None]
"""For each series its labels as they are sent; None where a rule drops it."""


class SeriesEncoder:
    """Encodes the label sets of one remote. For one thread at a time.

    Args:
        name: of the remote.
        external_labels: of this sakshi.
        rules: `write_relabel_configs`.
    """

    def __init__(self, name: str, external_labels: Labels, rules: Sequence[RelabelRule]) -> None:
        self._key = ("remote write", name)
        self._external = dict(external_labels)
        self._rules = rules
        self._known: dict[Labels, bytes | None] = {}

    def encode_all(self, series: SeriesList) -> Encoded:
        """Return each series as it is sent; the same list for the same object."""
        encoded: Encoded | None = series.memo.get(self._key)
        if encoded is None:
            encoded = series.memo[self._key] = [self.encode(labels) for labels in series]
        return encoded

    def encode(self, labels: Labels) -> bytes | None:
        """Return one series as it is sent; None where a rule drops it."""
        if labels in self._known:
            return self._known[labels]
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        encoded = self._known[labels] = self._make(labels)
        return encoded

    def _make(self, labels: Labels) -> bytes | None:
        sent: Labels | None = Labels({**self._external, **labels}) if self._external else labels
        if self._rules and sent is not None:
            sent = relabel(sent, self._rules)
        return None if sent is None else encode_labels(sent.pairs)
