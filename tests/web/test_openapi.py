from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from openapi_spec_validator import validate
from tests.kpi.indicator import make_indicator
from tests.web.conftest import (
    KPIS,
    NOW_MS,
    World,
    make_alert,
    make_client,
    make_delivery,
    make_group,
)

from sakshi.alerting.alertmanager import AlertmanagerStatus
from sakshi.kpi import (
    Baseline,
    BaselineFolder,
    Baselines,
    Judgement,
    NoDataPolicy,
    Origin,
    Ruling,
    Verdict,
    generate_groups,
)
from sakshi.ledger.record import DeliveryState
from sakshi.model.alert import AlertState, Transition
from sakshi.promql import parse_query
from sakshi.rules import AlertingRule, RuleGroup, RuleGroupStatus
from sakshi.web import Services
from sakshi.web.application import ROUTES
from sakshi.web.openapi import PATHS, describe_api
from sakshi.web.parameter import PARAMETER_BYTES_MAX

ROOT = "/api/v1/sakshi"
DOCUMENT: Any = describe_api("1.2.3")


@pytest.fixture
async def client(
    services: Services, world: World, tmp_path: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    """Calls a sakshi that has something of everything."""
    world.load({"__name__": "x"}, list(map(float, range(61))), 1000)
    world.judgements = [
        Judgement(KPIS[0], Ruling(Verdict.WARNING), NOW_MS, NOW_MS - 500, 4.5, 12.0),
        Judgement(KPIS[1], Ruling(Verdict.NO_DATA, "no value", "two series"), NOW_MS),
    ]
    firing = make_alert(AlertState.FIRING)
    world.groups = [make_group(firing)]
    watched = [replace(kpi, no_data=NoDataPolicy.ALERT) for kpi in KPIS]
    world.groups += [RuleGroupStatus(group, ()) for group in generate_groups(watched, "f", 1000)]
    named = AlertingRule("ErrorsHigh", "up == 0", parse_query("up == 0"))  # of no known severity
    world.groups.append(RuleGroupStatus(RuleGroup("named", "f", 1000, [named]), ()))
    world.ledger.listed_deliveries = [make_delivery(firing, state) for state in DeliveryState]
    world.ledger.listed_transitions = [
        Transition(firing, AlertState.PENDING, NOW_MS),
        Transition(replace(firing, value=float("nan")), AlertState.INACTIVE, NOW_MS),
    ]
    indicators = [
        make_indicator("times.mean", expr="avg_over_time(x[$over])", kpi="errorRate", target=20.0),
        make_indicator("times.silent", expr="nothing_like_this"),
    ]
    configured = Baseline("pre", "Before", Origin.CONFIGURATION, values={"times.mean": 40.0})
    folder = BaselineFolder(tmp_path / "baselines", [configured])
    told = [AlertmanagerStatus("http://am/api/v2/alerts", 1, 0, NOW_MS, "connection refused")]
    changed = replace(services, baselines=Baselines(indicators, folder), alertmanagers=lambda: told)
    async with make_client(changed) as client:
        yield client


def strict(schema: Any) -> Any:
    """Return a schema that admits no field which it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), Mapping) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def check(path: str, method: str, answer: httpx2.Response) -> None:
    """Raise where an answer is not as the document describes it, field by field."""
    response = PATHS[path][method]["responses"]
    assert isinstance(response, Mapping)
    [(media_type, content)] = response[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == media_type
    schema = {**strict(content["schema"]), "components": strict(DOCUMENT["components"])}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer.json())


def test_the_document_is_valid() -> None:
    """As the authors of the standard define it, schemas and references included."""
    validate(DOCUMENT)


def test_it_describes_exactly_the_routes_that_are_sakshis_own() -> None:
    """With their methods, and the names in their paths as parameters."""
    own = {path: methods for path, methods, _ in ROUTES if path.startswith(f"{ROOT}/")}

    described = {path: {method.upper() for method in methods} for path, methods in PATHS.items()}
    assert described == {path: set(methods) for path, methods in own.items()}
    for path, methods in PATHS.items():
        for operation in methods.values():
            parameters: Any = operation.get("parameters", ())
            found = [each["name"] for each in parameters if each["in"] == "path"]
            assert found == re.findall(r"\{(\w+)\}", path)


def test_every_operation_has_a_name_of_its_own() -> None:
    """What generators of clients make functions of."""
    names = [each["operationId"] for methods in PATHS.values() for each in methods.values()]

    assert len(set(names)) == len(names)


def test_every_schema_is_used() -> None:
    """None describes what nobody answers."""
    used = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))

    assert used == set(DOCUMENT["components"]["schemas"])


async def test_it_is_served_as_it_is(client: httpx2.AsyncClient) -> None:
    """Without an envelope: what reads OpenAPI reads this."""
    answer = await client.get(f"{ROOT}/openapi.json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["info"]["version"] == "1.2.3"
    validate(answer.json())
    assert set(answer.json()["paths"]) == set(PATHS)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{ROOT}/dashboard", ""),
        (f"{ROOT}/kpis", ""),
        (f"{ROOT}/baselines", ""),
        (f"{ROOT}/baselines/{{name}}", ""),
        (f"{ROOT}/baselines/{{name}}/comparison", "?over=30s"),
        (f"{ROOT}/alertmanagers", ""),
        (f"{ROOT}/deliveries", ""),
        (f"{ROOT}/transitions", ""),
        (f"{ROOT}/openapi.json", ""),
    ],
)
async def test_answers_are_as_described(client: httpx2.AsyncClient, path: str, query: str) -> None:
    """Every field that is described is there, and none that is not."""
    answer = await client.get(path.replace("{name}", "pre") + query)

    assert answer.status_code == 200, answer.text
    check(path, "get", answer)


async def test_recording_and_deleting_are_as_described(client: httpx2.AsyncClient) -> None:
    """With warnings beside the data; the list and the comparison know what was recorded."""
    form = {"name": "mine", "over": "30s", "title": "Mine"}
    path, own = f"{ROOT}/baselines", f"{ROOT}/baselines/{{name}}"

    recorded = await client.post(path, data=form)
    listed = await client.get(path)
    compared = await client.get(f"{path}/mine/comparison?over=30s")
    deleted = await client.delete(f"{path}/mine")

    assert [each.status_code for each in (recorded, listed, compared, deleted)] == [200] * 4
    assert "warnings" in recorded.json()
    check(path, "post", recorded)
    check(path, "get", listed)
    check(f"{own}/comparison", "get", compared)
    check(own, "delete", deleted)


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("get", f"{ROOT}/deliveries", "?limit=1001", 400),
        ("get", f"{ROOT}/transitions", "?limit=x", 400),
        ("get", f"{ROOT}/baselines/{{name}}", "", 404),
        ("delete", f"{ROOT}/baselines/{{name}}", "", 404),
        ("get", f"{ROOT}/baselines/{{name}}/comparison", "?over=x", 400),
        ("get", f"{ROOT}/baselines/{{name}}/comparison", "", 404),
        ("post", f"{ROOT}/baselines", "?name=%20", 400),
        ("post", f"{ROOT}/baselines", "?name=pre", 409),
        ("post", f"{ROOT}/baselines", "?name=old&time=1", 422),
    ],
)
async def test_errors_are_as_described(
    client: httpx2.AsyncClient, method: str, path: str, query: str, status: int
) -> None:
    """Each of the statuses that an operation names, in the envelope of errors."""
    answer = await client.request(method.upper(), path.replace("{name}", "missing") + query)

    assert answer.status_code == status, answer.text
    check(path, method, answer)


async def test_a_form_that_is_too_large_is_as_described(client: httpx2.AsyncClient) -> None:
    """The one answer that no parameter alone leads to."""
    path = f"{ROOT}/baselines"

    answer = await client.post(path, data={"name": "mine", "title": "x" * PARAMETER_BYTES_MAX})

    assert answer.status_code == 413
    check(path, "post", answer)


async def test_every_word_for_a_rules_limit_is_given(client: httpx2.AsyncClient) -> None:
    """By the rules on two KPIs, and one of no known severity: no word is described for nothing."""
    schema: Any = DOCUMENT["components"]["schemas"]["Rule"]["properties"]["limit"]

    answer = await client.get(f"{ROOT}/dashboard")

    kpis = answer.json()["data"]["kpis"]
    assert {rule["limit"] for kpi in kpis for rule in kpi["rules"]} == set(schema["enum"])


async def test_a_field_too_many_or_too_few_is_noticed(client: httpx2.AsyncClient) -> None:
    """The check above can fail."""
    path = f"{ROOT}/kpis"
    whole = await client.get(path)
    for change in ({"further": 1}, {"verdict": "FINE"}, {"at": 5}, {"at": "now"}):
        data = {**whole.json()["data"], **change}
        with pytest.raises(ValidationError):
            check(path, "get", httpx2.Response(200, json={"status": "success", "data": data}))
    with pytest.raises(ValidationError):
        check(path, "get", httpx2.Response(200, json={"status": "success", "data": {}}))
