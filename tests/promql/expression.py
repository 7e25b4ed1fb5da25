"""Random PromQL over the samples of `service_samples`: well-typed, mostly with an answer."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

GAUGES = (
    "consciousness_memory_usage_bytes",
    "consciousness_coherence_score",
    "websocket_active_connections",
    "cpu_usage_percent",
    "memory_usage_percent",
    "up",
    'consciousness_memory_usage_bytes{component="memory"}',
    'consciousness_coherence_score{user_id!="u0"}',
    '{__name__=~"(cpu|memory)_usage_percent",instance=~"chat-[01].*"}',
)
DISTINCT = GAUGES[:2] + GAUGES[3:5]  # values without ties, for topk and the like
COUNTERS = (
    "ai_requests_total",
    'ai_requests_total{outcome="error"}',
    'ai_requests_total{provider=~"openai|venice"}',
    "consciousness_response_time_seconds_count",
    "consciousness_response_time_seconds_sum",
    'consciousness_response_time_seconds_count{status!~"5.."}',
    'consciousness_pipeline_duration_seconds_count{layer="total"}',
)
HISTOGRAMS = {
    "consciousness_response_time_seconds_bucket": ("endpoint", "status"),
    "consciousness_pipeline_duration_seconds_bucket": ("layer",),
    "ai_model_response_time_seconds_bucket": ("provider", "model"),
}
LABELS = ("instance", "provider", "outcome", "endpoint", "layer", "component", "user_id", "job")
DATES = (
    "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month",
    "year",
)  # fmt: skip
RANGES = ("45s", "1m", "90s", "2m", "5m", "10m", "1h")
COMPUTED_RANGES = ("2 * 45s", "(1 + 2) * 1m", "5m - 90s", "1h / 6", "7m % 4m", "300 + 1m", "2 ^ 7")
TWO_METRICS = (
    '{__name__=~"(cpu|memory)_usage_percent"}',
    '{__name__=~"consciousness_.*_seconds_count",layer=~"|total"}',
)


class ExpressionGenerator:
    """Makes expressions, the same ones for the same seed.

    Args:
        seed: of the choices.
        experimental: whether to call the experimental functions of Prometheus 3.5.
    """

    def __init__(self, seed: int, *, experimental: bool = False) -> None:
        self._random = Random(seed)
        self._is_experimental = experimental

    def vector(self, depth: int = 3) -> str:
        """Return an instant vector expression with about so many levels."""
        if depth <= 0:
            return self._leaf()
        kinds = (
            self._aggregation, self._mathematics, self._with_scalar, self._matched, self._grouped,
            self._set_operation, self._quantile, self._labels, self._subquery, self._comparison,
            self._best, self._absent, self._converted, lambda _: self._leaf(),
            *((self._experiment,) if self._is_experimental else ()),
        )  # fmt: skip
        kind: Callable[[int], str] = self._random.choice(kinds)
        return kind(depth - 1)

    def _choose(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _range(self) -> str:
        if self._is_experimental and self._random.random() < 0.1:
            return self._random.choice(COMPUTED_RANGES)
        return self._random.choice(RANGES)

    def _leaf(self) -> str:
        return self._random.choice((self._selector, self._rate, self._over_time))()

    def _selector(self) -> str:
        return self._random.choice(GAUGES) + self._modifier()

    def _modifier(self) -> str:
        return self._choose("", "", "", " offset 2m", " offset 45s", " @ end()", " @ start()")

    def _rate(self) -> str:
        function = self._choose("rate", "rate", "increase", "irate", "delta", "resets", "idelta")
        selector = self._random.choice(COUNTERS)
        return f"{function}({selector}[{self._range()}]{self._modifier()})"

    def _over_time(self) -> str:
        function = self._choose(
            "avg", "min", "max", "sum", "count", "last", "present", "stddev", "stdvar"
        )
        window = f"{self._random.choice(GAUGES)}[{self._range()}]{self._modifier()}"
        special = (
            f"quantile_over_time({self._random.uniform(0, 1):.2f}, {window})",
            f"deriv({window})",
            f"changes({window})",
            f"predict_linear({window.partition(' @')[0]}, {self._random.randint(-60, 600)})",
        )
        plain = f"{function}_over_time({window})"
        return self._choose(plain, plain, plain, *special)

    def _names(self) -> str:
        return ", ".join(self._random.sample(LABELS, self._random.randint(0, 3)))

    def _aggregation(self, depth: int) -> str:
        operator = self._choose(
            "sum", "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar",
            f"quantile({self._random.uniform(0, 1):.2f}, ",
        )  # fmt: skip
        grouping = self._choose(f" by ({self._names()}) ", f" without ({self._names()}) ", " ")
        inner = self.vector(depth)
        if operator.startswith("quantile"):
            return f"quantile{grouping}({operator.removeprefix('quantile(')}{inner})"
        return f"{operator}{grouping}({inner})"

    def _best(self, depth: int) -> str:
        operator, count = self._choose("topk", "bottomk"), self._random.randint(0, 5)
        grouping = self._choose("", f" by ({self._names()}) ")
        return f"{operator}{grouping}({count}, {self._random.choice(DISTINCT)})"

    def _mathematics(self, depth: int) -> str:
        function = self._choose(
            "abs", "ceil", "floor", "sqrt", "exp", "ln", "log2", "log10", "sgn", "atan",
            "sort", "sort_desc", "deg", "-", "round", *DATES,
        )  # fmt: skip
        if function in DATES:  # of moments, not of numbers that Go cannot take for one
            return f"{function}(timestamp({self._random.choice(GAUGES)}) * {self._number()})"
        if function in ("ceil", "floor", "round"):
            return f"{function}({self._random.choice(DISTINCT)})"
        return f"{function}({self.vector(depth)})"

    def _number(self) -> str:
        return f"{self._random.uniform(-3, 100):.3f}"

    def scalar(self) -> str:
        """Return a scalar expression."""
        return self._choose(
            self._number(),
            self._number(),
            "(time() / 1e6)",
            f"scalar({self._random.choice(GAUGES)})",
            f"scalar(sum({self._random.choice(GAUGES)}))",
        )

    def _with_scalar(self, depth: int) -> str:
        operator = self._choose("+", "-", "*", "/", "%", "^")
        operands = [self.vector(depth), self.scalar()]
        if operator in ("%", "^"):  # discontinuous or explosive: keep the operands plain
            operands = [self._random.choice(DISTINCT), self._choose("2", "0.5", "3")]
        self._random.shuffle(operands)
        if operator in ("%", "^"):
            operands.sort(key=len, reverse=True)
        return f"({operands[0]} {operator} {operands[1]})"

    def _comparison(self, depth: int) -> str:
        operator = self._choose(">", "<", ">=", "<=", "> bool", "< bool", "!=", "== bool")
        operands = [self.vector(depth), self._number()]
        self._random.shuffle(operands)
        return f"({operands[0]} {operator} {operands[1]})"

    def _matched(self, depth: int) -> str:
        names = self._random.sample(LABELS[:4], self._random.randint(1, 2))
        by, operator = ", ".join(names), self._choose("+", "-", "*", "/", "> bool")
        sides = [f"sum by ({by}) ({self.vector(depth)})" for _ in range(2)]
        return f"({sides[0]} {operator}{self._choose('', f' on ({by})')} {sides[1]})"

    def _grouped(self, depth: int) -> str:
        many = self._choose(self._rate(), self._selector(), self.vector(depth))
        one = f"{self._choose('sum', 'max')} by (instance) ({self.vector(depth)})"
        operator = self._choose("*", "/", "+")
        if self._random.random() < 0.5:
            return f"({many} {operator} on (instance) group_left {one})"
        return f"({one} {operator} on (instance) group_right {many})"

    def _set_operation(self, depth: int) -> str:
        operator = self._choose("and", "or", "unless")
        matching = self._choose("", " on (instance)", " on ()", " ignoring (provider)")
        return f"({self.vector(depth)} {operator}{matching} {self.vector(depth)})"

    def _quantile(self, depth: int) -> str:
        name, labels = self._random.choice(list(HISTOGRAMS.items()))
        rate = f"{self._choose('rate', 'increase')}({name}[{self._range()}])"
        by = ", ".join(self._random.sample(("le", "instance", *labels), k=len(labels) + 1))
        phi = self._choose("0.5", "0.9", "0.95", "0.99", "0", "1")
        inner = self._choose(rate, f"sum by (le, {by.replace('le, ', '')}) ({rate})")
        return f"histogram_quantile({phi}, {inner})"

    def _labels(self, depth: int) -> str:
        inner = self.vector(depth)
        return self._choose(
            f'label_replace({inner}, "host", "$1", "instance", "(.*):.*")',
            f'label_replace({inner}, "provider", "", "provider", "open.*")',
            f'label_join({inner}, "both", "-", "instance", "provider")',
        )

    def _subquery(self, depth: int) -> str:
        function = self._choose("avg", "max", "min", "sum", "count", "last", "stddev")
        step = self._choose("15s", "30s", "1m", "")
        inner = self._choose(self._leaf(), f"sum by (instance) ({self._leaf()})")
        if function == "last":  # Prometheus 3.5 forgets that names are to go: see promql.md
            inner = self._choose(self._selector(), f"sum by (instance) ({self._leaf()})")
        return f"{function}_over_time(({inner})[{self._choose('2m', '5m', '10m')}:{step}])"

    def _experiment(self, depth: int) -> str:
        window = f"{self._random.choice(DISTINCT)}[{self._range()}]{self._modifier()}"
        factors = ", ".join(f"{self._random.uniform(0.05, 0.95):.2f}" for _ in range(2))
        bounds = sorted(self._random.uniform(0.1, 6) for _ in range(2))  # below 0.1: see promql.md
        histogram = f"rate({self._random.choice(list(HISTOGRAMS))}[{self._range()}])"
        named = f"rate({self._random.choice(TWO_METRICS)}[{self._range()}])"
        rename = '"__name__", "$1", "__name__", "([a-z]*)_.*"'
        return self._choose(
            f"limitk({self._random.randint(0, 5)}, {self._random.choice(GAUGES)})",
            f"limit_ratio({self._random.uniform(-1, 1):.3f}, {self.vector(depth)})",
            f"count by ({self._names()}) ({named})",
            f"sum by (__name__) (label_replace({named}, {rename}))",
            f"label_replace({named}, {rename})",
            f"(({named} > 0) or {self._random.choice(GAUGES)})",
            f"({self._random.choice(GAUGES)} offset (1m * {self._random.randint(1, 3)}))",
            f"mad_over_time({window})",
            f"ts_of_{self._choose('min', 'max', 'last')}_over_time({window})",
            f"double_exponential_smoothing({window}, {factors})",
            f"sort_by_label({self.vector(depth)}, 'instance', 'user_id')",
            f"sort_by_label_desc({self._random.choice(GAUGES)}, 'component', 'instance')",
            f"histogram_fraction({bounds[0]:.2f}, {bounds[1]:.2f}, {histogram})",
        )

    def _absent(self, depth: int) -> str:
        return self._choose(
            f'absent({self._random.choice(GAUGES)}{{zone="x", job="a"}})'.replace("}{", ","),
            f"absent({self.vector(depth)})",
            f"absent_over_time({self._random.choice(GAUGES)}[{self._range()}])",
            f"count(absent_over_time(nothing[{self._range()}])) + on () group_left () up",
        )

    def _converted(self, depth: int) -> str:
        return self._choose(
            f"vector({self.scalar()})",
            f"clamp_min({self.vector(depth)}, {self._number()})",
            f"clamp_max({self.vector(depth)}, {self._number()})",
            f"clamp({self.vector(depth)}, {self.scalar()}, {self._number()})",
            f"(timestamp({self._random.choice(GAUGES)}{self._modifier()}) - 1700000000)",
            f'count_values("value", {self._choose("up", "websocket_active_connections")})',
            f"({self.vector(depth)})",
        )
