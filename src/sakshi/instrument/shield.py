"""Keeps the SDK's own failures away from the application, and counts them.

Idea: the application never pays for being watched. Whatever goes wrong inside the SDK (a broken
registry, a label that cannot be turned into text, a size callback that raises) ends here: it is
counted by the place it happened and logged once per place. `except Exception` is therefore the
SDK's rule and not its exception; nothing below `BaseException` ever passes. Cancellation and
interrupts do pass: they belong to the application.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, Metric

logger = logging.getLogger(__name__)


class Shield:
    """Counts failures by site; also the collector that exposes these counts.

    The sites are constants in the SDK's code, so the number of series is bounded.
    """

    def __init__(self) -> None:
        self.failures: dict[str, int] = {}

    def failed(self, site: str) -> None:
        """Count the exception being handled; call it in an `except` block. Never raises."""
        count = self.failures.get(site, 0)
        self.failures[site] = count + 1
        if count == 0:
            with contextlib.suppress(Exception):  # a user's log handler may be the broken part
                logger.warning("site=%s event=instrumentation_failed", site, exc_info=True)

    def describe(self) -> Iterable[Metric]:
        """Return the family without samples, so that a registry knows the name."""
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        """Return `sakshi_instrument_errors_total{site}`; no samples where nothing failed."""
        family = self._family()
        for site, count in sorted(self.failures.items()):
            family.add_metric([site], count)
        return [family]

    @staticmethod
    def _family() -> CounterMetricFamily:
        return CounterMetricFamily(
            "sakshi_instrument_errors", "Failures inside the SDK, kept away.", labels=["site"]
        )
