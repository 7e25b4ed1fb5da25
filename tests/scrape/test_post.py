"""Documents arrive as they are, over one connection; what the server answers is returned."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.alerting.loopback import Behaviour, HttpReceiver, Reply, http_receiver

from sakshi.model.secret import Secret
from sakshi.scrape import HttpConfig, ScrapeError
from sakshi.scrape.credentials import Authorization
from sakshi.scrape.post import Poster
from sakshi.scrape.proxy import ProxyConfig

HEADERS = {"Content-Type": "application/json"}


@pytest.fixture
async def server() -> AsyncIterator[HttpReceiver]:
    async with http_receiver() as receiver:
        yield receiver


def poster(server: HttpReceiver, timeout_ms: int = 5000, **options: object) -> Poster:
    http = HttpConfig(**options)  # type: ignore[arg-type]
    return Poster(f"{server.url}/in?a=b", timeout_ms, http=http, headers=HEADERS)


async def test_the_answer_is_returned_whatever_its_status(server: HttpReceiver) -> None:
    """With its body; the connection is kept."""
    server.script.append(Reply(400, "no"))
    client = poster(server)

    refusal = await client.post(b"[1]")
    answer = await client.post("ü".encode() * 100_000)
    client.close()

    assert (refusal.status, refusal.body, answer.status) == (400, b"no", 200)
    [first, second] = server.requests
    assert (first.method, first.path, first.body) == ("POST", "/in?a=b", b"[1]")
    assert first.headers["content-type"] == "application/json"
    assert second.body == "ü".encode() * 100_000


async def test_a_kept_connection_that_was_closed_is_opened_again(server: HttpReceiver) -> None:
    """A server may hang up between two posts; one that hangs up at once, twice, has failed."""
    client = poster(server)
    await client.post(b"1")
    server.script.append(Behaviour.HANG_UP)
    assert (await client.post(b"2")).status == 200
    server.script.extend([Behaviour.HANG_UP] * 2)
    with pytest.raises(ScrapeError, match=r"^connection closed before a response$"):
        await client.post(b"3")
    client.close()

    assert [request.body for request in server.requests] == [b"1", b"2", b"2", b"3", b"3"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_followed_with_the_document(server: HttpReceiver, status: int) -> None:
    """A GET in its place would hand over nothing; credentials do not go elsewhere."""
    async with http_receiver() as other:
        server.script.append(Reply(status, "", [("Location", f"{other.url}/there")]))
        client = poster(server, credentials=Authorization("Bearer", Secret("geheim")))

        assert (await client.post(b"[1]")).status == 200
        client.close()

        [request] = other.requests
        assert (request.method, request.path, request.body) == ("POST", "/there", b"[1]")
        assert "authorization" not in request.headers
        assert server.requests[0].headers["authorization"] == "Bearer geheim"


@pytest.mark.parametrize(
    ("status", "follows"), [pytest.param(303, True, id="303"), pytest.param(307, False, id="off")]
)
async def test_a_redirect_that_may_not_be_followed_is_the_answer(
    server: HttpReceiver, status: int, follows: bool
) -> None:
    """See other asks for a GET; and the configuration may forbid it."""
    server.script.append(Reply(status, "", [("Location", "/there")]))
    client = poster(server, follow_redirects=follows)

    assert (await client.post(b"[1]")).status == status
    client.close()
    assert len(server.requests) == 1


async def test_redirects_end(server: HttpReceiver) -> None:
    """After ten; and they lead nowhere near the credentials of clouds."""
    server.usual = Reply(307, "", [("Location", "/in")])
    client = poster(server)
    with pytest.raises(ScrapeError, match=r"^more than 10 redirects$"):
        await client.post(b"[1]")
    assert len(server.requests) == 11

    server.usual = Reply(307, "", [("Location", "http://169.254.169.254/")])
    with pytest.raises(ScrapeError, match=r"^redirect to a link-local address$"):
        await client.post(b"[1]")
    client.close()


async def test_a_server_that_never_answers_is_given_up(server: HttpReceiver) -> None:
    """After the timeout; the next post opens another connection."""
    server.script.append(Behaviour.HANG)
    client = poster(server, timeout_ms=100)

    with pytest.raises(ScrapeError, match=r"^timed out after 0\.1 s$"):
        await client.post(b"1")
    assert (await client.post(b"2")).status == 200
    client.close()


async def test_a_proxy_is_asked_in_its_place(server: HttpReceiver) -> None:
    """With the whole address in the request's first line."""
    proxy = ProxyConfig(Secret(server.url.replace("//", "//me:geheim@")))
    client = Poster("http://am.example.org/in", 5000, http=HttpConfig(proxy=proxy), headers=HEADERS)

    assert (await client.post(b"1")).status == 200
    client.close()
    assert server.requests[0].path == "http://am.example.org/in"
    assert server.requests[0].headers["proxy-authorization"] == "Basic bWU6Z2VoZWlt"
