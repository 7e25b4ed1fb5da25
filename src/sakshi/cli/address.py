"""Arguments that are addresses: `HOST:PORT`, a port, a URL."""

from __future__ import annotations

import argparse
import ipaddress
from typing import Final
from urllib.parse import urlsplit

PORT_MAX: Final = 65_535


def parse_port(text: str) -> int:
    """Return a port; 0: any free one.

    Raises:
        argparse.ArgumentTypeError: it is none.

    Example:
        >>> parse_port("9090")
        9090
    """
    if not (text.isascii() and text.isdecimal()) or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(f'expected a port up to {PORT_MAX}, found "{text}"')
    return int(text)


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[IPV6]:PORT` or `:PORT`, which is this machine's own.

    Raises:
        argparse.ArgumentTypeError: it is none.

    Example:
        >>> parse_address("127.0.0.1:9090"), parse_address("[::1]:0"), parse_address(":9090")
        (('127.0.0.1', 9090), ('::1', 0), ('127.0.0.1', 9090))
    """
    host, separator, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not separator or (":" in host and not is_bracketed) or "/" in host:
        raise argparse.ArgumentTypeError(f'expected HOST:PORT, found "{text}"')
    return (host[1:-1] if is_bracketed else host) or "127.0.0.1", parse_port(port)


def parse_url(text: str) -> str:
    """Return an address of HTTP, without a slash at its end.

    Raises:
        argparse.ArgumentTypeError: it is none.

    Example:
        >>> parse_url("https://sakshi.example.org/")
        'https://sakshi.example.org'
    """
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not text.isprintable() or " " in text:
        expected = "an address like http://127.0.0.1:9090"
        raise argparse.ArgumentTypeError(f'expected {expected}, found "{text}"')
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "::")]
        [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
