"""Who may call, and what a browser may do with the answers: Host, Origin, security headers.

A page of another site can make a browser call `http://127.0.0.1:9090`. Three doors are closed:

- DNS rebinding (the other site's name comes to point at 127.0.0.1): the Host header must be one of
  the names by which sakshi may be called.
- Cross-site WebSockets (browsers do not keep them to the same origin): an Origin, where there is
  one, must be the very host and port that is called. Programs send none.
- Scripts in what is shown: the Content-Security-Policy lets only sakshi's own files run.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sakshi.web.errors import ApiError, ErrorKind

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",  # styles set by script (uPlot, Svelte's style:) are not inline
            "img-src 'self' data:",
            "font-src 'self'",
            "manifest-src 'self'",
            "connect-src 'self'",  # the same origin's WebSocket too
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_RAW_HEADERS: Final = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
]
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def allowed_hosts(listen_host: str, configured: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names by which sakshi may be called, for the address at which it listens.

    Example:
        >>> sorted(allowed_hosts("10.0.0.7", frozenset({"sakshi.example.com"})))
        ['10.0.0.7', '127.0.0.1', '::1', 'localhost', 'sakshi.example.com']
    """
    return frozenset(name.lower() for name in LOOPBACK_HOSTS | configured | {listen_host})


def is_same_origin(origin: str, host: str, scheme: str) -> bool:
    """Tell whether a WebSocket's Origin is the host and port that it calls.

    Args:
        origin: the header's value; `null` is nobody's origin.
        host: the Host header's value.
        scheme: by which it is called: `ws` or `wss`.

    Example:
        >>> is_same_origin("http://localhost:9090", "localhost:9090", "ws")
        True
        >>> is_same_origin("http://localhost:8080", "localhost:9090", "ws")
        False
    """
    called = _split_host(host)
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if called is None or parts.hostname is None or parts.scheme not in ("http", "https"):
        return False
    name, called_port = called
    return (parts.hostname, port or _DEFAULT_PORTS[parts.scheme]) == (
        name,
        called_port or _DEFAULT_PORTS.get(scheme),
    )


def _split_host(host: str) -> tuple[str, int | None] | None:
    """Return name (lower case, no brackets) and port of a Host header; None where it is none."""
    if not host or any(character in host for character in "/\\@?# \t,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None


class HostGuard:
    """Refuses requests whose Host header is not one of the allowed names; the port is free."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 403."""
        if scope["type"] in ("http", "websocket") and not self._is_allowed(scope):
            await _refuse(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        called = [value for name, value in scope["headers"] if name == b"host"]
        if len(called) != 1:
            return False
        host = _split_host(called[0].decode("latin-1"))
        return host is not None and host[0] in self.hosts


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before accept: HTTP 403
        return
    text = "This Host is not one by which sakshi may be called. Add it to web.allowed_hosts.\n"
    await PlainTextResponse(text, 403)(scope, receive, send)


class SecurityHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_RAW_HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def refuse_other_sites(request: Request) -> None:
    """Pass what sakshi's own page or a program (no Origin) asks to change.

    Raises:
        ApiError: a page of another site asks.
    """
    origins = request.headers.getlist("origin")
    host = request.headers.get("host", "")
    if not all(is_same_origin(origin, host, request.scope["scheme"]) for origin in origins):
        raise ApiError(ErrorKind.FORBIDDEN, "a page of another site may not change anything here")


def is_websocket_allowed(scope: Scope) -> bool:
    """Tell whether a WebSocket comes from sakshi's own page, or from a program (no Origin)."""
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    if not origins:
        return True
    host = headers.get("host", "")
    return len(origins) == 1 and is_same_origin(origins[0], host, scope["scheme"])
