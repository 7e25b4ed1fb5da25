from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import numpy as np
import orjson
import pytest
from tests.web.conftest import make_client

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage import ImportBatch, ImportOutcome, ImportRefusal, StorageFullError
from sakshi.storage.import_body import decode_import, encode_import
from sakshi.web import Services
from sakshi.web.parameter import TIME_MS_MAX

DELETE = "/api/v1/admin/tsdb/delete_series"
CLEAN = "/api/v1/admin/tsdb/clean_tombstones"
COPY = "/api/v1/admin/tsdb/snapshot"
IMPORT = "/api/v1/admin/import"


@dataclass
class ListedDeletions:
    """Notes what it was told to forget."""

    told: list[Any] = field(default_factory=list)
    is_full: bool = False

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> None:
        self.told.append(([str(one) for one in matchers], start_ms, end_ms))

    def clean_tombstones(self) -> None:
        self.told.append("clean")

    def import_samples(self, batch: ImportBatch, newest_ms: int | None = None) -> ImportOutcome:
        if self.is_full:
            raise StorageFullError("no room")
        moments = batch.timestamps.tolist()
        self.told.append(([str(one) for one in batch.series], moments, newest_ms))
        outcome = ImportOutcome(taken=len(batch) - 1, known=0)
        outcome.refuse(ImportRefusal.DUPLICATE, "m already has another value")
        return outcome

    def snapshot(self) -> str:
        self.told.append("copy")
        return "20231114T221320.000000Z"


@pytest.fixture
def admin() -> ListedDeletions:
    return ListedDeletions()


@pytest.fixture
def open_services(services: Services, admin: ListedDeletions) -> Services:
    return replace(services, store_admin=admin)


@pytest.mark.parametrize("path", [DELETE, CLEAN, COPY, IMPORT])
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


@pytest.mark.parametrize("path", [DELETE, CLEAN, COPY, IMPORT])
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


def body(*pairs: tuple[str, str], count: int = 2) -> bytes:
    """A batch of one series."""
    series = orjson.dumps([pairs])
    header = struct.pack("<6sII", b"SAKSH1", len(series), count)
    numbers = np.zeros(count, "<u4").tobytes() + np.arange(count, dtype="<i8").tobytes()
    return header + series + numbers + np.ones(count).tobytes()


async def test_an_import_says_what_became_of_it(open_services, admin: ListedDeletions) -> None:
    """Counts, and the first of each reason; `newest` is that of the whole import."""
    batch = ImportBatch(
        [Labels({"__name__": "m"}), Labels({"__name__": "n"})],
        np.array([1, 0, 1]),
        np.array([5, -6, 7]),
        np.array([1.0, 2.0, np.nan]),
    )
    async with make_client(open_services) as client:
        answer = await client.post(IMPORT, params={"newest": 9.5}, content=encode_import(batch))

    assert answer.json()["data"] == {
        "taken": 2,
        "known": 0,
        "refused": [
            {
                "reason": "duplicate sample for timestamp",
                "count": 1,
                "first": "m already has another value",
            }
        ],
    }
    assert admin.told == [(["m", "n"], [5, -6, 7], 9500)]


async def test_an_import_keeps_to_what_may_be_stored(open_services, admin) -> None:
    """A label set without a name is refused as when it is pushed; the others go on."""
    async with make_client(open_services) as client:
        answer = await client.post(IMPORT, content=body(("job", "x")))

    assert answer.json()["data"]["refused"][0] == {
        "reason": "invalid series",
        "count": 2,
        "first": "expected a metric name, found none: {job='x'}",
    }
    assert admin.told[0][:2] == ([], [])


async def test_an_import_is_repeated_where_the_disk_refuses(open_services, admin) -> None:
    """503: nobody is told of what is not durable."""
    admin.is_full = True
    async with make_client(open_services) as client:
        answer = await client.post(IMPORT, content=body(("__name__", "m")))

    assert (answer.status_code, answer.json()["error"]) == (
        503,
        "samples cannot be stored: no room",
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", "byte 0: expected 14 bytes or more, found 0", id="nothing"),
        pytest.param(
            b"PAR1" + bytes(30), "byte 0: expected SAKSH1, found b'PAR1\\x00\\x00'", id="other"
        ),
        pytest.param(
            body(("__name__", "m"))[:-1],
            "byte 6: expected 74 bytes by these counts, found 73",
            id="short",
        ),
        pytest.param(
            struct.pack("<6sII", b"SAKSH1", 2, 0) + b"{}",
            "byte 14: expected a list of label sets, found dict",
            id="no list",
        ),
        pytest.param(
            struct.pack("<6sII", b"SAKSH1", 9, 0) + b'[["a","b"',
            "byte 14: expected JSON, found none: unexpected end of data: line 1 column 10 (char 9)",
            id="half",
        ),
        pytest.param(
            struct.pack("<6sII", b"SAKSH1", 11, 0) + b'[["a","b"]]',
            'byte 14: expected label set 0 as a list of pairs ["name", "value"], found ["a","b"]',
            id="no pairs",
        ),
        pytest.param(
            struct.pack("<6sII", b"SAKSH1", 2, 1) + b"[]" + bytes(20),
            "byte 16: expected places below 0, found 0",
            id="place",
        ),
    ],
)
async def test_what_is_no_batch_is_refused(open_services, admin, content, error) -> None:
    """400, with the place: nothing is taken."""
    async with make_client(open_services) as client:
        answer = await client.post(IMPORT, content=content)

    assert (answer.status_code, answer.json()["error"], admin.told) == (400, error, [])


def test_a_batch_comes_back_bit_by_bit() -> None:
    """Encoding and decoding lose nothing: NaN payloads, signs of zero, times before 1970."""
    bits = np.array(
        [0x7FF0_0000_0000_0002, 0x8000_0000_0000_0000, 0xFFF8_0000_0000_0001], np.uint64
    )
    batch = ImportBatch(
        [Labels({"__name__": "m", "é": "\n"})],
        np.zeros(3, np.intp),
        np.array([-(1 << 53), 0, 1 << 53]),
        bits.view(np.float64),
    )
    found = decode_import(encode_import(batch))

    assert found.values.view(np.uint64).tolist() == bits.tolist()
    assert found.timestamps.tolist() == batch.timestamps.tolist()
    assert [Labels(pairs) for pairs in found.series] == batch.series
