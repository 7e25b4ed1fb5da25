from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
from tests.web.conftest import make_client

from sakshi.model.matcher import Matcher
from sakshi.web import Services
from sakshi.web.parameter import TIME_MS_MAX

DELETE = "/api/v1/admin/tsdb/delete_series"
CLEAN = "/api/v1/admin/tsdb/clean_tombstones"
COPY = "/api/v1/admin/tsdb/snapshot"


@dataclass
class ListedDeletions:
    """Notes what it was told to forget."""

    told: list[Any] = field(default_factory=list)

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> None:
        self.told.append(([str(one) for one in matchers], start_ms, end_ms))

    def clean_tombstones(self) -> None:
        self.told.append("clean")

    def snapshot(self) -> str:
        self.told.append("copy")
        return "20231114T221320.000000Z"


@pytest.fixture
def admin() -> ListedDeletions:
    return ListedDeletions()


@pytest.fixture
def open_services(services: Services, admin: ListedDeletions) -> Services:
    return replace(services, store_admin=admin)


@pytest.mark.parametrize("path", [DELETE, CLEAN, COPY])
async def test_nobody_may_delete_by_default(client: httpx2.AsyncClient, path: str) -> None:
    """503, in Prometheus' words."""
    answer = await client.post(path, params={"match[]": "x"})

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "error",
        "errorType": "unavailable",
        "error": "admin APIs disabled",
    }


async def test_a_copy_is_named(open_services: Services, admin: ListedDeletions) -> None:
    """As Prometheus names a snapshot: the folder's name."""
    async with make_client(open_services) as client:
        answer = await client.post(COPY)

    assert answer.json()["data"] == {"name": "20231114T221320.000000Z"}
    assert admin.told == ["copy"]


async def test_deletion_names_series_and_times(open_services, admin: ListedDeletions) -> None:
    """204; each selector by itself, in the closed range, which is all time by default."""
    async with make_client(open_services) as client:
        some = await client.put(DELETE, params={"match[]": ["x", '{a="b"}'], "start": 1, "end": 2})
        every = await client.post(DELETE, data={"match[]": "x"})
        clean = await client.post(CLEAN)

    assert [some.status_code, every.status_code, clean.status_code] == [204, 204, 204]
    assert admin.told == [
        (['__name__="x"'], 1000, 2000),
        (['a="b"'], 1000, 2000),
        (['__name__="x"'], -TIME_MS_MAX, TIME_MS_MAX),
        "clean",
    ]


@pytest.mark.parametrize(
    ("parameters", "status", "error"),
    [
        ({}, 400, "no match[] parameter provided"),
        (
            {"match[]": "x", "start": 2, "end": 1},
            400,
            'invalid parameter "end": end timestamp must not be before start time',
        ),
    ],
)
async def test_wrong_deletion_is_refused_whole(
    open_services, admin, parameters, status, error
) -> None:
    """Nothing is deleted where anything of it is wrong."""
    async with make_client(open_services) as client:
        answer = await client.post(DELETE, params=parameters)
        second = await client.post(DELETE, params={"match[]": ["x", "x{"]})

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert second.status_code == 400
    assert admin.told == []


@pytest.mark.parametrize("path", [DELETE, CLEAN, COPY])
async def test_page_of_another_site_cannot_delete(open_services, admin, path: str) -> None:
    """Its Origin gives it away."""
    async with make_client(open_services) as client:
        answer = await client.post(
            path, params={"match[]": "x"}, headers={"Origin": "http://evil.example"}
        )

    assert (answer.status_code, admin.told) == (403, [])


async def test_reload_says_that_nothing_was_reloaded(client: httpx2.AsyncClient) -> None:
    """No success is told of what does not happen."""
    answer = await client.post("/-/reload")

    assert answer.status_code == 403
    assert answer.text == (
        "sakshi reads its configuration when it starts: restart it. Nothing was reloaded.\n"
    )
