"""Panels: the charts of the page, as queries; and the ones that come with sakshi.

A panel draws one line for each series of each of its queries. The line's key is the query's
`legend` with `{{label}}` replaced by the series' label; within a panel no two lines share a key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sakshi.model.labels import Labels

_LABEL: Final = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")


@dataclass(frozen=True)
class PanelQuery:
    """One query of a panel.

    Args:
        legend: names the lines: `p95`, `{{provider}}`.
        expr: PromQL, in the panel's unit; may contain `$window`.
    """

    legend: str
    expr: str

    def series_key(self, labels: Labels) -> str:
        """Return the key of the line that a series is drawn as.

        Example:
            >>> PanelQuery("{{provider}} mean", "x").series_key(Labels({"provider": "venice"}))
            'venice mean'
        """
        return _LABEL.sub(lambda match: labels.get(match[1], ""), self.legend)


@dataclass(frozen=True)
class Threshold:
    """A horizontal line in a panel.

    Args:
        name: `target`, `warning`, `critical`, or another text to show beside it.
        value: in the panel's unit.
    """

    name: str
    value: float


@dataclass(frozen=True)
class Panel:
    """One chart.

    Args:
        id: unique among the panels, `snake_case`: the page's and the messages' key.
        unit: of all its queries' values; as `Kpi.unit`.
    """

    id: str
    title: str
    unit: str
    queries: Sequence[PanelQuery]
    thresholds: Sequence[Threshold] = ()


def _mean_ms(metric: str, *, by: str = "", selector: str = "") -> str:
    """Return the mean of a histogram in seconds, over the window, in milliseconds."""
    grouping = f" by ({by})" if by else ""
    total = f"sum{grouping} (rate({metric}_sum{selector}[$window]))"
    count = f"sum{grouping} (rate({metric}_count{selector}[$window]))"
    return f"1000 * {total} / {count}"


def _quantile_ms(quantile: float, metric: str) -> str:
    buckets = f"sum by (le) (rate({metric}_bucket[$window]))"
    return f"1000 * histogram_quantile({quantile}, {buckets})"


_RESPONSE_TIME: Final = "consciousness_response_time_seconds"

DEFAULT_PANELS: Final = (
    Panel(
        "response_time",
        "Response time",
        "ms",
        (
            PanelQuery("mean", _mean_ms(_RESPONSE_TIME)),
            PanelQuery("p95", _quantile_ms(0.95, _RESPONSE_TIME)),
            PanelQuery("p99", _quantile_ms(0.99, _RESPONSE_TIME)),
        ),
        (Threshold("target", 2000), Threshold("warning", 3000), Threshold("critical", 5000)),
    ),
    Panel(
        "throughput",
        "Throughput",
        "/s",
        (
            PanelQuery("messages", "sum(consciousness_messages_per_second)"),
            PanelQuery(
                "pipeline completions", "sum(consciousness_pipeline_completions_per_second)"
            ),
            PanelQuery("AI calls", "sum(ai_api_calls_per_second)"),
        ),
    ),
    Panel(
        "provider_time",
        "AI providers, mean response time",
        "ms",
        (PanelQuery("{{provider}}", _mean_ms("ai_model_response_time_seconds", by="provider")),),
    ),
    Panel(
        "pipeline_layers",
        "Pipeline layers, mean time",
        "ms",
        (
            PanelQuery(
                "{{layer}}",
                _mean_ms(
                    "consciousness_pipeline_duration_seconds",
                    by="layer",
                    selector='{layer!="total"}',
                ),
            ),
        ),
    ),
    Panel(
        "success_rate",
        "Success rates",
        "ratio",
        (
            PanelQuery("pipeline", "min(consciousness_pipeline_success_rate)"),
            PanelQuery("AI providers", "min(ai_response_success_rate)"),
            PanelQuery("database", "min(database_connection_success_rate)"),
        ),
        (
            Threshold("pipeline, critical", 0.95),
            Threshold("AI providers, critical", 0.90),
            Threshold("database, critical", 0.99),
        ),
    ),
    Panel(
        "resources",
        "CPU and memory",
        "%",
        (
            PanelQuery("CPU", "max(cpu_usage_percent)"),
            PanelQuery("memory", "max(memory_usage_percent)"),
        ),
    ),
)
"""The panels that come with sakshi; their limits are the strategy's."""
