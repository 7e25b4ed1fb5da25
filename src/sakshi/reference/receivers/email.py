"""A local SMTP server that parses each message it is sent."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from sakshi.model.clock import Clock
from sakshi.reference.receivers.message import OnMessage

MESSAGE_BYTES_MAX = 2_000_000


class SmtpReceiver:
    """Takes e-mail from `__aenter__` to `__aexit__`.

    Args:
        listener: a listening socket; it is closed with the receiver.
        on_message: called for each message that was accepted.
        clock: when it came.
    """

    def __init__(self, listener: socket.socket, on_message: OnMessage, clock: Clock) -> None:
        self._listener = listener
        self._on_message = on_message
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._protocols: list[SMTP] = []

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take one message; called by aiosmtpd."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        payload = {
            "from": envelope.mail_from or "",
            "to": list(envelope.rcpt_tos),
            "subject": str(message["subject"] or ""),
            "message_id": str(message["message-id"] or ""),
            "text": _part(message, "plain"),
            "html": _part(message, "html"),
        }
        summary = f"{payload['subject']} (to {', '.join(envelope.rcpt_tos)})"
        self._on_message("email", summary, payload, self._clock.now_ms())
        return "250 OK"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=self._listener)
        return self

    async def __aexit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for protocol in self._protocols:
            if protocol.transport is not None:
                protocol.transport.close()
        await self._server.wait_closed()

    def _protocol(self) -> Any:
        protocol = SMTP(
            self, hostname="localhost", ident="receiver", data_size_limit=MESSAGE_BYTES_MAX
        )
        self._protocols = [p for p in self._protocols if p.transport is not None]
        self._protocols.append(protocol)
        return protocol


def _part(message: EmailMessage, subtype: str) -> str:
    """Return the body of a subtype of text; empty where there is none."""
    part = message.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
