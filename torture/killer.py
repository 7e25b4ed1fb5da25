"""Queries that want to take the server down: each asks for more than anybody may have.

`history` writes what they are asked about: `wide`, ten thousand series, and `long`, two hundred of
which there is a sample for each second.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sakshi.model.labels import Labels
from sakshi.storage import Store

WIDE_SERIES: Final = 10_000
WIDE_ROWS: Final = 40
WIDE_STEP_MS: Final = 15_000
LONG_SERIES: Final = 200
LONG_ROWS: Final = 3600

OVER_TIME: Final = (
    "avg_over_time", "changes", "count_over_time", "deriv", "increase", "irate", "mad_over_time",
    "max_over_time", "rate", "resets", "stddev_over_time", "sum_over_time",
)  # fmt: skip


@dataclass(frozen=True)
class Killer:
    """One such query.

    Args:
        path: where it is asked.
        parameters: with what; times relative to the end of the history, in seconds.
        is_range: whether it has a start, an end and a step.
        seconds: how far back the range goes.
        steps: how many it has.
    """

    query: str
    is_range: bool = False
    seconds: int = 0
    steps: int = 0

    def request(self, end_seconds: float) -> tuple[str, dict[str, str]]:
        """Return path and parameters, but for the timeout."""
        if not self.is_range:
            return "/api/v1/query", {"query": self.query, "time": f"{end_seconds:.3f}"}
        return "/api/v1/query_range", {
            "query": self.query,
            "start": f"{end_seconds - self.seconds:.3f}",
            "end": f"{end_seconds:.3f}",
            "step": f"{self.seconds / self.steps:.3f}",
        }


def history(store: Store, end_ms: int) -> None:
    """Write what the queries are asked about, up to a moment; commit it."""
    chance = np.random.default_rng(7)
    target = store.target(Labels({"job": "wide"}))
    columns = target.columns(
        [
            Labels({"__name__": "wide", "job": "wide", "i": str(i), "g": str(i % 100)})
            for i in range(WIDE_SERIES)
        ]
    )
    for row in range(WIDE_ROWS):
        at_ms = end_ms - (WIDE_ROWS - row) * WIDE_STEP_MS
        target.append(at_ms, columns, chance.random(WIDE_SERIES))
    target = store.target(Labels({"job": "long"}))
    columns = target.columns(
        [Labels({"__name__": "long", "job": "long", "i": str(i)}) for i in range(LONG_SERIES)]
    )
    totals = np.zeros(LONG_SERIES)
    for row in range(LONG_ROWS):
        totals = totals + chance.random(LONG_SERIES)
        target.append(end_ms - (LONG_ROWS - row) * 1000, columns, totals)
    store.commit()


def killers(count: int, chance: random.Random) -> Sequence[Killer]:
    """Return so many, of all kinds in turn."""
    return [FAMILIES[number % len(FAMILIES)](chance) for number in range(count)]


def _year_of_milliseconds(chance: random.Random) -> Killer:
    name = chance.choice(OVER_TIME)
    return Killer(f"{name}(long[{chance.randrange(1, 9)}y:{chance.randrange(1, 9)}ms])")


def _subquery(chance: random.Random) -> Killer:
    outer, inner = chance.choices(OVER_TIME, k=2)
    return Killer(f"{outer}({inner}(long[{chance.randrange(20, 60)}m])[1h:1s])")


def _subqueries(chance: random.Random) -> Killer:
    a, b, c = chance.choices(OVER_TIME, k=3)
    return Killer(f"{a}({b}({c}(long[10m])[20m:{chance.randrange(1, 4)}s])[30m:1s])")


def _long_ranges(chance: random.Random) -> Killer:
    steps = chance.randrange(1000, 10_000)
    return Killer(f"{chance.choice(OVER_TIME)}(long[55m])", True, 3000, steps)


def _cross_join(chance: random.Random) -> Killer:
    operator = chance.choice("+-*/")
    return Killer(f"wide {operator} on (job) group_left () sum by (job, i) (wide)")


def _group_join(chance: random.Random) -> Killer:
    right = f"label_replace(wide, 'n', '{chance.random()}', '', '')"
    return Killer(f"wide * on (i) group_left (n) {right}", True, 500, chance.randrange(100, 5000))


def _regex(chance: random.Random) -> Killer:
    bound = chance.randrange(100, 900)
    matchers = ",".join(f'i=~"(.*){{1,{bound}}}x|(a|a)*{n}"' for n in range(chance.choice((1, 90))))
    return Killer(f"wide{{{matchers}}}")


def _unicode_regex(chance: random.Random) -> Killer:
    matchers = ",".join(f'i!~"\\\\pL{{{chance.randrange(200, 400)}}}{n}"' for n in range(60))
    return Killer(f"wide{{{matchers}}}")


def _deep(chance: random.Random) -> Killer:
    depth = chance.choice((90, 99, 500, 5000, 16_000))
    return Killer("(" * depth + "wide" + ")" * depth)


def _signs(chance: random.Random) -> Killer:
    return Killer("-" * chance.choice((95, 900, 20_000)) + "wide", True, 500, 5000)


def _chain(chance: random.Random) -> Killer:
    operator = chance.choice((" + ", " == bool ", " and ", " unless ", " atan2 ", " ^ "))
    return Killer(operator.join(["wide"] * chance.randrange(20, 95)), True, 500, 2000)


def _long_text(chance: random.Random) -> Killer:
    return Killer(" + ".join(["wide"] * chance.choice((2000, 4000, 8000))))


def _or(chance: random.Random) -> Killer:
    parts = [
        f"label_replace(wide, 'n', '{chance.random()}', '', '')"
        for _ in range(chance.randrange(2, 40))
    ]
    return Killer(" or ".join(parts), True, 500, chance.randrange(100, 4000))


def _comparison(chance: random.Random) -> Killer:
    part = f"(wide > bool {chance.random()})"
    return Killer(" + ".join([part] * chance.randrange(2, 30)), True, 500, 3000)


def _fill(chance: random.Random) -> Killer:
    left = f'wide{{g=~".*{chance.randrange(10)}"}}'
    return Killer(f"{left} + on (i) fill (0) wide", True, 500, chance.randrange(100, 4000))


def _replaced(chance: random.Random) -> Killer:
    query = "wide"
    for _ in range(chance.randrange(2, 40)):
        query = f"label_replace({query}, 'n', '{chance.random()}$1$1', 'n', '(.*)')"
    return Killer(query)


def _renamed(chance: random.Random) -> Killer:
    query = "wide"
    for number in range(chance.randrange(5, 60)):
        query = f"label_replace({query}, 'n{number}', '{chance.random()}', '', '')"
    return Killer(query)


def _joined(chance: random.Random) -> Killer:
    query = "wide"
    for _ in range(chance.randrange(2, 40)):
        query = f"label_join({query}, 'n', '{chance.random()}', 'n', 'n', 'i', 'g')"
    return Killer(query)


def _counted(chance: random.Random) -> Killer:
    return Killer(f"count_values('v', wide * {chance.random()})", True, 500, 500)


def _quantile(chance: random.Random) -> Killer:
    by = chance.choice(("", "by (g)", "by (i)", "without (g)"))
    return Killer(f"quantile {by} ({chance.random()}, wide)", True, 500, 4000)


def _ranked(chance: random.Random) -> Killer:
    by = chance.choice(("", "by (g)", "by (i)"))
    name = chance.choice(("topk", "bottomk", "limitk"))
    return Killer(f"{name} {by} ({chance.randrange(1, 10_000)}, wide)", True, 500, 4000)


def _buckets(chance: random.Random) -> Killer:
    buckets = f"label_join(wide * {chance.random()}, 'le', '', 'i')"
    return Killer(f"histogram_quantile(0.9, {buckets})", True, 500, 1000)


def _everything(chance: random.Random) -> Killer:
    return Killer(f'{{__name__=~".*{chance.choice("gide")}.*"}}', True, 3600, 10_000)


def _large_answer(chance: random.Random) -> Killer:
    return Killer(f"wide * {chance.random()}", True, 500, chance.randrange(1000, 4900))


def _absent(chance: random.Random) -> Killer:
    return Killer(f"absent_over_time(wide[{chance.randrange(1, 9)}y:1s])", True, 500, 10_000)


FAMILIES: Final[tuple[Callable[[random.Random], Killer], ...]] = (
    _year_of_milliseconds, _subquery, _subqueries, _long_ranges, _cross_join, _group_join, _regex,
    _unicode_regex, _deep, _signs, _chain, _long_text, _or, _comparison, _fill, _replaced, _renamed,
    _joined, _counted, _quantile, _ranked, _buckets, _everything, _large_answer, _absent,
)  # fmt: skip
"""One kind of query each."""
