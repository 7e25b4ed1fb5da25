from __future__ import annotations

import pytest

from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql.ast import Expr, MatrixSelector, Span, Subquery, TimeAnchor, VectorSelector
from sakshi.promql.errors import QuerySyntaxError
from sakshi.promql.parser import parse_query

NOWHERE = Span(0, 0)
X = (Matcher("__name__", MatchOperator.EQUAL, "x"),)


def selector(offset_ms: int = 0, at: int | TimeAnchor | None = None) -> VectorSelector:
    return VectorSelector(X, offset_ms, at, span=NOWHERE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x", ["__name__=x"], id="name alone"),
        pytest.param("x{}", ["__name__=x"], id="empty braces"),
        pytest.param("a:b:c", ["__name__=a:b:c"], id="colons"),
        pytest.param('x{a="b"}', ["__name__=x", "a=b"], id="equal"),
        pytest.param('x{a!="b"}', ["__name__=x", "a!=b"], id="not equal"),
        pytest.param('x{a=~"b"}', ["__name__=x", "a=~b"], id="regex"),
        pytest.param('x{a!~"b"}', ["__name__=x", "a!~b"], id="not regex"),
        pytest.param("x{a='b', c=`d`,}", ["__name__=x", "a=b", "c=d"], id="all quotes, last comma"),
        pytest.param('x{a="b", a="c"}', ["__name__=x", "a=b", "a=c"], id="one label twice"),
        pytest.param('{__name__=~"x.*"}', ["__name__=~x.*"], id="name as a label"),
        pytest.param('{__name__="on"}', ["__name__=on"], id="a keyword as name"),
        pytest.param('{"my.metric"}', ["__name__=my.metric"], id="quoted name"),
        pytest.param('{"é☃", "my.label"="x"}', ["__name__=é☃", "my.label=x"], id="quoted label"),
        pytest.param('{a="b", "m"}', ["a=b", "__name__=m"], id="quoted name in any place"),
        pytest.param('{a=~".*", b="c"}', ["a=~.*", "b=c"], id="one is not empty"),
        pytest.param('{a!=""}', ["a!="], id="not empty"),
        pytest.param('x{a=""}', ["__name__=x", "a="], id="with a name, others may be empty"),
        pytest.param("{ # c\n a # c\n = # c\n 'b' # c\n }", ["a=b"], id="comments inside"),
    ],
)
def test_selector_is_its_matchers(text: str, expected: list[str]) -> None:
    """In the order of the text, the name before the braces first."""
    expr = parse_query(text)

    assert isinstance(expr, VectorSelector)
    assert [f"{m.name}{m.operator}{m.value}" for m in expr.matchers] == expected


NAME = 'expected a label name, a metric name in quotes or "}"'
BEFORE_SUBQUERY = "expected an instant vector before the range of a subquery"
NOT_EMPTY = "expected at least one matcher that does not match the empty string"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 + {}", f"1:5: {NOT_EMPTY}, found {{}}"),
        ('{a=~".*",b=""}', f'1:1: {NOT_EMPTY}, found {{a=~".*",b=""}}'),
        ('{a!="b"}', f'1:1: {NOT_EMPTY}, found {{a!="b"}}'),
        ('{""}', f'1:1: {NOT_EMPTY}, found {{__name__=""}}'),
        ('x{a="b", "y"}', '1:10: expected no second metric name after "x", found __name__="y"'),
        ('x{__name__!~"y"}', '1:3: expected no second metric name after "x", found __name__!~"y"'),
        ("x{", f"1:3: {NAME}, found the end of the query"),
        ("x{,}", f'1:3: {NAME}, found ","'),
        ("x{5}", f'1:3: {NAME}, found "5"'),
        ("x{a}", '1:4: expected "=", "!=", "=~" or "!~" after a label name, found "}"'),
        ("x{a==1}", '1:4: expected "=", "!=", "=~" or "!~" after a label name, found "=="'),
        ("x{a:b=1}", '1:4: expected "=", "!=", "=~" or "!~" after a label name, found ":"'),
        ('{"a" "b"}', '1:6: expected "=", "!=", "=~" or "!~" after a label name, found "b"'),
        ("x{a=b}", '1:5: expected a string after "=", found "b"'),
        ("x{a=~}", '1:6: expected a string after "=~", found "}"'),
        ('x{a="b" c="d"}', '1:9: expected "," or "}" after a matcher, found "c"'),
        ('x{a="b"', '1:8: expected "," or "}" after a matcher, found the end of the query'),
        ('x{a="b}', "1:5: expected a string after \"=\", found a string without a closing quote"),
        (
            'x{a=~"b("}',
            '1:6: expected a regular expression of RE2, found "b(": missing ): b(',
        ),
        (
            'x{a!~"(?=b)"}',
            '1:6: expected a regular expression of RE2, found "(?=b)":'
            " invalid perl operator: (?=",
        ),
    ],
)  # fmt: skip
def test_selector_with_a_mistake_is_refused(text: str, message: str) -> None:
    """Everything is never selected by mistake."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x offset 5m", selector(300_000), id="offset"),
        pytest.param("x OFFSET -5m", selector(-300_000), id="negative offset"),
        pytest.param("x offset +5m", selector(300_000), id="offset with plus"),
        pytest.param("x offset 90", selector(90_000), id="offset in seconds"),
        pytest.param("x offset -0.0019", selector(-1), id="cut to milliseconds"),
        pytest.param("x offset 1.001", selector(1001), id="float seconds are no trap"),
        pytest.param("x offset 0s", selector(), id="no offset at all"),
        pytest.param("x @ 1609746000", selector(at=1_609_746_000_000), id="at"),
        pytest.param("x @ -1.5", selector(at=-1500), id="negative at"),
        pytest.param("x @ +0x10", selector(at=16_000), id="hexadecimal at"),
        pytest.param("x @ 0.0005", selector(at=1), id="rounded half away from zero"),
        pytest.param("x @ -0.0005", selector(at=-1), id="on both sides"),
        pytest.param("x @ 5m", selector(at=300_000), id="at a duration"),
        pytest.param("x @ start()", selector(at=TimeAnchor.START), id="at start"),
        pytest.param("x @ END ( )", selector(at=TimeAnchor.END), id="at end"),
        pytest.param("x @ 1 offset 5m", selector(300_000, 1000), id="at, then offset"),
        pytest.param("x offset 5m @ 1", selector(300_000, 1000), id="offset, then at"),
        pytest.param("x[5m]", MatrixSelector(selector(), 300_000, span=NOWHERE), id="range"),
        pytest.param("x[ 90 ]", MatrixSelector(selector(), 90_000, span=NOWHERE), id="in seconds"),
        pytest.param("x[+1h]", MatrixSelector(selector(), 3_600_000, span=NOWHERE), id="plus"),
        pytest.param(
            "x[5m] offset 1m @ end()",
            MatrixSelector(selector(60_000, TimeAnchor.END), 300_000, span=NOWHERE),
            id="modifiers of a range are its selector's",
        ),
        pytest.param(
            "x[1h:5m]",
            Subquery(selector(), 3_600_000, 300_000, span=NOWHERE),
            id="subquery",
        ),
        pytest.param(
            "x offset 1m [1h:] @ 5 offset -1m",
            Subquery(selector(60_000), 3_600_000, None, -60_000, 5000, span=NOWHERE),
            id="subquery with modifiers of its own",
        ),
    ],
)
def test_selector_is_followed_by_range_and_modifiers(text: str, expected: Expr) -> None:
    """Offsets and times in milliseconds, in either order."""
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x[]", '1:3: expected a duration after "[", found "]"'),
        ("x[a]", '1:3: expected a duration after "[", found "a"'),
        (
            "x[5q]",
            '1:3: expected a duration after "[", found "5q", neither a number nor a duration',
        ),
        ("x[Inf]", '1:3: expected a duration after "[", found "Inf"'),
        ("x[0]", '1:3: expected a duration of at least 1ms, found "0"'),
        ("x[-5m]", '1:3: expected a duration of at least 1ms, found "-5m"'),
        ("x[0.0009]", '1:3: expected a duration of at least 1ms, found "0.0009"'),
        ("x[1e300]", '1:3: expected a duration below 292 years, found "1e300"'),
        ("x[5m", '1:5: expected ":" or "]" after the range, found the end of the query'),
        ("x[5m 1m]", '1:6: expected ":" or "]" after the range, found "1m"'),
        ("x[5m:", '1:6: expected a duration or "]" after ":", found the end of the query'),
        ("x[5m::1m]", '1:6: expected a duration or "]" after ":", found ":"'),
        ("x[5m:0s]", '1:6: expected a duration of at least 1ms, found "0s"'),
        ("x[5m:1m 1m]", '1:9: expected "]" after the step, found "1m"'),
        ("(x)[5m]", "1:4: expected a selector before a range, found an instant vector"),
        ("x[5m][5m]", "1:6: expected a selector before a range, found a range vector"),
        ("time()[5m]", "1:7: expected a selector before a range, found a scalar"),
        ("x offset 5m[5m]", '1:12: expected the range before "offset" and "@", found it behind'),
        ("x @ 0 [5m]", '1:7: expected the range before "offset" and "@", found it behind'),
        ("1[5m:]", f"1:1: {BEFORE_SUBQUERY}, found a scalar"),
        ("x[5m][5m:]", f"1:1: {BEFORE_SUBQUERY}, found a range vector"),
        ("x offset", '1:9: expected a duration after "offset", found the end of the query'),
        ("x offset y", '1:10: expected a duration after "offset", found "y"'),
        ("x offset --5m", '1:11: expected a duration after "offset", found "-"'),
        ("x offset NaN", '1:10: expected a duration below 292 years, found "NaN"'),
        ("x offset -Inf", '1:10: expected a duration below 292 years, found "-Inf"'),
        ("x offset 1m offset 1m", '1:13: expected "offset" at most once, found "offset"'),
        ("x @ 1 offset 1m @ 1", '1:17: expected "@" at most once, found "@"'),
        ("x @ foo", '1:5: expected a time in seconds, start() or end() after "@", found "foo"'),
        ("x @ start", '1:10: expected "()" after "start", found the end of the query'),
        ("x @ end(1)", '1:9: expected ")" after "end(", found "1"'),
        ("x @ NaN", '1:5: expected a time before the year 37648, found "NaN"'),
        ("x @ -1e18", '1:5: expected a time before the year 37648, found "-1e18"'),
        (
            "sum(x) offset 5m",
            '1:8: expected a selector or a subquery before "offset", found "offset"',
        ),
        ("(x) @ 5", '1:5: expected a selector or a subquery before "@", found "@"'),
        ("5 offset 5m", '1:3: expected a selector or a subquery before "offset", found "offset"'),
    ],
)  # fmt: skip
def test_range_or_modifier_with_a_mistake_is_refused(text: str, message: str) -> None:
    """A range follows a selector at once; modifiers follow selectors and subqueries, each once."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)

    assert str(caught.value) == message
