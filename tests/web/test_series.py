from __future__ import annotations

import httpx2
import pytest
from tests.web.conftest import World

CHAT = {"__name__": "up", "job": "chat", "zone": "a"}
PROVIDER = {"__name__": "up", "job": "provider"}
LATENCY = {"__name__": "latency", "job": "chat"}


@pytest.fixture(autouse=True)
def loaded(world: World) -> None:
    for series in (CHAT, PROVIDER, LATENCY):
        world.load(series, [1.0], 1000)


@pytest.mark.parametrize(
    ("path", "selectors", "data"),
    [
        ("series", ["up"], [CHAT, PROVIDER]),
        ("series", ['up{job="chat"}', "latency"], [LATENCY, CHAT]),
        ("series", ["up", "up"], [CHAT, PROVIDER]),
        ("series", ["nothing"], []),
        ("labels", [], ["__name__", "job", "zone"]),
        ("labels", ["latency"], ["__name__", "job"]),
        ("label/job/values", [], ["chat", "provider"]),
        ("label/__name__/values", ['{job="chat"}'], ["latency", "up"]),
        ("label/zone/values", ["up"], ["a"]),
        ("label/nothing/values", [], []),
    ],
)
async def test_what_there_is_can_be_listed(
    client: httpx2.AsyncClient, path: str, selectors: list[str], data: list[object]
) -> None:
    """Series, names and values come sorted, each once; without a selector of all series."""
    answer = await client.get(f"/api/v1/{path}", params={"match[]": selectors})

    assert answer.json() == {"status": "success", "data": data}


async def test_limit_leaves_items_out_and_says_so(client: httpx2.AsyncClient) -> None:
    """What is left out is warned of."""
    answer = await client.get("/api/v1/label/job/values", params={"limit": 1})

    assert answer.json() == {
        "status": "success",
        "data": ["chat"],
        "warnings": ["results truncated due to limit"],
    }


@pytest.mark.parametrize(
    ("path", "parameters", "error"),
    [
        ("series", {}, "no match[] parameter provided"),
        ("label/U__/values", {}, 'invalid label name: ""'),
        (
            "labels",
            {"start": "2", "end": "1"},
            'invalid parameter "end": end timestamp must not be before start time',
        ),
        (
            "series",
            {"match[]": ["up"] * 101},
            'invalid parameter "match[]": expected at most 100 selectors, found 101',
        ),
    ],
)
async def test_bad_parameters_are_refused(
    client: httpx2.AsyncClient, path: str, parameters: dict[str, str | list[str]], error: str
) -> None:
    """The answer says what is wrong."""
    answer = await client.get(f"/api/v1/{path}", params=parameters)

    assert answer.status_code == 400
    assert answer.json() == {"status": "error", "errorType": "bad_data", "error": error}


@pytest.mark.parametrize("selector", ["sum(up)", "up[5m]", "up{", '{job=~"("}', "{}", "x" * 40_000])
async def test_what_is_no_selector_is_bad_data(client: httpx2.AsyncClient, selector: str) -> None:
    """Only selectors choose series."""
    answer = await client.post("/api/v1/series", data={"match[]": selector})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith('invalid parameter "match[]": ')


@pytest.mark.parametrize(
    ("path", "values"),
    [
        pytest.param("service.name", ["chat"], id="as it is"),
        pytest.param("U__service_2e_name", ["chat"], id="escaped"),
        pytest.param("U__service_2E_name", ["chat"], id="in capitals"),
        pytest.param("U__a__b", ["underscore"], id="an underscore is doubled"),
        pytest.param("U__a_b", ["literal"], id="not escaped after all"),
        pytest.param("U__a_00002e_b", [], id="too many digits"),
        pytest.param("%C3%BCn%C3%AF", ["umlaut"], id="percent-encoded"),
    ],
)
async def test_any_name_of_a_label_may_be_asked_for(
    client: httpx2.AsyncClient, world: World, path: str, values: list[str]
) -> None:
    """As Prometheus 3 takes it, in a path that has room for it."""
    names = {"service.name": "chat", "a_b": "underscore", "U__a_b": "literal", "ünï": "umlaut"}
    world.load({"__name__": "x", **names}, [1.0], 0)

    answer = await client.get(f"/api/v1/label/{path}/values")

    assert answer.json() == {"status": "success", "data": values}
