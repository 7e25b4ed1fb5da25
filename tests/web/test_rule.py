from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest
from tests.web.conftest import ALERTING, GROUP, RECORDING, World, make_alert, make_group

from sakshi.model.alert import AlertState
from sakshi.rules.rule import RuleGroupStatus, RuleStatus
from sakshi.web.rule import format_scientific

ALERT = {
    "labels": {"alertname": "AIIntegrationFailure", "severity": "critical"},
    "annotations": {"summary": "<b>too high</b>"},
    "state": "firing",
    "activeAt": "2023-11-14T22:12:20.000Z",
    "value": "7.1e-01",
}


async def test_rules_are_answered_as_prometheus_does(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Groups, rules and alerts have Prometheus' fields and forms."""
    world.groups = [make_group(make_alert(AlertState.FIRING))]

    answer = await client.get("/api/v1/rules")

    assert answer.json()["data"] == {
        "groups": [
            {
                "name": "ai",
                "file": "alert-rules.yml",
                "interval": 15.0,
                "limit": 0,
                "evaluationTime": 0.003,
                "lastEvaluation": "2023-11-14T22:13:20.000Z",
                "rules": [
                    {
                        "name": "job:up:sum",
                        "query": "sum(up)",
                        "labels": {},
                        "health": "err",
                        "lastError": "many-to-many",
                        "evaluationTime": 0.001,
                        "lastEvaluation": "2023-11-14T22:13:20.000Z",
                        "type": "recording",
                    },
                    {
                        "state": "firing",
                        "name": "AIIntegrationFailure",
                        "query": "ai_response_success_rate < 0.9",
                        "duration": 180.0,
                        "keepFiringFor": 0.0,
                        "labels": {"severity": "critical"},
                        "annotations": {"summary": "AI integration failure rate too high"},
                        "alerts": [ALERT],
                        "health": "ok",
                        "evaluationTime": 0.002,
                        "lastEvaluation": "2023-11-14T22:13:20.000Z",
                        "type": "alerting",
                    },
                ],
            }
        ]
    }


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["job:up:sum", "AIIntegrationFailure"]),
        ({"type": "alert"}, ["AIIntegrationFailure"]),
        ({"type": "record"}, ["job:up:sum"]),
        ({"rule_name[]": ["job:up:sum", "other"]}, ["job:up:sum"]),
        ({"rule_group[]": "other"}, []),
        ({"file[]": "alert-rules.yml"}, ["job:up:sum", "AIIntegrationFailure"]),
        ({"file[]": "other.yml"}, []),
    ],
)
async def test_rules_can_be_chosen(
    client: httpx2.AsyncClient,
    world: World,
    parameters: dict[str, str | list[str]],
    names: list[str],
) -> None:
    """A group without any chosen rule is left out."""
    world.groups = [make_group()]

    answer = await client.get("/api/v1/rules", params=parameters)

    groups = answer.json()["data"]["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"]] == names
    assert len(groups) == (1 if names else 0)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "inactive"),
        ([AlertState.PENDING], "pending"),
        ([AlertState.PENDING, AlertState.FIRING], "firing"),
    ],
)
async def test_rule_is_in_the_worst_state_of_its_alerts(
    client: httpx2.AsyncClient, world: World, states: list[AlertState], expected: str
) -> None:
    """One firing alert makes the rule firing."""
    world.groups = [make_group(*map(make_alert, states))]

    answer = await client.get("/api/v1/rules", params={"type": "alert", "exclude_alerts": "true"})

    (rule,) = answer.json()["data"]["groups"][0]["rules"]
    assert (rule["state"], rule["alerts"]) == (expected, None)


async def test_alert_that_is_kept_firing_says_since_when(
    client: httpx2.AsyncClient, world: World
) -> None:
    """The condition does not hold any more; the field is there for these alerts only."""
    alert = make_alert(AlertState.FIRING)
    kept = replace(alert, keep_firing_since_ms=alert.active_at_ms + 30_000)
    world.groups = [make_group(alert, kept)]

    answer = await client.get("/api/v1/rules", params={"type": "alert"})

    (rule,) = answer.json()["data"]["groups"][0]["rules"]
    assert [shown.get("keepFiringSince") for shown in rule["alerts"]] == [
        None,
        "2023-11-14T22:12:50.000Z",
    ]


async def test_rule_that_was_never_evaluated_has_gos_zero_time(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Before the first evaluation the health is unknown."""
    world.groups = [RuleGroupStatus(GROUP, (RuleStatus(RECORDING), RuleStatus(ALERTING)))]

    answer = await client.get("/api/v1/rules")

    (group,) = answer.json()["data"]["groups"]
    assert {rule["health"] for rule in group["rules"]} == {"unknown"}
    assert group["lastEvaluation"] == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("parameter", "value"), [("type", "alerting"), ("exclude_alerts", "perhaps")]
)
async def test_unknown_choice_is_refused(
    client: httpx2.AsyncClient, parameter: str, value: str
) -> None:
    """The answer names what was not understood."""
    answer = await client.get("/api/v1/rules", params={parameter: value})

    assert answer.status_code == 400
    assert (
        answer.json()["error"] == f'invalid parameter "{parameter}": not supported value "{value}"'
    )


async def test_alerts_are_those_that_are_pending_or_firing(
    client: httpx2.AsyncClient, world: World
) -> None:
    """A resolved alert is no alert to Prometheus; the value is the last evaluation's."""
    firing = make_alert(AlertState.FIRING)
    world.alerts = [replace(firing, value=0.8), make_alert(AlertState.RESOLVED)]
    world.groups = [make_group(firing)]

    answer = await client.get("/api/v1/alerts")

    assert answer.json() == {"status": "success", "data": {"alerts": [ALERT]}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1e+00"),
        (0.71, "7.1e-01"),
        (-1234.5, "-1.2345e+03"),
        (0.0, "0e+00"),
        (1e100, "1e+100"),
        (float("nan"), "NaN"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
    ],
)
def test_values_of_alerts_are_written_as_go_does(value: float, text: str) -> None:
    """The shortest mantissa, and an exponent of at least two digits."""
    assert format_scientific(value) == text


async def test_pages_of_groups_are_all_groups(client: httpx2.AsyncClient, world: World) -> None:
    """Each page has the token of the next one, the last has none; filters count before."""
    names = ["a", "b", "c", "d"]
    world.groups = [
        RuleGroupStatus(replace(GROUP, name=name), (RuleStatus(RECORDING),)) for name in names
    ]
    found, token = [], ""

    while True:
        asked: dict[str, str | list[str]] = {
            "group_limit": "2",
            "group_next_token": token,
            "rule_group[]": ["a", "b", "d"],
        }
        data = (await client.get("/api/v1/rules", params=asked)).json()["data"]
        found.append([group["name"] for group in data["groups"]])
        token = data.get("groupNextToken", "")
        if not token:
            break

    assert found == [["a", "b"], ["d"]]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (
            {"group_next_token": "x"},
            'invalid parameter "group_limit": '
            "group_limit needs to be present in order to paginate over the groups",
        ),
        (
            {"group_limit": "0"},
            'invalid parameter "group_limit": group_limit needs to be greater than 0',
        ),
        (
            {"group_limit": "1", "group_next_token": "x"},
            'invalid parameter "group_next_token": '
            "invalid group_next_token 'x'. were rule groups changed?",
        ),
        ({"match[]": "up["}, None),
    ],
)
async def test_pages_that_are_none_are_refused(
    client: httpx2.AsyncClient, parameters: dict[str, str], error: str | None
) -> None:
    """In Prometheus' words."""
    answer = await client.get("/api/v1/rules", params=parameters)

    assert answer.status_code == 400
    assert error is None or answer.json()["error"] == error


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        (['{severity="critical"}'], ["A"]),
        (['{team="chat"}'], ["A", "b"]),
        (['{severity="critical"}', '{kind="sum"}'], ["A", "b"]),
        (['{severity="critical", kind="sum"}'], []),
        (['{severity!="critical", team="chat"}'], ["b"]),
    ],
)
async def test_rules_are_chosen_by_their_labels(
    client: httpx2.AsyncClient, world: World, selectors: list[str], names: list[str]
) -> None:
    """Their own, and those of their group; any of the selectors will do."""
    group = replace(GROUP, labels={"team": "chat", "severity": "none"})
    alerting = replace(ALERTING, alert="A", labels={"severity": "critical"})
    recording = replace(RECORDING, record="b", labels={"kind": "sum"})
    world.groups = [RuleGroupStatus(group, (RuleStatus(alerting), RuleStatus(recording)))]

    answer = await client.get("/api/v1/rules", params={"match[]": selectors})

    groups = answer.json()["data"]["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"]] == names
    assert all(rule["labels"]["team"] == "chat" for group in groups for rule in group["rules"])
