"""An independent parser agrees: `promql-parser`, which GreptimeDB and others build on.

It accepts and refuses what we do, on queries and on mutants of them. It panics on hostile texts, so
only tame ones are given to it. Where the two differ for good, the table says why.
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import promql_parser
import pytest

from sakshi.promql.ast import Binary, Expr, Parenthesis, Unary
from sakshi.promql.errors import QueryError
from sakshi.promql.function import SIGNATURES
from sakshi.promql.operator import PRECEDENCE
from sakshi.promql.parser import parse_query
from sakshi.promql.tokenizer import tokenize

OPERATORS = sorted(PRECEDENCE)
SEEDS = r"""
up
up{job="chat"}
{__name__=~"job:.*"}
{"my.metric","my.label"="x"}
http_requests_total{environment=~"staging|testing",method!="GET",code!~"4.."}
rate(http_requests_total[5m])
sum by (job, instance) (rate(x{a="b"}[5m] offset 1w))
sum(x) without (a)
topk(5, x) by (job)
count_values("version", build_info)
quantile(0.9, x)
histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m])))
a + on (x) group_left (y) b
a / ignoring (x) group_right b
a and on (x) b or c unless d
a == bool 1
1 + 2 * 3 ^ 4 ^ 5
-a ^ 2
a % b atan2 c
max_over_time(rate(x[5m])[1h:1m] offset 5m)
x @ 1609746000
x offset 5m @ start()
rate(x[5m] @ end() offset -5m)
label_replace(up, "a", "$1", "b", "(.*)")
label_join(up, "a", ",", "b", "c")
absent(x{a="b"})
clamp(x, 0, 1)
round(x, 5)
time() - x
vector(1)
scalar(x)
"a string"
1e-3 > bool 0x1F
min(a >= 1) < max(b != 2)
day_of_week()
sum(sum)
by + offset
5m * 2
(a + b) * (c - d)
a <= b
group(x) by ()
predict_linear(x[1h], 3600)
quantile_over_time(0.5, x[5m:])
""".strip().split("\n")
EXTRA = """
5 "s" x[5m] by ( ) on bool offset 5m - + ^ and {} [5m] , @ == x sum rate 1 without group_left or
""".split()  # noqa: SIM905  (a list literal of 24 words would hide what they are)


def ours(text: str) -> bool:
    try:
        parse_query(text)
    except QueryError:
        return False
    return True


def theirs(text: str) -> bool:
    try:
        promql_parser.parse(text)
    except ValueError:
        return False
    return True


def words(text: str) -> list[str]:
    return [token.text for token in tokenize(text) if token.text]


def mutant(seed: str, rng: random.Random) -> str:
    """Return a query with a word left out, put in, replaced, or two exchanged."""
    changed = words(seed)
    place, other = rng.randrange(len(changed)), rng.randrange(len(changed))
    match rng.randrange(4):
        case 0:
            del changed[place]
        case 1:
            changed.insert(place, rng.choice(EXTRA))
        case 2:
            changed[place] = rng.choice(EXTRA)
        case _:
            changed[place], changed[other] = changed[other], changed[place]
    return " ".join(changed)


@pytest.mark.parametrize("seed", SEEDS)
def test_mutants_are_accepted_and_refused_alike(seed: str) -> None:
    """Sixty neighbours of every query, most of them wrong in one word."""
    rng = random.Random(seed)

    mutants = {mutant(seed, rng) for _ in range(60)} - DIFFERENT

    assert ours(seed)
    assert theirs(seed)
    assert [text for text in sorted(mutants) if ours(text) != theirs(text)] == []


def test_pairs_of_queries_are_accepted_and_refused_alike() -> None:
    """Every operator between neighbours of the list, whatever their types."""
    texts = [
        f"{left} {operator}{modifier} {right}"
        for left, right in pairwise(SEEDS)
        for operator in OPERATORS
        for modifier in ("", " bool", " on (job)")
    ]

    assert [text for text in texts if ours(text) != theirs(text)] == []


def our_shape(expr: Expr) -> Any:
    match expr:
        case Binary():
            return expr.operator, our_shape(expr.left), our_shape(expr.right)
        case Unary():
            return "-", our_shape(expr.expr)
        case Parenthesis():
            return "()", our_shape(expr.expr)
        case _:
            return str(expr)


def their_shape(expr: Any) -> Any:
    match type(expr).__name__:
        case "BinaryExpr":
            return str(expr.op), their_shape(expr.lhs), their_shape(expr.rhs)
        case "UnaryExpr":
            return "-", their_shape(expr.expr)
        case "ParenExpr":
            return "()", their_shape(expr.expr)
        case _:
            return str(expr).removesuffix("{}")


@pytest.mark.parametrize("seed", range(10))
def test_operators_bind_alike(seed: int) -> None:
    """Random chains of all operators, signs and parentheses have the same tree."""
    rng = random.Random(seed)
    for _ in range(20):
        text = chain(rng, depth=2)
        assert our_shape(parse_query(text)) == their_shape(promql_parser.parse(text)), text


def chain(rng: random.Random, depth: int) -> str:
    text = operand(rng, depth)
    for _ in range(rng.randrange(8)):
        text += f" {rng.choice(OPERATORS)} {operand(rng, depth)}"
    return text


def operand(rng: random.Random, depth: int) -> str:
    inner = f"({chain(rng, depth - 1)})" if depth and rng.random() < 0.2 else rng.choice("abcdef")
    return "-" * (rng.random() < 0.2) + inner


DIFFERENCES = {
    "x[+1h]": "we take a sign, as Prometheus 3 does",
    "x[5m # why\n]": "we take comments everywhere",
    "1_000": "underscores came with Prometheus 2.53",
    "0x_53_AB": "underscores came with Prometheus 2.53",
    'info(x, {a=~".*"})': "the second argument may match everything, as in Prometheus",
    "info(x, y)": "and has no name there",
    "1e400": "Go's ParseFloat reports it as out of range",
    'sum by ("") (x)': "no label has that name",
    "sum by (a:b) (x)": "valid since label names are UTF-8",
    "x[1e-9]": "our times are milliseconds",
    "x @ 1e18": "our times are milliseconds",
    r'"\xff"': "our strings are text",
    'up{or = "chat"}': "a keyword is a label; the oracle has an extension of braces",
    "+x[5m]": "a range has no sign; the oracle checks only `-`",
    "+(http_requests_total[5m])": "a range has no sign",
    "rate(+http_requests_total[5m])": "a range has no sign",
    "+(rate(x[5m])[1h:1m] offset 5m)": "a range has no sign",
}


@pytest.mark.parametrize(("text", "reason"), DIFFERENCES.items())
def test_difference_is_still_one(text: str, reason: str) -> None:
    """A reason that no longer holds leaves the table."""
    assert ours(text) != theirs(text), reason


DIFFERENT = {" ".join(words(text)) for text in DIFFERENCES}


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_function_is_known_to_both(name: str) -> None:
    """With the same number of arguments."""
    signature = SIGNATURES[name]
    most = signature.arguments_min + 2 if signature.argument_types else 0
    examples = {"scalar": "1", "string": '"a"', "vector": "{x='1'}", "matrix": "x[5m]"}
    for count in range(most + 1):
        arguments = [examples[signature.argument_type(i)] for i in range(count)]
        text = f"{name}({', '.join(arguments)})"
        assert ours(text) == theirs(text), text
