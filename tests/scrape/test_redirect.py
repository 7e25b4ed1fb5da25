from __future__ import annotations

import asyncio
import ssl
from urllib.parse import SplitResult

import pytest
from tests.scrape.conftest import Answer, StartService, response, sending

from sakshi.scrape.caller import Caller
from sakshi.scrape.client import HTTP_DEFAULT
from sakshi.scrape.connection import Connection, HttpResponse
from sakshi.scrape.errors import ScrapeError
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.redirect import is_link_local

TEXT = b"turns 1\n"


def fetcher_of(url: str) -> Fetcher:
    return Fetcher(url, timeout_ms=5000, body_bytes_max=1000)


async def failure_of(url: str) -> str:
    fetcher = fetcher_of(url)
    with pytest.raises(ScrapeError) as caught:
        await fetcher.fetch()
    fetcher.close()
    return str(caught.value)


def redirecting(location: str, status: str = "302 Found") -> Answer:
    return sending(response(b"", f"Location: {location}", status=status))


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_fetch_follows_redirects(status: str, start_service: StartService) -> None:
    """A redirect leads to another server, whose response is the scrape's."""
    there = await start_service(TEXT)
    here = await start_service(redirecting(f"{there.url}?a=b", status))
    fetcher = fetcher_of(here.url)

    assert (await fetcher.fetch()).body == TEXT
    assert (await fetcher.fetch()).body == TEXT
    assert there.requests[0].startswith("GET /metrics?a=b HTTP/1.1\r\n")
    assert (here.connections, there.connections) == (1, 2)
    fetcher.close()


async def test_fetch_follows_a_relative_redirect(start_service: StartService) -> None:
    """A Location without a host stays on the same one."""
    service = await start_service()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        moved = response(b"", "Location: ../new", status="302 Found")
        writer.write(response(TEXT) if "GET /new " in service.requests[-1] else moved)

    service.answer = answer
    fetcher = fetcher_of(service.url)

    assert (await fetcher.fetch()).body == TEXT
    fetcher.close()


async def test_fetch_gives_up_on_a_circle(start_service: StartService) -> None:
    """Redirects are followed ten times, and no further."""
    service = await start_service(redirecting("/metrics"))

    assert await failure_of(service.url) == "more than 10 redirects"
    assert len(service.requests) == 11


@pytest.mark.parametrize(
    "location", ["", "ftp://x/", "file:///etc/passwd", "http://[", "/a b", "http://x:0/"]
)
async def test_fetch_follows_no_odd_redirect(location: str, start_service: StartService) -> None:
    """A redirect to anything but HTTP fails the scrape."""
    service = await start_service(redirecting(location))

    assert await failure_of(service.url) == "HTTP status 302 without a usable Location"


async def test_fetch_follows_no_redirect_to_a_metadata_service(start_service: StartService) -> None:
    """A target cannot make sakshi ask a link-local address, where clouds keep credentials."""
    service = await start_service(redirecting("http://there.example/"))

    class Redirected(Caller):
        async def _connect(self, url: SplitResult) -> Connection:
            return (
                LinkLocal(1000) if url.hostname == "there.example" else await super()._connect(url)
            )

    class LinkLocal(Connection):
        peer = "169.254.169.254"

        async def exchange(self, request: bytes) -> HttpResponse:
            raise AssertionError("it was asked")

    make_tls = ssl.create_default_context
    caller = Redirected("GET", service.url, 5000, 1000, make_tls, HTTP_DEFAULT, lambda _: [])
    with pytest.raises(ScrapeError, match=r"^redirect to a link-local address$"):
        await caller.ask()
    caller.close()


@pytest.mark.parametrize(
    ("address", "is_one"),
    [("169.254.169.254", True), ("fe80::1%eth0", True), ("127.0.0.1", False), ("", False)],
)
def test_link_local_addresses_are_known(address: str, is_one: bool) -> None:
    """Link-local addresses of both families are told from all others."""
    assert is_link_local(address) is is_one
