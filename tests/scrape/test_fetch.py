from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import gzip
import random
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

import pytest
import uvloop
from tests.scrape.conftest import Answer, StartService, drip, hang, reset, response, sending

from sakshi import __version__
from sakshi.scrape.caller import Caller
from sakshi.scrape.client import HTTP_DEFAULT
from sakshi.scrape.connection import Connection
from sakshi.scrape.errors import ScrapeError
from sakshi.scrape.failure import describe_failure
from sakshi.scrape.fetch import Fetcher

TEXT = b"# TYPE turns gauge\nturns 1\n"
BODY_BYTES_MAX = 100_000
CERTIFICATE = Path(__file__).with_name("localhost.pem")


def fetcher_of(url: str, timeout_ms: int = 5000, **keys: Any) -> Fetcher:
    return Fetcher(url, timeout_ms, BODY_BYTES_MAX, **keys)


async def failure_of(url: str, timeout_ms: int = 5000) -> str:
    fetcher = fetcher_of(url, timeout_ms)
    with pytest.raises(ScrapeError) as caught:
        await fetcher.fetch()
    fetcher.close()
    return str(caught.value)


async def test_fetch_asks_as_prometheus_does(start_service: StartService) -> None:
    """The request names the formats that sakshi reads, its patience and its name."""
    service = await start_service(TEXT)
    fetcher = fetcher_of(f"{service.url}?module=a%20b", timeout_ms=1500)

    fetched = await fetcher.fetch()

    assert fetched.body == TEXT
    assert fetched.content_type == "text/plain; version=0.0.4"
    assert service.requests[0].splitlines()[:-1] == [
        "GET /metrics?module=a%20b HTTP/1.1",
        f"Host: {service.address}",
        "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
        "*/*;q=0.2",
        "Accept-Encoding: identity",
        "X-Prometheus-Scrape-Timeout-Seconds: 1.5",
        f"User-Agent: sakshi/{__version__}",
    ]
    fetcher.close()


def test_fetch_asks_remote_targets_for_gzip() -> None:
    """Bytes are worth compressing on a network, and not within a machine."""
    remote = fetcher_of("http://chat.example:5000/metrics")
    local = fetcher_of("http://localhost:5000/metrics")

    assert b"Accept-Encoding: gzip\r\n" in (remote.caller.fixed_request or b"")
    assert b"Accept-Encoding: identity\r\n" in (local.caller.fixed_request or b"")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(response(TEXT), id="content length"),
        pytest.param(
            response(
                b"%x\r\n%s\r\n8\r\nturns 1\n\r\n0\r\n\r\n" % (len(TEXT) - 8, TEXT[:-8]),
                "Transfer-Encoding: chunked",
            ),
            id="chunks",
        ),
        pytest.param(response(gzip.compress(TEXT), "Content-Encoding: gzip"), id="gzip"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response(TEXT),
            id="early hints first",
        ),
    ],
)
async def test_fetch_reads_every_framing(data: bytes, start_service: StartService) -> None:
    """The body arrives whole however it is framed, and again over the same connection."""
    service = await start_service(sending(data))
    fetcher = fetcher_of(service.url)

    bodies = [(await fetcher.fetch()).body for _ in range(3)]

    assert bodies == [TEXT] * 3
    assert service.connections == 1
    fetcher.close()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + TEXT, id="a body that ends with its connection"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + TEXT, id="HTTP/1.0"),
        pytest.param(response(TEXT, "Connection: close"), id="announced"),
    ],
)
async def test_fetch_reads_a_body_that_closes(data: bytes, start_service: StartService) -> None:
    """A target that closes after each response is scraped over a new connection each time."""
    service = await start_service(sending(data, then_close=True))
    fetcher = fetcher_of(service.url)

    assert (await fetcher.fetch()).body == TEXT
    assert (await fetcher.fetch()).body == TEXT
    assert service.connections == 2
    fetcher.close()


async def test_fetch_retries_a_connection_that_was_closed_in_between(
    start_service: StartService,
) -> None:
    """A kept connection that the target drops as it is used is replaced, once."""
    service = await start_service(TEXT)
    fetcher = fetcher_of(service.url)
    await fetcher.fetch()
    good = service.answer

    async def recover(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service.answer = good
        writer.transport.abort()

    service.answer = recover
    fetched = await fetcher.fetch()

    assert fetched.body == TEXT
    assert service.connections == 2
    assert len(service.requests) == 3
    fetcher.close()


async def test_fetch_retries_only_once(start_service: StartService) -> None:
    """A target that hangs up on a fresh connection too has failed."""
    service = await start_service(TEXT)
    fetcher = fetcher_of(service.url)
    await fetcher.fetch()
    service.answer = sending(b"", then_close=True)

    with pytest.raises(ScrapeError, match=r"^connection closed before a response$"):
        await fetcher.fetch()

    assert service.connections == 2
    fetcher.close()


async def test_fetch_over_ipv6(start_service: StartService) -> None:
    """An IPv6 address is reached and named in brackets."""
    service = await start_service(TEXT, host="::1")
    fetcher = fetcher_of(service.url)

    assert (await fetcher.fetch()).body == TEXT
    assert f"Host: [::1]:{service.port}\r\n" in service.requests[0]
    fetcher.close()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            response(b"oops", status="500 Internal Server Error"),
            "HTTP status 500 Internal Server Error",
            id="500",
        ),
        pytest.param(response(b"", status="404 "), "HTTP status 404", id="404 without a reason"),
        pytest.param(
            response(b"", status="204 No Content"), "HTTP status 204 No Content", id="204"
        ),
        pytest.param(b"", "connection closed before a response", id="nothing at all"),
        pytest.param(b"hello\r\n\r\n", "response is not HTTP/1.1", id="garbage"),
        pytest.param(b"\x16\x03\x01\x02", "response is not HTTP/1.1", id="a TLS server"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Le",
            "connection closed in the middle of the response",
            id="half a header",
        ),
        pytest.param(
            response(TEXT, "Content-Length: 1000"),
            "connection closed in the middle of the response",
            id="a Content-Length that is too large",
        ),
        pytest.param(
            response(TEXT, f"Content-Length: {len(TEXT) - 2}"),
            "body is longer than its Content-Length",
            id="a Content-Length that is too small",
        ),
        pytest.param(
            response(TEXT) + response(TEXT),
            "body is longer than its Content-Length",
            id="two responses",
        ),
        pytest.param(
            response(TEXT, "Content-Length: -1"),
            "response is not HTTP/1.1",
            id="a Content-Length that is none",
        ),
        pytest.param(
            response(b"ff\r\nturns 1\n", "Transfer-Encoding: chunked"),
            "connection closed in the middle of the response",
            id="half a chunk",
        ),
        pytest.param(
            response(b"zz\r\nturns 1\n\r\n", "Transfer-Encoding: chunked"),
            "response is not HTTP/1.1",
            id="a chunk without a size",
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "response is not HTTP/1.1",
            id="another protocol",
        ),
        pytest.param(
            response(gzip.compress(TEXT)[:-5], "Content-Encoding: gzip"),
            "gzip data is cut short",
            id="truncated gzip",
        ),
        pytest.param(
            response(gzip.compress(bytes(BODY_BYTES_MAX + 1)), "Content-Encoding: gzip"),
            "body size limit exceeded (limit: 100000 bytes)",
            id="a gzip bomb",
        ),
        pytest.param(
            response(bytes(BODY_BYTES_MAX + 1)),
            "body size limit exceeded (limit: 100000 bytes)",
            id="a large body",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-Padding: %s\r\n" % (b"x" * 1000) * 100,
            "response header is larger than 65536 bytes",
            id="a header without end",
        ),
    ],
)
async def test_fetch_says_what_is_wrong(
    data: bytes, message: str, start_service: StartService
) -> None:
    """Each way to answer badly has its own sentence."""
    service = await start_service(sending(data, then_close=True))

    assert await failure_of(service.url) == message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(hang, "timed out after 0.1 s", id="hang"),
        pytest.param(drip, "timed out after 0.1 s", id="drip"),
        pytest.param(
            sending(response(TEXT, "Content-Length: 1000")),
            "timed out after 0.1 s",
            id="waiting for the rest",
        ),
        pytest.param(reset, "connection reset before a response", id="reset"),
    ],
)
async def test_fetch_gives_up_in_time(
    answer: Answer, message: str, start_service: StartService
) -> None:
    """A target that stalls costs its timeout, and its connection is not used again."""
    service = await start_service(answer)
    fetcher = fetcher_of(service.url, timeout_ms=100)

    with pytest.raises(ScrapeError) as caught:
        await fetcher.fetch()
    assert str(caught.value) == message

    service.answer = sending(response(TEXT))
    assert (await fetcher.fetch()).body == TEXT
    assert service.connections == 2
    fetcher.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_fetch_says_that_nobody_listens() -> None:
    """A port without a server is named as such, also where a name has two addresses."""
    port = free_port()

    assert await failure_of(f"http://127.0.0.1:{port}/") == "connection refused"
    assert await failure_of(f"http://localhost:{port}/") == "connection refused"


async def test_fetch_says_that_a_name_is_none() -> None:
    """A host that cannot exist is a failed scrape, whatever the resolver raises."""
    message = await failure_of(f"http://{'a' * 64}.invalid/")

    assert message.startswith("host name is not resolved: ")


async def test_fetch_over_tls(start_service: StartService) -> None:
    """An https target is scraped where its certificate is trusted, and refused where it is not."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATE)
    service = await start_service(TEXT, tls=tls)
    url = f"https://localhost:{service.port}/metrics"
    trusting = fetcher_of(url, make_tls=lambda: ssl.create_default_context(cafile=CERTIFICATE))

    assert (await trusting.fetch()).body == TEXT
    assert (await trusting.fetch()).body == TEXT
    trusting.close()
    assert service.connections == 1
    assert await failure_of(url) == "TLS certificate is not accepted: self-signed certificate"


async def test_fetch_says_that_tls_failed() -> None:
    """An https target that speaks no TLS is told from one that is down."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        assert (await failure_of(f"https://127.0.0.1:{port}/")).startswith("TLS handshake failed: ")


def test_fetch_runs_on_uvloop() -> None:
    """The loop that the server runs on keeps connections and reports failures alike."""

    async def scenario() -> tuple[bytes, bytes, str]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        fetcher = fetcher_of(f"http://127.0.0.1:{port}/metrics")
        first, second = (await fetcher.fetch()).body, (await fetcher.fetch()).body
        fetcher.close()
        server.close()
        return first, second, await failure_of(f"http://localhost:{free_port()}/")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(response(TEXT))
        except asyncio.IncompleteReadError:
            writer.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(scenario()) == (TEXT, TEXT, "connection refused")


def test_a_lookup_that_is_given_up_leaves_nothing() -> None:
    """No error of it is logged later, by nobody's doing."""
    said: list[object] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
        fetchers = [fetcher_of(f"http://chat-{index}.invalid/metrics") for index in range(8)]
        tasks = [asyncio.create_task(fetcher.fetch()) for fetcher in fetchers]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(ScrapeError):  # a lookup that ends behind those
            await fetcher_of("http://chat-9.invalid/metrics").fetch()
        gc.collect()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())

    assert said == []


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "no route to host"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "connection timed out"),
        (OSError(errno.EMFILE, "Too many open files"), "connection failed: Too many open files"),
        (
            OSError("[Errno 111] a, [Errno 113] b"),
            "connection failed: [Errno 111] a, [Errno 113] b",
        ),
        (OSError("[Errno 111] a, [Errno 111] b"), "connection refused"),
        (OSError("odd"), "connection failed: odd"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "host name is not resolved: Name or service not known",
        ),
    ],
)
def test_failure_sentences_say_what_happened(error: OSError, sentence: str) -> None:
    """Errors of the operating system become words that people know."""
    assert describe_failure(error) == sentence


async def test_fetch_tells_the_systems_timeout_from_its_own() -> None:
    """A connection attempt that the system gives up is no expired scrape timeout."""

    class Unanswered(Caller):
        async def _connect(self, url: SplitResult) -> Connection:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    url, make_tls = "http://10.0.0.1/", ssl.create_default_context
    caller = Unanswered("GET", url, 5000, BODY_BYTES_MAX, make_tls, HTTP_DEFAULT, lambda _: [])
    with pytest.raises(ScrapeError, match=r"^connection timed out$"):
        await caller.ask()


async def test_fetch_never_raises_anything_else(start_service: StartService) -> None:
    """Whatever bytes a server sends, a scrape succeeds or fails as a scrape."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    service = await start_service(TEXT)
    failures = 0

    for _ in range(100):
        data = bytearray(response(TEXT))
        for _ in range(3):
            data[rng.randrange(len(data))] = rng.randrange(256)
        service.answer = sending(bytes(data), then_close=True)
        fetcher = fetcher_of(service.url)
        try:
            await fetcher.fetch()
        except ScrapeError:
            failures += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {bytes(data)!r}") from error
        fetcher.close()
    assert failures > 10, f"seed {seed}"
