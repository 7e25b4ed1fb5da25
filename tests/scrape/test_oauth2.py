"""Tokens from a real server on loopback, whose answers each test scripts."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from tests.conftest import FakeClock
from tests.scrape.conftest import FakeService, StartService, response, sending
from tests.scrape.test_client import CERTIFICATE, tls_server

from sakshi.model.secret import Secret
from sakshi.scrape import HttpConfig, ScrapeError
from sakshi.scrape.credentials import SecretFile
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.oauth2 import OAuth2Config, TokenSource
from sakshi.scrape.proxy import ProxyConfig
from sakshi.scrape.tls import TlsConfig, TlsContexts

TEXT = b"turns 1\n"
SECRET = "s3 cret"


@dataclass
class TokenServer:
    """Gives out `token-1`, `token-2`, ... to who knows the secret.

    Args:
        service: the socket.
        answer: more fields of the answer, in place of the usual ones.
        wants_fields: whether the secret must be among the fields.
        bodies: the requests' fields.
    """

    service: FakeService
    answer: dict[str, Any] = field(default_factory=lambda: {"expires_in": 60})
    wants_fields: bool = False
    bodies: list[dict[str, str]] = field(default_factory=list)
    given: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = self.service.requests[-1]
        length = int(request.split("Content-Length: ")[1].split("\r\n")[0])
        fields = dict(parse_qsl((await reader.readexactly(length)).decode()))
        self.bodies.append(fields)
        pair = f"Authorization: Basic {base64.b64encode(b'me:s3+cret').decode()}"
        is_known = fields.get("client_secret") == SECRET if self.wants_fields else pair in request
        if not is_known:
            await sending(response(b"{}", status="401 Unauthorized"))(reader, writer)
            return
        self.given += 1
        token = {"access_token": f"token-{self.given}", "token_type": "bearer", **self.answer}
        await sending(response(orjson.dumps(token)))(reader, writer)


@pytest.fixture
async def server(start_service: StartService) -> TokenServer:
    found = TokenServer(await start_service())
    found.service.answer = found.serve
    return found


def config_of(server: TokenServer, **keys: Any) -> OAuth2Config:
    given = {"client_secret": Secret(SECRET), **keys}
    return OAuth2Config("me", given.pop("client_secret"), Secret(server.service.url), **given)


def source_of(server: TokenServer, clock: FakeClock, **keys: Any) -> TokenSource:
    return TokenSource(config_of(server, **keys), TlsContexts(TlsConfig()).get, clock)


async def failure_of(source: TokenSource) -> str:
    with pytest.raises(ScrapeError) as caught:
        await source.get()
    return str(caught.value)


async def test_targets_are_asked_with_a_token(
    server: TokenServer, start_service: StartService, clock: FakeClock
) -> None:
    """One token serves all targets of a job, until shortly before it ends."""
    target = await start_service(TEXT)
    tokens = source_of(server, clock, scopes=("a", "b"), endpoint_params=(("audience", "metrics"),))
    http = HttpConfig(oauth2=config_of(server))
    fetchers = [Fetcher(target.url, 5000, 1 << 20, http=http, tokens=tokens) for _ in range(2)]

    for seconds in (0, 49, 1):
        await clock.advance(seconds)
        assert [(await fetcher.fetch()).body for fetcher in fetchers] == [TEXT, TEXT]
    for fetcher in fetchers:
        fetcher.close()

    sent = [request.split("Authorization: ")[1].split("\r\n")[0] for request in target.requests]
    assert sent == ["Bearer token-1"] * 4 + ["Bearer token-2"] * 2
    assert (
        server.bodies
        == [{"grant_type": "client_credentials", "audience": "metrics", "scope": "a b"}] * 2
    )


async def test_the_token_stays_with_its_target(
    server: TokenServer, start_service: StartService, clock: FakeClock
) -> None:
    """A redirect takes it to no other server."""
    target, other = await start_service(), await start_service(TEXT)
    target.answer = sending(response(b"", f"Location: {other.url}", status="302 Found"))
    http = HttpConfig(oauth2=config_of(server))
    fetcher = Fetcher(target.url, 5000, 1 << 20, http=http, tokens=source_of(server, clock))

    await fetcher.fetch()
    fetcher.close()

    assert "Authorization: Bearer token-1" in target.requests[0]
    assert "Authorization" not in other.requests[0]


async def test_those_who_ask_together_ask_once(server: TokenServer, clock: FakeClock) -> None:
    """The first one asks, and the others wait for it."""
    source = source_of(server, clock)

    tokens = await asyncio.gather(*(source.get() for _ in range(20)))

    assert set(tokens) == {"Bearer token-1"}


async def test_the_secret_may_be_wanted_among_the_fields(
    server: TokenServer, clock: FakeClock
) -> None:
    """What the server takes is found out once."""
    server.wants_fields = True
    source = source_of(server, clock)

    first = await source.get()
    await clock.advance(60)
    second = await source.get()

    assert (first, second) == ("Bearer token-1", "Bearer token-2")
    assert [sorted(fields) for fields in server.bodies] == [
        ["grant_type"],
        ["client_id", "client_secret", "grant_type"],
        ["client_id", "client_secret", "grant_type"],
    ]


async def test_a_new_secret_is_a_new_token(
    server: TokenServer, clock: FakeClock, tmp_path: Path
) -> None:
    """A file is read anew; a token that another secret brought is no longer used."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    source = source_of(server, clock, client_secret=SecretFile(secret))
    assert await source.get() == "Bearer token-1"

    secret.write_text("other")
    assert await failure_of(source) == (
        f"no token from {server.service.url}: HTTP status 401 Unauthorized"
    )

    secret.write_text(SECRET)
    assert await source.get() == "Bearer token-1"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        pytest.param({"token_type": "MAC"}, "MAC token-1", id="another type"),
        pytest.param({"token_type": None}, "Bearer token-1", id="no type"),
        pytest.param({"expires_in": "60"}, "Bearer token-1", id="seconds as a text"),
        pytest.param({}, "Bearer token-1", id="no end"),
    ],
)
async def test_answers_are_read_as_they_come(
    server: TokenServer, clock: FakeClock, answer: dict[str, Any], value: str
) -> None:
    """Types are written in any case, seconds in two ways, and both may be missing."""
    server.answer = answer

    assert await source_of(server, clock).get() == value


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"access_token": ""}, "the answer has no access_token"),
        ({"access_token": 1}, "the answer has no access_token"),
        ({"expires_in": "soon"}, "the answer's expires_in is no number"),
        ({"expires_in": []}, None),
        ({"expires_in": [1]}, "the answer's expires_in is no number"),
    ],
)
async def test_an_answer_without_a_token_is_a_failure(
    server: TokenServer, clock: FakeClock, answer: dict[str, Any], message: str | None
) -> None:
    """It says what is missing."""
    server.answer = answer
    source = source_of(server, clock)

    if message is None:
        assert await source.get() == "Bearer token-1"
    else:
        assert await failure_of(source) == f"no token from {server.service.url}: {message}"


async def test_a_failure_is_shared_for_a_moment(server: TokenServer, clock: FakeClock) -> None:
    """A burst of targets does not ask a server that refuses once for each; nothing is shown."""
    source = source_of(server, clock, client_secret=Secret("wrong"))

    failures = {await failure_of(source) for _ in range(5)}
    await clock.advance(1)
    failures.add(await failure_of(source))

    assert failures == {f"no token from {server.service.url}: HTTP status 401 Unauthorized"}
    assert len(server.bodies) == 2 * 2, "in either way, twice"


async def test_a_server_that_is_no_more_is_a_failure(server: TokenServer, clock: FakeClock) -> None:
    """In the words of a scrape."""
    await server.service.stop()

    message = await failure_of(source_of(server, clock))

    assert message == f"no token from {server.service.url}: connection refused"


async def test_the_way_to_the_token_server_is_its_own(
    start_service: StartService, clock: FakeClock
) -> None:
    """TLS and proxy are those of `oauth2`, not those of the job."""
    server = TokenServer(await start_service(b"", "localhost", tls_server()))
    server.service.answer = server.serve
    url = Secret(f"https://localhost:{server.service.port}/token?tenant=a")
    tls = TlsConfig(ca_file=CERTIFICATE)
    source = TokenSource(
        OAuth2Config("me", Secret(SECRET), url, tls=tls), TlsContexts(tls).get, clock
    )
    assert await source.get() == "Bearer token-1"
    assert server.service.requests[0].startswith("POST /token?tenant=a HTTP/1.1\r\n")

    relay = TokenServer(await start_service())
    relay.service.answer = relay.serve
    proxy = ProxyConfig(Secret(f"http://jo:pw@{relay.service.address}"))
    away = OAuth2Config("me", Secret(SECRET), Secret("http://login.invalid/token"), proxy=proxy)
    assert await TokenSource(away, TlsContexts(TlsConfig()).get, clock).get() == "Bearer token-1"
    [request] = relay.service.requests
    assert request.startswith("POST http://login.invalid/token HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic am86cHc=" in request
