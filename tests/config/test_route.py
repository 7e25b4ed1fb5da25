from __future__ import annotations

import pytest
from tests.config.reading import take

from sakshi.alerting import InhibitRule, RouteConfig
from sakshi.config.route import read_inhibit_rule, read_route
from sakshi.model.matcher import Matcher, MatchOperator

EQUAL, REGEX = MatchOperator.EQUAL, MatchOperator.REGEX


def test_every_key_of_a_route_is_read() -> None:
    """All three notations of matchers are; what a route does not say is None."""
    route, problems, warnings = take(
        """\
        receiver: all
        group_by: [alertname, job]
        group_wait: 10s
        group_interval: 1m
        repeat_interval: 4h
        routes:
          - receiver: team
            matchers: ['severity="critical"', '{job=~"chat|worker", zone!="b"}']
            match: {team: a}
            match_re: {service: ^(x|y)$}
            group_by: []
            continue: true
          - group_by: ['...']
        """,
        read_route,
    )

    assert (problems, warnings) == ([], [])
    assert route == RouteConfig(
        receiver="all",
        matchers=[],
        group_by=["alertname", "job"],
        group_wait_ms=10_000,
        group_interval_ms=60_000,
        repeat_interval_ms=14_400_000,
        routes=[
            RouteConfig(
                receiver="team",
                matchers=[
                    Matcher("severity", EQUAL, "critical"),
                    Matcher("job", REGEX, "chat|worker"),
                    Matcher("zone", MatchOperator.NOT_EQUAL, "b"),
                    Matcher("team", EQUAL, "a"),
                    Matcher("service", REGEX, "^(x|y)$"),
                ],
                group_by=[],
                continue_=True,
                routes=[],
            ),
            RouteConfig(matchers=[], group_by=["..."], routes=[]),
        ],
    )


def test_every_key_of_an_inhibition_rule_is_read() -> None:
    """In today's notation and in the older one."""
    rules = [
        take(text, read_inhibit_rule)
        for text in (
            "name: x\nsource_matchers: [a=b]\ntarget_matchers: ['c=~\"d\"']\nequal: [job]\n",
            "source_match: {a: b}\ntarget_match_re: {c: d}\nequal: [job]\n",
        )
    ]

    expected = InhibitRule([Matcher("a", EQUAL, "b")], [Matcher("c", REGEX, "d")], ["job"])
    assert rules == [(expected, [], [])] * 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "matchers: ['severity=\"a\"', 'severity']",
            'x.yml:1:28: matchers[1] at 1:9: expected one of "=", "!=", "=~", "!~", found the end',
            id="a matcher without operator",
        ),
        pytest.param(
            "matchers: ['job=~\"(\"']",
            "x.yml:1:12: matchers[0] at 1:6: expected a regular expression of RE2, "
            'found missing ): ( in the regular expression "("',
            id="a regular expression that RE2 refuses",
        ),
        pytest.param(
            "match_re: {job: '(?=a)'}",
            "x.yml:1:17: match_re.job: expected a regular expression of RE2, found "
            'invalid perl operator: (?= in the regular expression "(?=a)"',
            id="another, in the older notation",
        ),
        pytest.param(
            "match: {a-b: c}",
            'x.yml:1:14: match.a-b: expected a label name, found "a-b"',
            id="a label that is none",
        ),
        pytest.param(
            "matchers: severity=critical",
            'x.yml:1:11: matchers: expected a list of texts, found "severity=critical"',
            id="a matcher that is no list",
        ),
        pytest.param(
            "group_by: [job, zone, job]",
            'x.yml:1:23: group_by[2]: expected each label once, found "job" a second time',
            id="a label twice",
        ),
        pytest.param(
            "routes: [{group_wait: soon}]",
            'x.yml:1:23: routes[0].group_wait: expected a duration like "30s" or "1h30m", '
            'found "soon"',
            id="a duration, one level down",
        ),
        pytest.param(
            "routes: [{recever: x}]",
            'x.yml:1:11: routes[0].recever: expected the key "receiver", '
            'found the unknown key "recever"',
            id="a misspelt key, one level down",
        ),
    ],
)
def test_what_is_wrong_with_a_route_has_its_place(text: str, problem: str) -> None:
    """One mistake is one problem, with line, column and key, and the place within the matcher."""
    _, problems, _ = take(text, read_route)

    assert problems == [problem]


def test_a_route_with_times_is_warned_of() -> None:
    """What is not supported yet is named where it stands."""
    _, problems, warnings = take("mute_time_intervals: [nights]\n", read_route)

    assert problems == []
    assert warnings == ["x.yml:1:1: mute_time_intervals: not supported yet, no effect"]


def test_an_inhibition_by_everything_is_warned_of() -> None:
    """A side without matchers is every alert: right, but hardly meant."""
    _, problems, warnings = take("source_match: {a: b}\nequal: [job]\n", read_inhibit_rule)

    assert problems == []
    assert warnings == ["x.yml:1:1: without target_matchers, every alert is a target"]


def test_routes_nest_as_deep_as_a_file_may() -> None:
    """The deepest tree that a file can hold is read without recursion errors."""
    depth = 49  # each level is a mapping in a list
    route, problems, _ = take("routes: [{" * depth + "}]" * depth, read_route)

    assert problems == []
    for _ in range(depth):
        assert isinstance(route, RouteConfig)
        [route] = route.routes
