from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest
from tests.web.conftest import make_client

from sakshi.web import Services, allowed_hosts
from sakshi.web.guard import is_same_origin


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:9090", "LOCALHOST:1", "127.0.0.1:9090", "[::1]:9090", "[::1]"],
)
async def test_loopback_names_are_allowed(client: httpx2.AsyncClient, host: str) -> None:
    """Sakshi may be called by any name of the loopback, at any port."""
    answer = await client.get("/-/healthy", headers={"Host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "evil.example.com:9090",
        "localhost.evil.example.com",
        "127.0.0.1.evil.example.com",
        "evil@localhost",
        "localhost:9090@evil.example.com",
        "localhost/",
        "localhost:port",
        "localhost:99999",
        "127.0.0.2",
        "[::1",
        "",
        "localhost, evil.example.com",
    ],
)
async def test_other_names_are_refused(client: httpx2.AsyncClient, host: str) -> None:
    """A name that another site may own is refused, on every path: DNS rebinding ends here."""
    for path in ("/", "/api/v1/query", "/metrics", "/nowhere"):
        answer = await client.get(path, headers={"Host": host})

        assert answer.status_code == 403
        assert "web.allowed_hosts" in answer.text


async def test_two_host_headers_are_refused(client: httpx2.AsyncClient) -> None:
    """Which of two names counts is not a question to be guessed at."""
    request = client.build_request("GET", "/-/healthy")
    request.headers = httpx2.Headers([("Host", "localhost"), ("Host", "evil.example.com")])

    answer = await client.send(request)

    assert answer.status_code == 403


async def test_configured_name_is_allowed(services: Services) -> None:
    """What the configuration names is allowed beside the loopback and the listening address."""
    hosts = allowed_hosts("10.0.0.7", frozenset({"Sakshi.example.com"}))

    async with make_client(replace(services, allowed_hosts=hosts)) as client:
        statuses = [
            (await client.get("/-/healthy", headers={"Host": host})).status_code
            for host in ("sakshi.example.com", "10.0.0.7:9090", "localhost", "example.com")
        ]

    assert statuses == [200, 200, 200, 403]


async def test_mounted_application_may_leave_the_check_to_its_host(services: Services) -> None:
    """Without a list of names every name is allowed."""
    async with make_client(replace(services, allowed_hosts=None)) as client:
        answer = await client.get("/-/healthy", headers={"Host": "anything.example.com"})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/query", "/api/v1/alerts", "/nowhere"])
async def test_every_answer_has_the_security_headers(client: httpx2.AsyncClient, path: str) -> None:
    """Errors and data are as well protected as the page."""
    answer = await client.get(path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:9090", "localhost:9090", "ws"),
        ("http://LOCALHOST:9090", "localhost:9090", "ws"),
        ("http://127.0.0.1:9090", "127.0.0.1:9090", "ws"),
        ("http://[::1]:9090", "[::1]:9090", "ws"),
        ("http://sakshi.example.com", "sakshi.example.com", "ws"),
        ("http://sakshi.example.com:80", "sakshi.example.com", "ws"),
        ("https://sakshi.example.com", "sakshi.example.com", "wss"),
        ("https://sakshi.example.com", "sakshi.example.com:443", "wss"),
    ],
)
def test_origin_of_the_page_itself_is_the_same(origin: str, host: str, scheme: str) -> None:
    """A default port may be written or left out."""
    assert is_same_origin(origin, host, scheme)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:9090"),
        ("", "localhost:9090"),
        ("http://evil.example.com", "localhost:9090"),
        ("http://localhost", "localhost:9090"),
        ("http://localhost:8080", "localhost:9090"),
        ("http://localhost:9090.evil.example.com", "localhost:9090"),
        ("http://127.0.0.1:9090", "localhost:9090"),
        ("file://localhost:9090", "localhost:9090"),
        ("http://[::1", "[::1]:9090"),
        ("http://localhost:9090", ""),
    ],
)
def test_other_origins_are_not(origin: str, host: str) -> None:
    """Another scheme, name or port is another site."""
    assert not is_same_origin(origin, host, "ws")
