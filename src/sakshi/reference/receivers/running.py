"""All receivers together, opened and closed as one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from sakshi.model.clock import Clock
from sakshi.reference.receivers.application import HttpReceivers
from sakshi.reference.receivers.email import SmtpReceiver
from sakshi.reference.receivers.message import OnMessage
from sakshi.reference.server import HttpServer, bind


class Receivers:
    """Listens from `__aenter__` to `__aexit__`.

    Args:
        on_message: called on the event loop with (kind, summary, payload, received_at).
        clock: when a message came.
        host: where to listen.
        smtp_port: of the SMTP server; 0 takes a free one.
        http_port: of the HTTP receivers; 0 takes a free one.

    Raises:
        PortTakenError: another program listens on one of the ports.
    """

    def __init__(
        self,
        on_message: OnMessage,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        smtp_port: int = 0,
        http_port: int = 0,
    ) -> None:
        smtp_listener = bind(host, smtp_port)
        try:
            http_listener = bind(host, http_port)
        except BaseException:
            smtp_listener.close()
            raise
        self._smtp = SmtpReceiver(smtp_listener, on_message, clock)
        self._http = HttpServer(HttpReceivers(on_message, clock).application(), http_listener)
        self._stack = AsyncExitStack()

    @property
    def smtp_address(self) -> tuple[str, int]:
        """Return host and port of the SMTP server."""
        return self._smtp.address

    @property
    def slack_url(self) -> str:
        """Return the URL of the Slack webhook; a further path segment may name the channel."""
        return f"{self._http.url}/slack"

    @property
    def pagerduty_url(self) -> str:
        """Return the URL of PagerDuty's Events v2."""
        return f"{self._http.url}/v2/enqueue"

    @property
    def webhook_url(self) -> str:
        """Return the URL that takes any JSON object."""
        return f"{self._http.url}/webhook"

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._smtp)
        await self._stack.enter_async_context(self._http)
        return self

    async def __aexit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
