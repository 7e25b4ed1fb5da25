from __future__ import annotations

import argparse

import pytest

from sakshi.cli.address import is_loopback, parse_address, parse_port, parse_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9090", ("127.0.0.1", 9090)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        (":80", ("127.0.0.1", 80)),
    ],
)
def test_an_address_is_host_and_port(text: str, expected: tuple[str, int]) -> None:
    """Without a host it is this machine alone, not all of the world."""
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9090",
        "::1",
        "::1:9090",
        "host:",
        "host:x",
        "host:-1",
        "host:65536",
        "http://h:80",
        "h:٣",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """An IPv6 address needs its brackets: nobody knows where its port begins."""
    with pytest.raises(argparse.ArgumentTypeError):
        parse_address(text)


@pytest.mark.parametrize("text", ["", "-1", "65536", "x", "1.5", "٣"])
def test_what_is_no_port_is_refused(text: str) -> None:
    """The complaint says how far ports go."""
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        parse_port(text)

    assert str(caught.value) == f'expected a port up to 65535, found "{text}"'


@pytest.mark.parametrize(
    "text",
    ["", "localhost:9090", "ftp://x", "http://", "http://x:99999", "http://x y", "http://[::1"],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    """Scheme and host are needed."""
    with pytest.raises(argparse.ArgumentTypeError):
        parse_url(text)


def test_a_url_may_have_a_path() -> None:
    """Behind a proxy, sakshi may be below one."""
    assert parse_url("https://example.org/sakshi/") == "https://example.org/sakshi"


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1.example.org", "0.0.0.0", "", "10.0.0.1"]
)
def test_what_is_not_known_to_be_loopback_is_not(host: str) -> None:
    """A name may lead anywhere."""
    assert not is_loopback(host)
