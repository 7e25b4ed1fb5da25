from __future__ import annotations

import pytest

from sakshi.alerting import Route, RouteConfig, parse_matchers
from sakshi.model.labels import Labels

TREE = Route(
    RouteConfig(
        receiver="everyone",
        group_by=("alertname",),
        routes=(
            RouteConfig(
                matchers=parse_matchers('owner="team-a"'),
                receiver="team-a",
                routes=(
                    RouteConfig(
                        matchers=parse_matchers('env="testing"'),
                        receiver="team-a-tests",
                        group_by=("...",),
                    ),
                    RouteConfig(
                        matchers=parse_matchers('env=~"prod.*"'),
                        receiver="team-a-pager",
                        group_by=("alertname", "cluster"),
                        group_wait_ms=5_000,
                        continue_=True,
                    ),
                    RouteConfig(
                        matchers=parse_matchers('env=~"production|staging"'),
                        group_interval_ms=60_000,
                        repeat_interval_ms=3_600_000,
                    ),
                ),
            ),
            RouteConfig(
                matchers=parse_matchers('owner=~"team-(b|c)"'),
                receiver="team-bc",
                group_by=(),
                continue_=True,
            ),
            RouteConfig(
                matchers=parse_matchers('owner="team-c", severity!=""'), receiver="team-c-mail"
            ),
        ),
    )
)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        pytest.param({}, ["everyone"], id="nothing matches: the root"),
        pytest.param({"owner": "team-x"}, ["everyone"], id="an unknown owner: the root"),
        pytest.param({"owner": "team-a"}, ["team-a"], id="no child matches: the node itself"),
        pytest.param({"owner": "team-a", "env": "other"}, ["team-a"], id="a child that misses"),
        pytest.param({"owner": "team-a", "env": "testing"}, ["team-a-tests"], id="the first child"),
        pytest.param({"owner": "team-a", "env": "prod-eu"}, ["team-a-pager"], id="a regex"),
        pytest.param(
            {"owner": "team-a", "env": "production"},
            ["team-a-pager", "team-a"],
            id="continue: the next sibling too, which inherits its receiver",
        ),
        pytest.param({"owner": "team-a", "env": "staging"}, ["team-a"], id="an inherited receiver"),
        pytest.param({"owner": "team-b"}, ["team-bc"], id="continue, and nothing more matches"),
        pytest.param({"owner": "team-c"}, ["team-bc"], id="an absent label is empty"),
        pytest.param(
            {"owner": "team-c", "severity": "info"},
            ["team-bc", "team-c-mail"],
            id="continue at the top",
        ),
    ],
)
def test_an_alert_goes_to_the_deepest_nodes_that_match(
    labels: dict[str, str], receivers: list[str]
) -> None:
    """Depth first, left to right, the first match ends it unless it continues."""
    assert [route.receiver for route in TREE.match(Labels(labels))] == receivers


def test_a_child_inherits_what_it_does_not_say() -> None:
    """Each option is the nearest ancestor's that sets it, else Alertmanager's default."""
    options = {
        route.id: (
            route.receiver,
            route.group_by,
            route.group_wait_ms,
            route.group_interval_ms,
            route.repeat_interval_ms,
        )
        for route in TREE.walk()
    }

    default = (30_000, 300_000, 14_400_000)
    team_a = '{}/{owner="team-a"}'
    assert options == {
        "{}": ("everyone", ("alertname",), *default),
        team_a: ("team-a", ("alertname",), *default),
        team_a + '/{env="testing"}': ("team-a-tests", ("...",), *default),
        team_a + '/{env=~"prod.*"}': (
            "team-a-pager",
            ("alertname", "cluster"),
            5_000,
            300_000,
            14_400_000,
        ),
        team_a + '/{env=~"production|staging"}': (
            "team-a",
            ("alertname",),
            30_000,
            60_000,
            3_600_000,
        ),
        '{}/{owner=~"team-(b|c)"}': ("team-bc", (), *default),
        '{}/{owner="team-c", severity!=""}': ("team-c-mail", ("alertname",), *default),
    }


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        pytest.param((), "{}", id="one group for everything"),
        pytest.param(("alertname",), '{alertname="Slow"}', id="by name"),
        pytest.param(("alertname", "zone"), '{alertname="Slow"}', id="a label it lacks"),
        pytest.param(("...",), '{alertname="Slow", user="1"}', id="all labels"),
    ],
)
def test_alerts_are_grouped_by_the_labels_of_the_route(
    group_by: tuple[str, ...], expected: str
) -> None:
    """The group's labels are those of the alert that the route names."""
    route = Route(RouteConfig(receiver="all", group_by=group_by))

    assert str(route.group_labels(Labels({"alertname": "Slow", "user": "1"}))) == expected


def test_siblings_with_the_same_matchers_have_their_own_ids() -> None:
    """Two routes are never taken for one another, and an id does not depend on the other routes."""
    same = RouteConfig(matchers=parse_matchers("a=b"), continue_=True)
    other = RouteConfig(matchers=parse_matchers("c=d"))
    root = Route(RouteConfig(receiver="all", routes=(other, same, same)))

    ids = [route.id for route in root.walk()]

    assert ids == ["{}", '{}/{c="d"}', '{}/{a="b"}', '{}/{a="b"}/1']


def test_explain_tells_the_way_through_the_tree() -> None:
    """Each node that was tried has a line: why not, or where to."""
    text = TREE.explain(Labels({"owner": "team-a", "env": "production"}))

    assert text.splitlines() == [
        "{}: matches",
        '  {owner="team-a"}: matches',
        '    {env="testing"}: no, env is "production"',
        '    {env=~"prod.*"}: matches; goes to team-a-pager',
        '    {env=~"production|staging"}: matches; goes to team-a',
    ]
    assert repr(TREE) == "Route('{}', receiver='everyone')"
