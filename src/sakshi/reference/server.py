"""Serving an ASGI application on a socket inside the caller's event loop.

uvicorn's own `run` installs signal handlers and ends the process by the signal that it caught. Here
the program owns its signals: a server is a context manager, and several live in one loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import uvicorn

from sakshi.reference.errors import PortTakenError

WEBSOCKET_BYTES_MAX = 65_536
GRACE_SECONDS = 5  # for requests in flight when the server stops


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        PortTakenError: another program listens there.
        OSError: the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port) from None
        raise
    listener.setblocking(False)
    return listener


class HttpServer:
    """Serves an application from `__aenter__`, when it is ready, to `__aexit__`, when it is closed.

    Args:
        app: an ASGI application.
        listener: a listening socket; it is closed with the server.
    """

    def __init__(self, app: Any, listener: socket.socket) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=WEBSOCKET_BYTES_MAX,
            ws_per_message_deflate=False,  # messages are small
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._ticking: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Return the address: `http://127.0.0.1:5000`."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        await self._server.startup(sockets=[self._listener])
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._ticking is not None
        self._ticking.cancel()
        await asyncio.wait({self._ticking})
        await self._server.shutdown(sockets=[self._listener])

    async def _tick(self) -> None:
        """Renew the headers that say the time, as uvicorn's own loop does ten times as often."""
        while True:
            await self._server.on_tick(0)
            await asyncio.sleep(1)


@contextlib.contextmanager
def stop_event(*, exit_with_parent: bool) -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM and SIGINT set, and the end of standard input where asked.

    Args:
        exit_with_parent: stop when standard input ends: a parent that holds its other end and
            dies, however it dies, takes this process along.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    if exit_with_parent:
        watcher = threading.Thread(target=_wait_for_parent, args=(loop, stop), daemon=True)
        watcher.start()
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _wait_for_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read standard input to its end, then stop; a broken input has ended too."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop may be closed already
        loop.call_soon_threadsafe(stop.set)
