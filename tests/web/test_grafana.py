"""The calls of Grafana's Prometheus data source, replayed against sakshi and a real Prometheus.

Compared are status, and the shape of the answer: all keys, and the types of all values. Whatever
Prometheus answers, sakshi answers too; what it says beyond that stands in `BEYOND`, and what only a
program in Go can say, in `OF_GO`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from tests.web.twin import Twins, twins

pytestmark = pytest.mark.slow

GRAFANA = {
    "User-Agent": "Grafana/11.2.0",
    "Accept-Encoding": "gzip",
    "X-Grafana-Org-Id": "1",
    "X-Datasource-Uid": "PBFA97CFB590B2093",
    "X-Panel-Id": "4",
    "X-Dashboard-Uid": "abc",
    "X-Query-Group-Id": "d1",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "X-Forwarded-For": "10.1.2.3",
    "Cookie": "grafana_session=abc",
}
BEYOND = {
    "applicationVersion",  # of buildinfo
    "application",
    "pythonVersion",
}
OF_GO = {"GOMEMLIMIT", "GOGC", "GODEBUG"}
MOMENT = "2000000000"
START, END = "1600000000", "4000000000"
LONG = "sum(chat_active) + " * 90 + 'count(up{instance=~"' + "10.20.30.40:9100|" * 1500 + '"})'

POST = [
    pytest.param("query", {"query": "1+1", "time": "4"}, id="the health check"),
    pytest.param("query", {"query": "chat_active"}, id="an instant query"),
    pytest.param("query", {"query": "chat_turns_total[1m]"}, id="a range vector"),
    pytest.param("query", {"query": "scalar(chat_active)"}, id="a scalar"),
    pytest.param("query", {"query": '"text"'}, id="a string"),
    pytest.param("query", {"query": "nothing"}, id="no series"),
    pytest.param("query", {"query": "chat_active", "stats": "all"}, id="statistics"),
    pytest.param("query", {"query": "chat_active", "stats": "true"}, id="statistics in sum"),
    pytest.param("query", {"query": "rate(chat_active[1m])"}, id="an info"),
    pytest.param("query", {"query": "quantile(2, chat_active)"}, id="a warning"),
    pytest.param("query", {"query": "chat_active", "limit": "1"}, id="a limit"),
    pytest.param("query", {"query": "chat_active", "lookback_delta": "1m"}, id="a lookback"),
    pytest.param("query", {"query": "sum("}, id="a query that is none"),
    pytest.param("query", {"query": ""}, id="no query"),
    pytest.param("query", {"query": "1", "time": "now"}, id="a time that is none"),
    pytest.param("query", {"query": "1", "timeout": "soon"}, id="a timeout that is none"),
    pytest.param("query", {"query": "1", "limit": "-1"}, id="a limit that is none"),
    pytest.param(
        "query", {"query": "chat_turns_total + on () chat_turns_total"}, id="a query that fails"
    ),
    pytest.param("query_range", {"query": "chat_turns_total", "step": "15"}, id="a range"),
    pytest.param("query_range", {"query": "1", "step": "15"}, id="a range of a scalar"),
    pytest.param("query_range", {"query": LONG, "step": "15"}, id="a long query"),
    pytest.param("query_range", {"query": "up", "step": "0"}, id="no step"),
    pytest.param("query_range", {"query": "up", "step": "0.01"}, id="too many steps"),
    pytest.param("query_range", {"query": "up[1m]", "step": "15"}, id="a range of ranges"),
    pytest.param("series", {"match[]": '{__name__=~"chat_.*"}'}, id="series"),
    pytest.param("series", {"match[]": "chat_active", "limit": "1"}, id="a series"),
    pytest.param("series", {}, id="series without a selector"),
    pytest.param("series", {"match[]": "{}"}, id="series of an empty selector"),
    pytest.param("labels", {}, id="label names"),
    pytest.param("labels", {"match[]": "chat_active", "limit": "2"}, id="label names of series"),
    pytest.param("query_exemplars", {"query": "chat_turns_total"}, id="exemplars"),
    pytest.param("query_exemplars", {"query": "rate(chat_turns_total[1m])"}, id="of a rate"),
    pytest.param("query_exemplars", {"query": "chat_active"}, id="no exemplars"),
    pytest.param("format_query", {"query": "sum( up )"}, id="formatting"),
    pytest.param("format_query", {"query": "sum("}, id="formatting what is no query"),
    pytest.param("parse_query", {"query": "sum by (job) (rate(up[1m])) > 1"}, id="parsing"),
    pytest.param("parse_query", {"query": "sum("}, id="parsing what is no query"),
]
GET = [
    pytest.param("query", {"query": "1+1", "time": "4"}, id="the older health check"),
    pytest.param("label/job/values", {}, id="label values"),
    pytest.param(
        "label/__name__/values", {"match[]": '{job="chat"}', "limit": "40000"}, id="names"
    ),
    pytest.param("label/no.such/values", {}, id="values of a name with a dot"),
    pytest.param("label/U__no_2e_such/values", {}, id="of an escaped name"),
    pytest.param("label/job/values", {"match[]": "{"}, id="a selector that is none"),
    pytest.param("label/job/values", {"limit": "x"}, id="a limit that is none"),
    pytest.param("metadata", {}, id="metadata"),
    pytest.param("metadata", {"limit": "0"}, id="no metadata"),
    pytest.param("metadata", {"metric": "chat_turns", "limit": "1"}, id="some metadata"),
    pytest.param("metadata", {"metric": "chat_turns"}, id="metadata of a metric"),
    pytest.param("metadata", {"metric": "none"}, id="metadata of none"),
    pytest.param("metadata", {"limit": "-1", "limit_per_metric": "0"}, id="any metadata"),
    pytest.param("metadata", {"limit_per_metric": "x"}, id="a limit of metadata that is none"),
    pytest.param("targets/metadata", {"metric": "chat_active"}, id="metadata of targets"),
    pytest.param("targets/metadata", {"limit": "0"}, id="no metadata of targets"),
    pytest.param("rules", {}, id="rules"),
    pytest.param("rules", {"type": "alert"}, id="alerting rules"),
    pytest.param("rules", {"type": "record"}, id="recording rules"),
    pytest.param("rules", {"type": "other"}, id="rules of no kind"),
    pytest.param("rules", {"rule_name[]": "Busy", "exclude_alerts": "true"}, id="a rule"),
    pytest.param("rules", {"rule_group[]": "none"}, id="rules of no group"),
    pytest.param("rules", {"match[]": '{severity="critical"}'}, id="rules with a label"),
    pytest.param("rules", {"match[]": '{team="chat"}'}, id="rules with a label of their group"),
    pytest.param("rules", {"match[]": "{"}, id="rules by a selector that is none"),
    pytest.param("rules", {"group_limit": "1"}, id="a page of rules"),
    pytest.param("rules", {"group_limit": "0"}, id="an empty page of rules"),
    pytest.param("rules", {"group_next_token": "x"}, id="a page without a limit"),
    pytest.param("rules", {"group_limit": "1", "group_next_token": "x"}, id="no such page"),
    pytest.param("alerts", {}, id="alerts"),
    pytest.param("targets", {}, id="targets"),
    pytest.param("targets", {"state": "active", "scrapePool": "chat"}, id="active targets"),
    pytest.param("targets", {"state": "dropped"}, id="dropped targets"),
    pytest.param("scrape_pools", {}, id="scrape pools"),
    pytest.param("alertmanagers", {}, id="alertmanagers"),
    pytest.param("status/buildinfo", {}, id="the version"),
    pytest.param("status/runtimeinfo", {}, id="the process"),
    pytest.param("status/config", {}, id="the configuration"),
    pytest.param("status/tsdb", {}, id="the storage"),
    pytest.param("status/tsdb", {"limit": "1"}, id="a little of the storage"),
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    with twins(tmp_path_factory.mktemp("twins")) as found:
        yield found


def shape(value: Any) -> Any:
    """Return the types of a JSON value: of a list, those of its items, together."""
    if isinstance(value, Mapping):
        kept = value.keys() - BEYOND - OF_GO
        return {key: shape(value[key]) for key in sorted(kept)}
    if isinstance(value, list):
        shapes: list[Any] = []
        for found in map(shape, value):
            if found not in shapes:
                shapes.append(found)
        return sorted(shapes, key=str)
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
    )


def compare(ours: httpx2.Response, theirs: httpx2.Response) -> None:
    assert ours.status_code == theirs.status_code, (ours.text, theirs.text)
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    mine, other = ours.json(), theirs.json()
    for answer in (mine, other):
        for key in ("warnings", "infos"):
            answer[key] = len(answer.get(key, ()))
    assert mine.get("errorType") == other.get("errorType")
    assert shape(mine) == shape(other)


def moments(path: str, parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the times that Grafana sends beside: a minute around now, or as much as there is."""
    if path == "query_range":
        return {"start": "1700000000", "end": "1700000060"}
    if path in ("series", "labels", "query_exemplars") or path.startswith("label/"):
        return {"start": START, "end": END}
    return {}


@pytest.mark.parametrize(("path", "parameters"), POST)
def test_what_grafana_posts(servers: Twins, path: str, parameters: Mapping[str, str]) -> None:
    """A form, with Grafana's headers."""
    data = {**moments(path, parameters), **parameters}

    compare(
        *(client.post(f"/api/v1/{path}", data=data, headers=GRAFANA) for client in servers.both)
    )


@pytest.mark.parametrize(("path", "parameters"), GET)
def test_what_grafana_gets(servers: Twins, path: str, parameters: Mapping[str, str]) -> None:
    """A URL, with Grafana's headers."""
    asked = {**moments(path, parameters), **parameters}

    compare(
        *(client.get(f"/api/v1/{path}", params=asked, headers=GRAFANA) for client in servers.both)
    )


def test_the_health_check_is_two(servers: Twins) -> None:
    """`Save & test` asks for 1 + 1, and wants it to be 2."""
    for client in servers.both:
        data = {"query": "1+1", "time": "4"}
        answer = client.post("/api/v1/query", data=data, headers=GRAFANA).json()
        assert answer == {
            "status": "success",
            "data": {"resultType": "scalar", "result": [4, "2"]},
        }


def test_flags_are_texts(servers: Twins) -> None:
    """Which ones there are is each server's own."""
    for client in servers.both:
        flags = client.get("/api/v1/status/flags", headers=GRAFANA).json()["data"]
        assert {type(value) for value in flags.values()} == {str}
        assert "storage.tsdb.path" in flags


def active(client: httpx2.Client) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the targets by job and URL."""
    found = client.get("/api/v1/targets").json()["data"]["activeTargets"]
    return {(target["scrapePool"], target["scrapeUrl"]): target for target in found}


def test_targets_are_the_same(servers: Twins) -> None:
    """Whatever both know of a target is equal, but its moments and words for what went wrong."""
    ours, theirs = map(active, servers.both)
    varying = ("lastScrape", "lastScrapeDuration", "lastError", "globalUrl")

    def lasting(targets: Mapping[Any, Mapping[str, Any]]) -> object:
        return {
            key: {name: value for name, value in target.items() if name not in varying}
            for key, target in targets.items()
        }

    assert lasting(ours) == lasting(theirs)


def test_limits_fail_in_the_same_words(servers: Twins) -> None:
    """People search for them; where Prometheus says less, what it says comes first."""
    ours, theirs = map(active, servers.both)
    terse = {"limit_samples", "limit_body"}

    for key, target in theirs.items():
        if key[0].startswith("limit_"):
            words = target["lastError"]
            expected = ours[key]["lastError"]
            assert expected.startswith(words) if key[0] in terse else expected == words
    down = ("down", "http://127.0.0.1:1/metrics")
    assert theirs[down]["lastError"].endswith(ours[down]["lastError"])
