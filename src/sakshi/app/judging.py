"""KPIs connected: the rules made of them, and the judge of what these record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sakshi.config import Configuration
from sakshi.kpi import Judge, Witness, find_recorded, generate_groups
from sakshi.promql import LocalEngine
from sakshi.rules import RuleGroup
from sakshi.storage import Store

SILENT_INTERVALS: Final = 3  # of the slowest job: after as many, what is known is stale
SILENT_MS_MIN: Final = 10_000


def build_kpi_groups(configuration: Configuration) -> Sequence[RuleGroup]:
    """Return the rules made of a configuration's KPIs."""
    return generate_groups(
        configuration.kpis,
        Path(configuration.file).name,
        configuration.global_config.evaluation_interval_ms,
        configuration.rule_groups,
    )


def build_judge(configuration: Configuration, store: Store, engine: LocalEngine) -> Judge:
    """Return what judges a configuration's KPIs."""
    intervals = [config.interval_ms for config in configuration.scrape_configs]
    witness = Witness(
        engine,
        store,
        configuration.kpis,
        find_recorded(configuration.rule_groups),
        max(SILENT_MS_MIN, SILENT_INTERVALS * max(intervals, default=0)),
    )
    return Judge(configuration.kpis, witness, engine, store, Path(configuration.file).name)
