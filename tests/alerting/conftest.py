from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.alerting.loopback import HttpReceiver, MailReceiver, http_receiver, mail_receiver
from tests.conftest import FakeClock

from sakshi.alerting import TemplateSet

DATA = Path(__file__).parent / "data"


@pytest.fixture
def templates(clock: FakeClock) -> TemplateSet:
    return TemplateSet([], clock, "http://localhost:9090/")


@pytest.fixture
async def transport() -> AsyncIterator[httpx2.AsyncHTTPTransport]:
    async with httpx2.AsyncHTTPTransport() as transport:
        yield transport


@pytest.fixture
async def http() -> AsyncIterator[HttpReceiver]:
    async with http_receiver() as receiver:
        yield receiver


@pytest.fixture
async def mail() -> AsyncIterator[MailReceiver]:
    async with mail_receiver() as receiver:
        yield receiver


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(DATA / "loopback-certificate.pem", DATA / "loopback-key.pem")
    return context


@pytest.fixture
def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(DATA / "loopback-certificate.pem"))
