from __future__ import annotations

import gzip
import tracemalloc

import pytest

from sakshi.scrape.body import decode_body
from sakshi.scrape.errors import ScrapeError

TEXT = b"up 1\n" * 100


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(TEXT, "", id="none"),
        pytest.param(TEXT, "Identity", id="identity"),
        pytest.param(gzip.compress(TEXT), " GZIP ", id="gzip"),
        pytest.param(gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:]), "gzip", id="two members"),
    ],
)
def test_decode_gives_the_text(body: bytes, encoding: str) -> None:
    """A body comes out as it went in; exactly the bound is allowed."""
    assert decode_body(body, encoding, bytes_max=len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        pytest.param(gzip.compress(TEXT)[:-5], "gzip", "gzip data is cut short", id="truncated"),
        pytest.param(b"", "gzip", "gzip data is cut short", id="empty"),
        pytest.param(TEXT, "gzip", "gzip data is damaged", id="no gzip"),
        pytest.param(
            gzip.compress(TEXT) + b"rest", "gzip", "gzip data is damaged", id="bytes after the end"
        ),
        pytest.param(
            gzip.compress(TEXT)[:-8] + bytes(8), "gzip", "gzip data is damaged", id="wrong checksum"
        ),
        pytest.param(
            gzip.compress(TEXT + b"x"),
            "gzip",
            "body size limit exceeded (limit: 500 bytes)",
            id="a byte too many",
        ),
        pytest.param(
            gzip.compress(TEXT) + gzip.compress(b"x"),
            "gzip",
            "body size limit exceeded (limit: 500 bytes)",
            id="a member too many",
        ),
        pytest.param(TEXT, "br", 'Content-Encoding "br" was not asked for', id="another encoding"),
    ],
)
def test_decode_refuses(body: bytes, encoding: str, message: str) -> None:
    """What is damaged, too large or encoded otherwise fails the scrape."""
    with pytest.raises(ScrapeError) as caught:
        decode_body(body, encoding, bytes_max=len(TEXT))

    assert str(caught.value) == message


def test_decode_of_a_bomb_costs_no_more_than_the_bound() -> None:
    """A small body that decodes to 64 MB is given up at the bound."""
    bomb = gzip.compress(bytes(64 << 20), compresslevel=1)

    tracemalloc.start()
    with pytest.raises(ScrapeError, match=r"^body size limit exceeded \(limit: 1000000 bytes\)$"):
        decode_body(bomb, "gzip", bytes_max=1_000_000)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 4_000_000
