from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from tests.kpi.indicator import make_indicator, make_recorded
from tests.web.conftest import KPIS, NOW_MS, World, make_client, make_target

from sakshi.kpi import Baseline, BaselineFolder, Baselines, Better, Origin
from sakshi.scrape.target import TargetHealth
from sakshi.web import Services

API = "/api/v1/sakshi/baselines"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "http-api.md"
NOW = "2023-11-14T22:13:20.000Z"
INDICATORS = (
    make_indicator("times.mean", expr="avg_over_time(x[$over])", kpi="errorRate", target=20.0),
    make_indicator(
        "rates.peak",
        expr="max_over_time(x[$over])",
        better=Better.HIGHER,
        unit="/s",
        kpi="errorRate",
        observations="count_over_time(x[$over])",
        target=100.0,
    ),
    make_indicator("rates.silent", expr="nothing_like_this", target=1.0),
)
CONFIGURED = Baseline(
    "pre", "Before", Origin.CONFIGURATION, values={"times.mean": 40.0, "rates.peak": 50.0}
)


@pytest.fixture
def folder(tmp_path: Path) -> BaselineFolder:
    return BaselineFolder(tmp_path / "baselines", [CONFIGURED])


@pytest.fixture
async def client(
    services: Services, world: World, folder: BaselineFolder
) -> AsyncIterator[httpx2.AsyncClient]:
    """Calls a sakshi with three indicators; `x` was 0 to 60, one more each second."""
    world.load({"__name__": "x"}, list(map(float, range(61))), 1000)
    baselines = Baselines(INDICATORS, folder)
    async with make_client(replace(services, baselines=baselines)) as client:
        yield client


def data(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def failure(answer: httpx2.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body["status"] == "error"
    return answer.status_code, body["errorType"], body["error"]


async def test_the_list_has_indicators_and_baselines(
    client: httpx2.AsyncClient, folder: BaselineFolder
) -> None:
    """With targets; of a baseline how many values it has."""
    folder.record(make_recorded())

    answer = data(await client.get(API))

    assert answer["indicators"][1] == {
        "name": "rates.peak",
        "group": "rates",
        "title": "rates.peak",
        "unit": "/s",
        "better": "higher",
        "expr": "max_over_time(x[$over])",
        "kpi": "errorRate",
        "target": 100.0,
    }
    assert answer["baselines"] == [
        {
            "name": "pre",
            "title": "Before",
            "origin": "configuration",
            "recorded_at": None,
            "over_seconds": None,
            "values": 2,
        },
        {
            "name": "before",
            "title": "Before",
            "origin": "recorded",
            "recorded_at": NOW,
            "over_seconds": 3600.0,
            "values": 1,
        },
    ]


async def test_a_damaged_file_is_a_warning(
    client: httpx2.AsyncClient, folder: BaselineFolder, tmp_path: Path
) -> None:
    """The others are answered; it is an error only for who asks for it."""
    folder.record(make_recorded())
    (tmp_path / "baselines" / "bad.json").write_text("[]")

    answer = await client.get(API)

    assert [baseline["name"] for baseline in data(answer)["baselines"]] == ["pre", "before"]
    [warning] = answer.json()["warnings"]
    assert warning.startswith("baselines/bad.json: expected an object of name, ")
    assert failure(await client.get(f"{API}/bad")) == (500, "internal", warning)


async def test_nothing_is_there_by_default(services: Services) -> None:
    """Neither is anything recorded."""
    async with make_client(services) as client:
        assert data(await client.get(API)) == {"indicators": [], "baselines": []}
        assert failure(await client.post(API, data={"name": "x"})) == (
            500,
            "internal",
            "there is no folder in which baselines are recorded",
        )


async def test_without_indicators_there_is_nothing_to_record(
    services: Services, folder: BaselineFolder
) -> None:
    """No empty file is made."""
    async with make_client(replace(services, baselines=Baselines((), folder))) as client:
        assert failure(await client.post(API, data={"name": "x"})) == (
            422,
            "execution",
            "there is nothing to record: no indicators",
        )
    assert len(folder.read_all()[0]) == 1


async def test_a_comparison_has_an_entry_for_each_indicator(client: httpx2.AsyncClient) -> None:
    """The last 20 s of x: a mean of 50.5, a peak of 60."""
    answer = data(await client.get(f"{API}/pre/comparison", params={"over": "20s"}))

    assert answer["baseline"]["name"] == "pre"
    assert (answer["at"], answer["over_seconds"]) == (NOW, 20.0)
    assert (answer["reached"], answer["missed"], answer["unknown"]) == (0, 2, 1)
    mean, peak, silent = answer["entries"]
    assert mean == {
        "name": "times.mean",
        "group": "times",
        "title": "times.mean",
        "unit": "ms",
        "better": "lower",
        "baseline": 40.0,
        "now": 50.5,
        "target": 20.0,
        "change_percent": pytest.approx(26.25),
        "promised_percent": 50.0,
        "reached_percent": pytest.approx(-52.5),
        "observations": None,
        "standing": "worse",
        "reason": "",
    }
    assert (peak["now"], peak["change_percent"], peak["reached_percent"]) == (60.0, 20.0, 20.0)
    assert (peak["observations"], peak["standing"]) == (20.0, "better")
    assert (silent["now"], silent["standing"], silent["reason"]) == (None, "no data", "no series")


async def test_a_comparison_is_of_any_moment(client: httpx2.AsyncClient) -> None:
    """Half a minute ago x was 30; the period is an hour where nothing is said."""
    parameters = {"time": str(NOW_MS / 1000 - 30)}

    answer = data(await client.get(f"{API}/pre/comparison", params=parameters))

    assert (answer["at"], answer["over_seconds"]) == ("2023-11-14T22:12:50.000Z", 3600.0)
    assert [entry["now"] for entry in answer["entries"]] == [15.0, 30.0, None]


async def test_a_baseline_is_recorded(client: httpx2.AsyncClient, folder: BaselineFolder) -> None:
    """What was measured, over a day where nothing is said; what has no value is a warning."""
    answer = await client.post(API, data={"name": "before-2.0", "title": "Before 2.0"})

    expected = {
        "name": "before-2.0",
        "title": "Before 2.0",
        "origin": "recorded",
        "recorded_at": NOW,
        "over_seconds": 86400.0,
        "values": {"times.mean": 30.0, "rates.peak": 60.0},
        "observations": {"rates.peak": 61.0},
    }
    assert data(answer) == expected
    assert answer.json()["warnings"] == ["rates.silent: no series"]
    assert data(await client.get(f"{API}/before-2.0")) == expected
    assert folder.get("before-2.0").over_ms == 86_400_000


async def test_a_recorded_baseline_may_be_of_the_past(client: httpx2.AsyncClient) -> None:
    """Its moment is that of the measurement; parameters may stand in the URL."""
    query = f"name=then&over=10s&time={NOW_MS // 1000 - 30}"

    answer = data(await client.post(f"{API}?{query}"))

    assert answer["recorded_at"] == "2023-11-14T22:12:50.000Z"
    assert answer["values"] == {"times.mean": 25.5, "rates.peak": 30.0}


async def test_a_period_that_begins_before_the_data_is_a_warning(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Of the comparison and of the recording; none where the period has data throughout."""
    world.load({"__name__": "up", "job": "chat"}, [1.0] * 61, 1000)
    world.targets.append(replace(make_target("chat", TargetHealth.UP), interval_ms=10_000))
    gap = (
        "nothing was scraped at the beginning of the period, 2023-11-14T22:11:20.000Z: "
        "rates over it are too low"
    )
    path = f"{API}/pre/comparison"

    young = (await client.get(path, params={"over": "2m"})).json()
    recorded = (await client.post(API, data={"name": "b", "over": "2m"})).json()
    covered = (await client.get(path, params={"over": "80s"})).json()

    assert young["warnings"] == [gap]
    assert recorded["warnings"] == [gap, "rates.silent: no series"]
    assert "warnings" not in covered


async def test_a_baseline_that_exists_is_replaced_only_if_that_is_said(
    client: httpx2.AsyncClient,
) -> None:
    """409 otherwise; the configuration's never."""
    assert data(await client.post(API, data={"name": "b", "over": "10s"}))

    assert failure(await client.post(API, data={"name": "b"})) == (
        409,
        "conflict",
        "there is a baseline b already: replace it, or delete it",
    )
    assert data(await client.get(f"{API}/b"))["over_seconds"] == 10.0
    replaced = await client.post(API, data={"name": "b", "over": "20s", "replace": "true"})
    assert data(replaced)["over_seconds"] == 20.0
    assert failure(await client.post(API, data={"name": "pre", "replace": "true"})) == (
        409,
        "conflict",
        "pre is a baseline of the configuration: change it there",
    )


async def test_a_baseline_is_deleted(client: httpx2.AsyncClient) -> None:
    """Once; the configuration's never."""
    await client.post(API, data={"name": "b"})

    assert data(await client.delete(f"{API}/b")) == {"name": "b"}
    gone = (404, "not_found", 'there is no baseline "b"')
    assert failure(await client.delete(f"{API}/b")) == gone
    assert failure(await client.get(f"{API}/b")) == gone
    assert failure(await client.get(f"{API}/b/comparison")) == gone
    assert failure(await client.delete(f"{API}/pre")) == (
        409,
        "conflict",
        "pre is a baseline of the configuration: remove it there",
    )


async def test_there_is_a_bound(services: Services, world: World, tmp_path: Path) -> None:
    """409: somebody must delete one first."""
    world.load({"__name__": "x"}, [1.0, 2.0], 1000)
    folder = BaselineFolder(tmp_path / "baselines", recorded_max=1)

    async with make_client(replace(services, baselines=Baselines(INDICATORS, folder))) as client:
        assert data(await client.post(API, data={"name": "a"}))
        answer = await client.post(API, data={"name": "b"})

    assert failure(answer) == (
        409,
        "conflict",
        "1 baselines are recorded already: delete one first",
    )


NAME = "expected a name of up to 64 letters, digits and . _ -, a letter or digit first, found"
PERIOD = "expected a period from 1s to 366d, found"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param({}, f'invalid parameter "name": {NAME} ""', id="no name"),
        pytest.param({"name": "../x"}, f'invalid parameter "name": {NAME} "../x"', id="a path"),
        pytest.param(
            {"name": "a", "over": "soon"},
            'invalid parameter "over": cannot parse "soon" to a valid duration',
            id="no period",
        ),
        pytest.param(
            {"name": "a", "over": "0"}, f'invalid parameter "over": {PERIOD} "0"', id="no time"
        ),
        pytest.param(
            {"name": "a", "over": "999ms"},
            f'invalid parameter "over": {PERIOD} "999ms"',
            id="too short",
        ),
        pytest.param(
            {"name": "a", "over": "367d"},
            f'invalid parameter "over": {PERIOD} "367d"',
            id="too long",
        ),
        pytest.param(
            {"name": "a", "over": "-1h"},
            'invalid parameter "over": cannot parse "-1h" to a valid duration',
            id="backwards",
        ),
        pytest.param(
            {"name": "a", "time": "then"},
            'invalid parameter "time": cannot parse "then" to a valid timestamp',
            id="no moment",
        ),
        pytest.param(
            {"name": "a", "time": "1700000001"},
            'invalid parameter "time": expected a moment that has passed, found "1700000001"',
            id="the future",
        ),
        pytest.param(
            {"name": "a", "replace": "maybe"},
            'invalid parameter "replace": expected true or false, found "maybe"',
            id="replace",
        ),
        pytest.param(
            {"name": "a", "title": "x" * 201},
            'invalid parameter "title": expected at most 200 printable characters, '
            "found something else",
            id="a long title",
        ),
        pytest.param(
            {"name": "a", "title": "\x1b[31m"},
            'invalid parameter "title": expected at most 200 printable characters, '
            "found something else",
            id="an escape",
        ),
    ],
)
async def test_a_wrong_parameter_is_named(
    client: httpx2.AsyncClient, folder: BaselineFolder, form: dict[str, str], message: str
) -> None:
    """400, and nothing is recorded."""
    assert failure(await client.post(API, data=form)) == (400, "bad_data", message)
    assert folder.read_all() == ([CONFIGURED], [])


async def test_a_wrong_parameter_of_a_comparison_is_named(client: httpx2.AsyncClient) -> None:
    """As for recording."""
    answer = await client.get(f"{API}/pre/comparison", params={"over": "0"})

    assert failure(answer) == (400, "bad_data", f'invalid parameter "over": {PERIOD} "0"')


@pytest.mark.parametrize("name", ["%2e%2e", "a%00", "x" * 65])
async def test_a_name_that_none_has_is_not_found(client: httpx2.AsyncClient, name: str) -> None:
    """404 for whatever it is."""
    for answer in (await client.get(f"{API}/{name}"), await client.delete(f"{API}/{name}")):
        assert failure(answer)[:2] == (404, "not_found")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:8080", "https://localhost:9090.evil", "null", ""],
)
async def test_a_page_of_another_site_changes_nothing(
    client: httpx2.AsyncClient, folder: BaselineFolder, origin: str
) -> None:
    """403 for recording and deleting; the page itself, and programs, may."""
    folder.record(make_recorded())
    refused = (403, "forbidden", "a page of another site may not change anything here")
    headers = {"Origin": origin}

    assert failure(await client.post(API, data={"name": "b"}, headers=headers)) == refused
    assert failure(await client.delete(f"{API}/before", headers=headers)) == refused
    assert [baseline.name for baseline in folder.read_all()[0]] == ["pre", "before"]

    headers = {"Origin": "http://localhost:9090"}
    assert data(await client.post(API, data={"name": "b"}, headers=headers))
    assert data(await client.delete(f"{API}/before", headers=headers))


async def test_a_body_without_bound_is_refused(client: httpx2.AsyncClient) -> None:
    """413, before anything is measured."""
    answer = await client.post(API, data={"name": "a", "title": "x" * (1 << 20)})

    assert failure(answer)[:2] == (413, "bad_data")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", API), ("DELETE", API), ("POST", f"{API}/pre"), ("DELETE", f"{API}/pre/comparison")],
)
async def test_other_methods_are_refused(
    client: httpx2.AsyncClient, method: str, path: str
) -> None:
    """405."""
    assert failure(await client.request(method, path)) == (
        405,
        "bad_data",
        f"{method} is not allowed at {path}",
    )


async def test_time_that_has_run_out_is_no_data(client: httpx2.AsyncClient) -> None:
    """The comparison says so; a baseline without values is not recorded."""
    parameters = {"timeout": "0"}

    answer = await client.get(f"{API}/pre/comparison", params=parameters)
    recorded = await client.post(API, data={"name": "b", **parameters})

    assert {entry["standing"] for entry in data(answer)["entries"]} == {"no data"}
    assert failure(recorded)[:2] == (422, "execution")
    assert failure(await client.get(f"{API}/b"))[0] == 404


async def test_the_definition_names_the_indicators_of_a_kpi(
    services: Services, folder: BaselineFolder
) -> None:
    """Those that say that they are about it; none for the others."""
    baselines = Baselines(INDICATORS, folder)
    services = replace(services, baselines=baselines, registry=CollectorRegistry())

    async with make_client(services) as client:
        kpis = data(await client.get("/api/v1/sakshi/dashboard"))["kpis"]

    assert {kpi["name"]: kpi["indicators"] for kpi in kpis} == {
        KPIS[0].name: [],
        "errorRate": ["times.mean", "rates.peak"],
    }


async def test_the_documented_answers_have_the_fields_of_the_real_ones(
    client: httpx2.AsyncClient, folder: BaselineFolder
) -> None:
    """Each method of each route has an example in the reference."""
    folder.record(make_recorded("before-2.0"))
    pattern = r"^(GET|POST|DELETE) (/api/v1/sakshi/baselines\S*)\n(.*?)\n\n"
    examples = re.findall(pattern, REFERENCE.read_text(), re.MULTILINE | re.DOTALL)

    for method, path, text in examples:
        url = path.replace("preEnhancement", "pre") + ("&replace=true" if method == "POST" else "")
        answer = (await client.request(method, url)).json()
        assert shape(json.loads(text)) == shape(answer), f"{method} {path}"

    assert [method for method, _, _ in examples] == ["GET", "GET", "GET", "POST", "DELETE"]


def shape(value: Any) -> Any:
    """Return which fields an answer has, of a list those of its first item; names are no fields."""
    if isinstance(value, dict):
        inner = {key: shape(item) for key, item in value.items()}
        return "numbers" if any("." in key for key in value) or not value else inner
    return [shape(value[0])] if isinstance(value, list) else None
