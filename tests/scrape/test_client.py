from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.scrape.conftest import StartService, exposing, response, sending

from sakshi.model.secret import Secret
from sakshi.scrape import HttpConfig, ScrapeError
from sakshi.scrape.credentials import (
    Authorization,
    BasicAuth,
    ExtraHeader,
    MissingSecret,
    SecretFile,
)
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.negotiate import ScrapeProtocol, accept_header, answer_format
from sakshi.scrape.proxy import EnvironmentProxies, ProxyConfig
from sakshi.scrape.tls import TlsConfig, TlsContexts

CERTIFICATE = Path(__file__).with_name("localhost.pem")
TEXT = b"turns 1\n"


def fetcher_of(url: str, **keys: Any) -> Fetcher:
    return Fetcher(url, 5000, 1 << 20, **keys)


async def fetch(url: str, **keys: Any) -> bytes:
    fetcher = fetcher_of(url, **keys)
    try:
        return (await fetcher.fetch()).body
    finally:
        fetcher.close()


async def failure_of(url: str, **keys: Any) -> str:
    with pytest.raises(ScrapeError) as caught:
        await fetch(url, **keys)
    return str(caught.value)


def headers(request: str) -> list[str]:
    own = ("Authorization", "X-", "Proxy-Authorization")
    lines = [line for line in request.splitlines() if line.startswith(own)]
    return [line for line in lines if "Scrape-Timeout" not in line]


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_credentials_and_headers_are_sent(
    start_service: StartService, tmp_path: Path
) -> None:
    """Those of the job; what a file holds is read anew for each request."""
    service = await start_service(TEXT)
    token = tmp_path / "token"
    token.write_text("first\n")
    extra = [ExtraHeader("X-Scope", [Secret("a"), Secret("b")])]
    http = HttpConfig(Authorization("Bearer", SecretFile(token)), headers=extra)
    fetcher = fetcher_of(service.url, http=http)

    await fetcher.fetch()
    token.write_text("second")
    await fetcher.fetch()
    fetcher.close()
    basic = HttpConfig(BasicAuth(Secret("jo"), Secret("p:w")))
    await fetch(service.url, http=basic)

    scope = ["X-Scope: a", "X-Scope: b"]
    assert [headers(request) for request in service.requests] == [
        [*scope, "Authorization: Bearer first"],
        [*scope, "Authorization: Bearer second"],
        ["Authorization: Basic am86cDp3"],
    ]
    assert service.connections == 2


async def test_a_missing_secret_fails_the_scrape_with_words(
    start_service: StartService, tmp_path: Path
) -> None:
    """Nothing is sent without it, and nothing of it is shown."""
    service = await start_service(TEXT)
    (tmp_path / "broken").write_bytes(b"\xff")

    async def failure(source: Any) -> str:
        return await failure_of(service.url, http=HttpConfig(Authorization("Bearer", source)))

    gone = tmp_path / "gone"
    assert await failure(SecretFile(gone)) == (
        f"secret file {gone} cannot be read: No such file or directory"
    )
    assert await failure(SecretFile(tmp_path / "broken")) == (
        f"secret file {tmp_path / 'broken'} is not a text in UTF-8"
    )
    assert await failure(MissingSecret("TOKEN is not set")) == (
        "a secret is missing: TOKEN is not set"
    )
    assert await failure(Secret("a\r\nHost: b")) == (
        "the secret for the header Authorization has a line break or control character"
    )
    assert service.requests == []


async def test_credentials_stay_with_their_target(start_service: StartService) -> None:
    """A redirect takes them along to the same server, and to no other."""
    target, other = await start_service(), await start_service(TEXT)
    http = HttpConfig(
        Authorization("Bearer", Secret("s3cret")), headers=[ExtraHeader("X-Key", [Secret("k")])]
    )

    target.answer = sending(response(b"", f"Location: {other.url}", status="302 Found"))
    assert await fetch(target.url, http=http) == TEXT
    assert headers(other.requests[0]) == []

    async def once_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_first = "/again" not in target.requests[-1]
        moved = response(b"", "Location: /again", status="302 Found")
        await (sending(moved) if is_first else exposing(TEXT))(reader, writer)

    target.answer = once_more
    assert await fetch(target.url, http=http) == TEXT
    assert headers(target.requests[-1]) == ["X-Key: k", "Authorization: Bearer s3cret"]


async def test_redirects_may_be_refused(start_service: StartService) -> None:
    """Then a redirect is an answer like any other that is not 200."""
    service = await start_service()
    service.answer = sending(response(b"", f"Location: {service.url}", status="302 Found"))

    http = HttpConfig(follow_redirects=False)
    assert await failure_of(service.url, http=http) == "HTTP status 302 Found"


async def test_a_proxy_is_asked_for_the_whole_url(start_service: StartService) -> None:
    """With its own user; and not for what no_proxy names."""
    proxy, target = await start_service(TEXT), await start_service(b"direct 1\n")
    url = Secret(f"http://jo:p%40w@{proxy.address}")

    through = await fetch(
        "http://chat.invalid:5000/metrics?a=b", http=HttpConfig(proxy=ProxyConfig(url))
    )
    past = await fetch(target.url, http=HttpConfig(proxy=ProxyConfig(url, ["127.0.0.0/8"])))

    assert (through, past) == (TEXT, b"direct 1\n")
    [request] = proxy.requests
    assert request.splitlines()[:2] == [
        "GET http://chat.invalid:5000/metrics?a=b HTTP/1.1",
        "Host: chat.invalid:5000",
    ]
    assert headers(request) == ["Proxy-Authorization: Basic am86cEB3"]


async def test_tls_goes_through_a_tunnel(start_service: StartService) -> None:
    """CONNECT, then TLS with the target itself; the proxy sees no path and only its own headers."""
    target = await start_service(TEXT, "localhost", tls_server())
    proxy = await start_service()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("localhost", target.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        try:
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        finally:
            far_writer.transport.abort()

    proxy.answer = tunnel
    contexts = TlsContexts(TlsConfig(ca_file=CERTIFICATE))
    url, own = Secret(f"http://{proxy.address}"), [ExtraHeader("X-Own", [Secret("a"), Secret("b")])]
    credentials = Authorization("Bearer", Secret("s3cret"))
    config = HttpConfig(credentials, proxy=ProxyConfig(url, connect_headers=own))

    body = await fetch(
        f"https://localhost:{target.port}/metrics", make_tls=contexts.get, http=config
    )

    assert body == TEXT
    assert proxy.requests == [
        f"CONNECT localhost:{target.port} HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        "X-Own: a\r\nX-Own: b\r\n\r\n"
    ]
    assert target.requests[0].startswith("GET /metrics HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (response(b"", status="407 Who are you"), "proxy refused a tunnel: 407 Who are you"),
        (b"", "proxy closed the connection"),
        (b"x" * 20_000, "proxy's answer is too large"),
    ],
)
async def test_a_refused_tunnel_is_said(
    start_service: StartService, answer: bytes, message: str
) -> None:
    """A proxy that says no, nothing, or too much."""
    proxy = await start_service(sending(answer, then_close=True))
    config = HttpConfig(proxy=ProxyConfig(Secret(f"http://{proxy.address}")))

    assert await failure_of("https://chat.invalid/metrics", http=config) == message


@pytest.mark.parametrize(
    ("entry", "url", "is_direct"),
    [
        ("*", "http://a.org", True),
        ("a.org", "http://a.org:81", True),
        ("a.org", "http://b.a.org", True),
        (".a.org", "http://b.a.org", True),
        ("*.a.org", "http://b.a.org", True),
        ("a.org:81", "http://a.org:81", True),
        ("A.org", "http://a.org", True),
        ("10.0.0.1", "http://10.0.0.1:9100", True),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.1:9100", "http://10.0.0.1:9100", True),
        ("::1", "http://[::1]:9100", True),
        ("[::1]:9100", "http://[::1]:9100", True),
        ("a.org:80", "https://a.org", False),
        (".a.org", "http://a.org", False),
        ("*.a.org", "http://a.org", False),
        ("a.org", "http://ba.org", False),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("10.0.0.0/8", "http://a.org", False),
        ("[fd00::1]:9101", "http://[fd00::1]:9100", False),
        ("a.org", "http://localhost:9100", True),
        ("a.org", "http://127.0.0.2:9100", True),
        ("a.org", "http://localhost.org", False),
    ],
)
def test_no_proxy_is_gos(entry: str, url: str, is_direct: bool) -> None:
    """Names with those below them, addresses, networks; this machine, too, where any is named."""
    proxy = ProxyConfig(Secret("http://proxy"), [entry])

    assert proxy.covers(urlsplit(url)) is not is_direct


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://a.org", "http://plain:1"),
        ("https://a.org", "http://secure:2"),
        ("http://b.org", None),
        ("http://localhost:9100", None),
        ("https://[::1]", None),
    ],
)
def test_the_environment_names_a_proxy_by_scheme(url: str, proxy: str | None) -> None:
    """Another for TLS; none for what it excludes, and for this machine."""
    plain, secure = (
        ProxyConfig(Secret(address), ["b.org"]) for address in ("http://plain:1", "http://secure:2")
    )
    http = HttpConfig(proxy=EnvironmentProxies((("http", plain), ("https", secure))))

    found = http.proxy_for(urlsplit(url))

    assert (found.url.reveal() if found else None) == proxy


def test_a_scheme_without_a_proxy_is_asked_directly() -> None:
    """The other one's is no substitute."""
    plain = ProxyConfig(Secret("http://plain:1"))

    assert EnvironmentProxies((("http", plain),)).serving(urlsplit("https://a.org")) is None


async def test_tls_is_as_it_is_configured(start_service: StartService, tmp_path: Path) -> None:
    """Whom to believe, by which name, or not to ask."""
    service = await start_service(TEXT, "localhost", tls_server())
    url = f"https://localhost:{service.port}/metrics"

    async def outcome(config: TlsConfig) -> bytes | str:
        try:
            keys = {"make_tls": TlsContexts(config).get, "http": HttpConfig(tls=config)}
            return await fetch(url, **keys)
        except ScrapeError as error:
            return str(error)

    assert await outcome(TlsConfig(ca_file=CERTIFICATE)) == TEXT
    assert await outcome(TlsConfig(ca=CERTIFICATE.read_text())) == TEXT
    assert await outcome(TlsConfig(insecure_skip_verify=True, min_version="TLS13")) == TEXT
    assert str(await outcome(TlsConfig())).startswith("TLS certificate is not accepted: ")
    other = await outcome(TlsConfig(ca_file=CERTIFICATE, server_name="chat.example"))
    assert str(other).startswith("TLS certificate is not accepted: Hostname mismatch")
    gone = await outcome(TlsConfig(ca_file=tmp_path / "gone"))
    assert gone == "TLS certificates cannot be loaded: No such file or directory"


async def test_a_client_certificate_is_shown(start_service: StartService) -> None:
    """By file, or as it stands in the configuration."""
    server = tls_server()
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(CERTIFICATE)
    service = await start_service(TEXT, "localhost", server)
    url, pem = f"https://localhost:{service.port}/metrics", CERTIFICATE.read_text()

    for config in (
        TlsConfig(ca_file=CERTIFICATE, cert_file=CERTIFICATE),
        TlsConfig(ca_file=CERTIFICATE, cert=pem, key=Secret(pem)),
    ):
        assert await fetch(url, make_tls=TlsContexts(config).get) == TEXT


def test_tls_files_are_loaded_when_they_change(tmp_path: Path) -> None:
    """The context stays for as long as they do."""
    path = tmp_path / "ca.pem"
    path.write_bytes(CERTIFICATE.read_bytes())
    contexts = TlsContexts(TlsConfig(ca_file=path))

    first, second = contexts.get(), contexts.get()
    path.write_bytes(b"\n" + CERTIFICATE.read_bytes())
    path.touch()

    assert first is second
    assert contexts.get() is not first


def test_accept_names_the_protocols_in_order() -> None:
    """With falling weights, and anything at last."""
    protocols = [ScrapeProtocol.TEXT_1_0_0, ScrapeProtocol.OPENMETRICS_0_0_1]

    assert accept_header(protocols) == (
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,*/*;q=0.4"
    )


@pytest.mark.parametrize(
    ("content_type", "fallback", "format"),
    [
        ("text/plain", ScrapeProtocol.OPENMETRICS_1_0_0, "text/plain"),
        ("application/openmetrics-text; version=1.0.0", None, "application/openmetrics-text"),
        ("", None, "text/plain"),
        ("", ScrapeProtocol.OPENMETRICS_1_0_0, "application/openmetrics-text"),
        ("text/html", ScrapeProtocol.TEXT_0_0_4, "text/plain"),
    ],
)
def test_an_answer_is_read_by_its_type(
    content_type: str, fallback: ScrapeProtocol | None, format: str
) -> None:
    """The fallback is for a type that is missing or unknown, and for no other."""
    assert answer_format(content_type, fallback) == format


def test_an_unknown_answer_is_refused() -> None:
    """Without a fallback."""
    with pytest.raises(ScrapeError, match=r'^Content-Type "text/html" is no known exposition$'):
        answer_format("text/html", None)


async def test_bodies_may_be_wanted_uncompressed() -> None:
    """For targets whose time is dearer than the network."""
    fetcher = fetcher_of("http://chat.example/metrics", is_compressed=False)

    assert b"Accept-Encoding: identity\r\n" in (fetcher.caller.fixed_request or b"")
