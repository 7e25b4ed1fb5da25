"""What the rules say about themselves, in sakshi's own registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class RuleMetrics:
    """Metrics of all groups, by `rule_group`, which is the group's id.

    Args:
        registry: where they are registered; None: nowhere.
    """

    def __init__(self, registry: CollectorRegistry | None) -> None:
        labels = ["rule_group"]
        self.evaluations = Counter(
            "sakshi_rule_evaluations_total", "Evaluations of rules.", labels, registry=registry
        )
        self.failures = Counter(
            "sakshi_rule_evaluation_failures_total",
            "Evaluations of rules that failed.",
            labels,
            registry=registry,
        )
        self.missed = Counter(
            "sakshi_rule_group_iterations_missed_total",
            "Evaluations of groups that were skipped because an earlier one took too long.",
            labels,
            registry=registry,
        )
        self.duration = Gauge(
            "sakshi_rule_group_last_duration_seconds",
            "How long the last evaluation of a group took.",
            labels,
            registry=registry,
        )
        self.refused = Counter(
            "sakshi_rule_samples_refused_total",
            "Results of rules that the storage refused: two rules record the same series, or the"
            " clock stepped back.",
            labels,
            registry=registry,
        )
        self.record_failures = Counter(
            "sakshi_rule_record_failures_total",
            "Changes of alerts that could not be made durable; they are tried again.",
            labels,
            registry=registry,
        )
        self.commit_failures = Counter(
            "sakshi_rule_commit_failures_total",
            "Times that the storage could not make recorded series durable.",
            registry=registry,
        )
