from __future__ import annotations

import pytest

from sakshi.alerting import InvalidMatcherError, parse_matchers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('severity="critical"', ['severity="critical"'], id="quoted"),
        pytest.param(" severity = critical ", ['severity="critical"'], id="bare, with spaces"),
        pytest.param("a!=b", ['a!="b"'], id="not equal"),
        pytest.param("a=~b|c.*", ['a=~"b|c.*"'], id="a bare regex"),
        pytest.param("a!~[x-z]+", ['a!~"[x-z]+"'], id="not a regex"),
        pytest.param('{a="b",c=~"d"}', ['a="b"', 'c=~"d"'], id="in braces"),
        pytest.param('{a="b", c="d",}', ['a="b"', 'c="d"'], id="a comma after the last"),
        pytest.param("a=b, c=d", ['a="b"', 'c="d"'], id="two without braces"),
        pytest.param("{\n  a = b,\n  c = d\n}", ['a="b"', 'c="d"'], id="on lines of their own"),
        pytest.param("a=", ['a=""'], id="an empty value"),
        pytest.param('a=""', ['a=""'], id="an empty quoted value"),
        pytest.param(r'a="x\"y\\z\n"', [r'a="x\"y\\z\n"'], id="escapes"),
        pytest.param(r'a=~"\d+"', [r'a=~"\\d+"'], id="a backslash that escapes nothing"),
        pytest.param('a="b,c}"', ['a="b,c}"'], id="a comma and a brace in quotes"),
        pytest.param('"a b"=c', ['"a b"="c"'], id="a quoted name"),
    ],
)
def test_a_text_is_read_as_matchers(text: str, expected: list[str]) -> None:
    """What Alertmanager's documentation allows is read as it says."""
    assert [str(matcher) for matcher in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "1:1: expected a matcher, found the end", id="nothing"),
        pytest.param("{}", '1:2: expected a matcher, found "}"', id="empty braces"),
        pytest.param("a", '1:2: expected one of "=", "!=", "=~", "!~", found the end', id="a name"),
        pytest.param("=b", '1:1: expected a label name, found "=b"', id="no name"),
        pytest.param('{a="b"', '1:7: expected a closing "}", found the end', id="no closing brace"),
        pytest.param(
            'a="b"}', '1:6: expected a comma or the end after a matcher, found "}"', id="only one"
        ),
        pytest.param(
            "a=b c=d",
            '1:5: expected a comma or the end after a matcher, found "c=d"',
            id="no comma",
        ),
        pytest.param(
            'a=~"("',
            "1:4: expected a regular expression of RE2, found missing ): ( in the regular"
            ' expression "("',
            id="no regex",
        ),
        pytest.param("a=b,,c=d", '1:5: expected a label name, found ",c=d"', id="two commas"),
    ],
)
def test_a_text_that_is_no_matcher_is_refused(text: str, message: str) -> None:
    """The error says where, what was expected and what stood there."""
    with pytest.raises(InvalidMatcherError) as refusal:
        parse_matchers(text)

    assert str(refusal.value) == message
