"""One request over a real socket: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.scrape.conftest import FakeService, hang, reset, response, sending
from tests.scrape.test_client import CERTIFICATE, tls_server

from sakshi import __version__
from sakshi.model.secret import Secret
from sakshi.remote_write import RemoteWriteConfig
from sakshi.remote_write.client import Answer, WriteClient
from sakshi.scrape import HttpConfig, ScrapeError
from sakshi.scrape.credentials import BasicAuth, MissingSecret
from sakshi.scrape.proxy import ProxyConfig
from sakshi.scrape.tls import TlsConfig, TlsContexts

BODY = b"\x00 a body of bytes \xff"
ACCEPTED = response(b"", "Content-Length: 0", status="204 No Content").replace(
    b"Content-Length: 0\r\n", b""
)


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    made = FakeService()
    made.bodies = []  # type: ignore[attr-defined]
    yield made
    await made.stop()


def taking(service: FakeService, answer: Callable[..., Awaitable[None]]) -> None:
    """Have a service read the body, and then answer."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service.bodies.append(await reader.readexactly(len(BODY)))  # type: ignore[attr-defined]
        await answer(reader, writer)

    service.answer = take


def client_of(service: FakeService, path: str = "/api/v1/write?a=b", **keys: object) -> WriteClient:
    scheme = "https" if "https" in keys else "http"
    keys.pop("https", None)
    config = RemoteWriteConfig(f"{scheme}://{service.address}{path}", **keys)  # type: ignore[arg-type]
    return WriteClient(config, TlsContexts(config.http.tls).get)


async def test_a_request_is_what_the_specification_says(service: FakeService) -> None:
    """Its headers, those that are configured, credentials, and the body as it is."""
    taking(service, sending(ACCEPTED))
    await service.start()
    client = client_of(
        service,
        headers=(("X-Scope-OrgID", "team"),),
        http=HttpConfig(BasicAuth(Secret("jo"), Secret("x"))),
    )

    answer = await client.post(BODY)

    assert answer == Answer(204)
    assert answer.is_accepted
    assert service.requests == [
        "POST /api/v1/write?a=b HTTP/1.1\r\n"
        f"Host: {service.address}\r\n"
        "Content-Type: application/x-protobuf\r\n"
        "Content-Encoding: snappy\r\n"
        "X-Prometheus-Remote-Write-Version: 0.1.0\r\n"
        f"User-Agent: sakshi/{__version__}\r\n"
        f"Content-Length: {len(BODY)}\r\n"
        "X-Scope-OrgID: team\r\n"
        "Authorization: Basic am86eA==\r\n\r\n"
    ]
    assert service.bodies == [BODY]  # type: ignore[attr-defined]
    client.close()


async def test_a_connection_is_kept(service: FakeService) -> None:
    """One after the other goes over one; those at the same time have their own."""
    taking(service, sending(ACCEPTED))
    await service.start()
    client = client_of(service)

    for _ in range(3):
        await client.post(BODY)
    assert service.connections == 1
    await asyncio.gather(client.post(BODY), client.post(BODY))
    assert service.connections == 2
    client.close()


async def test_a_connection_that_was_closed_in_between_is_replaced(service: FakeService) -> None:
    """A remote that restarted is no failure."""
    taking(service, sending(ACCEPTED))
    await service.start()
    client = client_of(service)
    await client.post(BODY)
    await service.stop()
    await service.start()

    assert await client.post(BODY) == Answer(204)
    client.close()


@pytest.mark.parametrize(
    ("answer", "expected", "is_refused"),
    [
        pytest.param(response(b""), Answer(200), False, id="200"),
        pytest.param(
            response(b"out of  order\n sample", status="400 Bad Request"),
            Answer(400, "out of order sample"),
            True,
            id="400",
        ),
        pytest.param(
            response(b"x" * 1000, status="404 No"), Answer(404, "x" * 256), True, id="404"
        ),
        pytest.param(response(b"", status="429 Slow"), Answer(429), True, id="429"),
        pytest.param(
            response(b"", "Retry-After: 7", status="429 Slow"),
            Answer(429, "", 7.0),
            False,
            id="429 that says when",
        ),
        pytest.param(
            response(b"", "Retry-After: 99999", status="503 No"),
            Answer(503, "", 3600.0),
            False,
            id="503 that asks for too much",
        ),
        pytest.param(
            response(b"", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", status="503 No"),
            Answer(503),
            False,
            id="503 with a date",
        ),
        pytest.param(response(b"", "Location: /x", status="307 Go"), Answer(307), False, id="307"),
    ],
)
async def test_answers_are_read(
    service: FakeService, answer: bytes, expected: Answer, is_refused: bool
) -> None:
    """Status, words on one line, and when to ask again."""
    taking(service, sending(answer))
    await service.start()
    client = client_of(service)

    found = await client.post(BODY)

    assert found == expected
    assert found.is_refused(retries_429=False) is is_refused
    client.close()


def test_a_429_may_be_repeated() -> None:
    """Where the configuration says so, without a Retry-After too; other refusals stay."""
    assert not Answer(429).is_refused(retries_429=True)
    assert Answer(400).is_refused(retries_429=True)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(hang, "timed out after 0.05 s", id="hang"),
        pytest.param(reset, "connection reset before a response", id="reset"),
        pytest.param(
            sending(b"", then_close=True), "connection closed before a response", id="eof"
        ),
        pytest.param(
            sending(b"HTTP/1.1 204", then_close=True),
            "connection closed in the middle of the response",
            id="half an answer",
        ),
        pytest.param(sending(b"hello\r\n\r\n"), "response is not HTTP/1.1", id="garbage"),
        pytest.param(
            sending(response(bytes((1 << 20) + 1))),
            "body size limit exceeded (limit: 1048576 bytes)",
            id="a large answer",
        ),
    ],
)
async def test_what_is_no_answer_is_said(
    service: FakeService, answer: Callable[..., Awaitable[None]], message: str
) -> None:
    """In one sentence; the next request begins on a new connection."""
    taking(service, answer)
    await service.start()
    client = client_of(service, timeout_ms=50 if answer is hang else 5000)

    with pytest.raises(ScrapeError) as caught:
        await client.post(BODY)
    taking(service, sending(ACCEPTED))

    assert str(caught.value) == message
    assert await client.post(BODY) == Answer(204)
    client.close()


async def test_nobody_there_is_said(service: FakeService) -> None:
    """A port that nobody listens at, and a name that is none."""
    await service.start()
    await service.stop()
    client = client_of(service)
    with pytest.raises(ScrapeError, match=r"^connection refused$"):
        await client.post(BODY)
    nowhere = WriteClient(
        RemoteWriteConfig(f"http://{'a' * 64}.org/"), TlsContexts(TlsConfig()).get
    )
    with pytest.raises(ScrapeError, match=r"^host name is not resolved"):
        await nowhere.post(BODY)


async def test_a_secret_that_is_missing_is_said(service: FakeService) -> None:
    """Nothing is sent without it."""
    await service.start()
    http = HttpConfig(BasicAuth(Secret("jo"), MissingSecret("PASSWORD is not set")))
    client = client_of(service, http=http)

    with pytest.raises(ScrapeError, match=r"^a secret is missing: PASSWORD is not set$"):
        await client.post(BODY)
    assert service.requests == []


async def test_tls_is_spoken(service: FakeService) -> None:
    """With the certificate that the configuration names, and no other."""
    taking(service, sending(ACCEPTED))
    await service.start(tls=tls_server())
    trusting = HttpConfig(tls=TlsConfig(ca_file=CERTIFICATE, server_name="localhost"))
    client = client_of(service, https=True, http=trusting)
    assert await client.post(BODY) == Answer(204)
    client.close()

    with pytest.raises(ScrapeError, match=r"^TLS certificate is not accepted: "):
        await client_of(service, https=True).post(BODY)


async def test_a_proxy_is_asked(service: FakeService) -> None:
    """For a whole address, with the user that it wants."""
    taking(service, sending(ACCEPTED))
    await service.start()
    proxy = HttpConfig(proxy=ProxyConfig(Secret(f"http://jo:x@{service.address}")))
    client = WriteClient(
        RemoteWriteConfig("http://far.example/write", http=proxy), TlsContexts(TlsConfig()).get
    )

    await client.post(BODY)

    assert service.requests[0].startswith("POST http://far.example/write HTTP/1.1\r\nHost: far.ex")
    assert "\r\nProxy-Authorization: Basic am86eA==\r\n" in service.requests[0]
    client.close()
