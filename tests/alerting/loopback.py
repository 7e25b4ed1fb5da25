"""Receivers on loopback: HTTP and SMTP servers that keep what they get, and do as they are told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Behaviour(Enum):
    """How a server fails without a word."""

    HANG = "reads the request and never answers"
    HANG_UP = "reads the request and closes the connection"


@dataclass(frozen=True)
class Reply:
    """What the HTTP server answers."""

    status: int = 200
    body: str = "ok"
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Request:
    """What the HTTP server was sent. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpReceiver:
    """Answers by its script, then with its usual reply."""

    usual: Reply = field(default_factory=Reply)
    script: deque[Reply | Behaviour] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    has_request: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Request(method, path, headers, body))
        self.has_request.set()
        reply = self.script.popleft() if self.script else self.usual
        if reply is Behaviour.HANG:
            await reader.read()  # until the client gives up
            return False
        if isinstance(reply, Behaviour):
            return False
        content = reply.body.encode()
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await writer.drain()
        return True


@asynccontextmanager
async def http_receiver(usual: Reply | None = None) -> AsyncIterator[HttpReceiver]:
    """Give an HTTP server on a free port of loopback."""
    receiver = HttpReceiver(usual or Reply())
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(receiver.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class Mail:
    """What the SMTP server accepted."""

    sender: str
    recipients: Sequence[str]
    message: EmailMessage
    user: str = ""
    is_encrypted: bool = False

    def part(self, kind: str) -> str:
        """Return the text of the part `plain` or `html`."""
        body = self.message.get_body((kind,))
        assert body is not None
        content = body.get_content()
        assert isinstance(content, str)
        return content


@dataclass
class MailReceiver:
    """Answers to RCPT and to the data by its scripts, then accepts."""

    recipient_replies: dict[str, deque[str]] = field(default_factory=dict)
    data_script: deque[str | Behaviour] = field(default_factory=deque)
    goodbye: str = "221 Bye"
    mails: list[Mail] = field(default_factory=list)
    attempts: list[EmailMessage] = field(default_factory=list)
    port: int = 0
    has_request: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        replies = self.recipient_replies.get(address)
        if replies:
            return replies.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.goodbye

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.attempts.append(message)
        self.has_request.set()
        reply = self.data_script.popleft() if self.data_script else "250 OK"
        if reply is Behaviour.HANG:
            await self.hanging.wait()
        if reply is Behaviour.HANG_UP:
            abort(server)
        if isinstance(reply, Behaviour):
            return "250 too late"
        if reply.startswith("250"):
            user = session.auth_data.login.decode() if session.auth_data else ""
            assert envelope.mail_from is not None
            mail = Mail(
                envelope.mail_from, envelope.rcpt_tos, message, user, session.ssl is not None
            )
            self.mails.append(mail)
        return reply


def abort(session: SMTP) -> None:
    """Close a session's connection without a word."""
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()


@asynccontextmanager
async def mail_receiver(
    tls: ssl.SSLContext | None = None, password: str | None = None
) -> AsyncIterator[MailReceiver]:
    """Give an SMTP server on a free port of loopback.

    Args:
        tls: where given, STARTTLS is offered.
        password: where given, a login is required.
    """
    receiver = MailReceiver()
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def authenticate(*arguments: object) -> AuthResult:
        data = arguments[-1]
        assert isinstance(data, LoginPassword)
        is_right = password is not None and data.password == password.encode()
        return AuthResult(success=is_right, auth_data=data, handled=False)

    def session() -> SMTP:
        smtp = SMTP(
            receiver,
            hostname="loopback",
            loop=loop,
            enable_SMTPUTF8=True,
            tls_context=tls,
            authenticator=authenticate if password is not None else None,
            auth_required=password is not None,
            auth_require_tls=True,
        )
        sessions.append(smtp)
        return smtp

    server = await loop.create_server(session, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.hanging.set()
        server.close()
        for smtp in sessions:
            abort(smtp)
        await asyncio.sleep(0)
