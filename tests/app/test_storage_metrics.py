"""What sakshi says of its own store."""

from __future__ import annotations

import numpy as np
from prometheus_client import CollectorRegistry

from sakshi.app.storage_metrics import StorageCollector
from sakshi.model.labels import Labels
from sakshi.storage.memory import MemoryStore


def test_a_store_is_measured_whenever_it_is_asked() -> None:
    """The numbers are those of the moment, under names that end as their kind wants."""
    store, registry = MemoryStore(), CollectorRegistry()
    registry.register(StorageCollector(store))
    before = registry.get_sample_value("sakshi_storage_series")

    target = store.target(Labels({"job": "chat"}))
    columns = target.columns([Labels({"__name__": "up"}), Labels({"__name__": "turns_total"})])
    for at_ms in range(3):
        target.append(at_ms, columns, np.array([1.0, at_ms]))
    store.commit()

    assert before == 0
    names = ("series", "targets", "samples_appended_total", "samples_lost_total")
    found = {name: registry.get_sample_value(f"sakshi_storage_{name}") for name in names}
    assert found == {
        "series": 2,
        "targets": 1,
        "samples_appended_total": 6,
        "samples_lost_total": 0,
    }
