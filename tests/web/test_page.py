from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from sakshi.web import Page, Services, build_app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built page, and a file beside it that nobody may read."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>sakshi</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a2b3c.js").write_text("export {}")
    return folder


@pytest.fixture
async def page(services: Services, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(build_app(services, page=Page(folder)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:9090") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "kind", "cache_control"),
    [
        ("/", "text/html", "no-cache"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
        ("/assets/index-1a2b3c.js", "text/javascript", "public, max-age=31536000, immutable"),
    ],
)
async def test_files_are_served_with_type_and_cache_control(
    page: httpx2.AsyncClient, path: str, kind: str, cache_control: str
) -> None:
    """What has a hash in its name is kept for good; the rest is asked for anew."""
    answer = await page.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == cache_control
    assert "etag" in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2e%2e",
        "/assets/",
        "/assets",
        "/assets/%00",
        "/%00",
        "/" + "x" * 5000,
        "//etc/passwd",
        "/assets//etc/passwd",
    ],
)
async def test_nothing_else_is_served(page: httpx2.AsyncClient, path: str) -> None:
    """No way leads out of the folder, and no name leads to a defect."""
    answer = await page.send(
        page.build_request(
            "GET", httpx2.URL("http://localhost:9090").copy_with(raw_path=path.encode())
        )
    )

    assert answer.status_code == 404


async def test_page_that_is_not_built_says_how(services: Services, tmp_path: Path) -> None:
    """Without the built files `/` says what to do; the API does not need them."""
    transport = httpx2.ASGITransport(build_app(services, page=Page(tmp_path / "static")))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:9090") as client:
        answer = await client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "make page" in answer.text
