"""What every integration promises: accepted, retryable or refused, and never a secret in the error.

Each one talks to a real server on loopback that does what real receivers do on bad days.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from tests.alerting.loopback import Behaviour, Reply, http_receiver, mail_receiver
from tests.conftest import FakeClock
from tests.ledger.incident import firing, resolved

from sakshi.alerting import (
    EmailConfig,
    GlobalConfig,
    Notification,
    Notifier,
    PagerDutyConfig,
    RefusedError,
    RetryableError,
    Secret,
    SlackConfig,
    TemplateSet,
    WebhookConfig,
)
from sakshi.alerting.email import EmailNotifier
from sakshi.alerting.pagerduty import PagerDutyNotifier
from sakshi.alerting.slack import SlackNotifier
from sakshi.alerting.webhook import WebhookNotifier
from sakshi.ledger import Destination
from sakshi.model.alert import Alert
from sakshi.model.labels import Labels

KINDS = ("email", "slack", "pagerduty", "webhook")
SECRET = "hunter2-hunter2"
EXTERNAL_URL = "http://localhost:9090"

Told = Callable[[], list[str]]


@dataclass
class Bench:
    """One integration and its receiver.

    Args:
        fails: makes the next message fail in a way of this name.
        accepted: the messages that the receiver accepted, each as one text with all of it.
        keys: the stable key of every message that reached the receiver, accepted or not.
        has_request: set when a message has reached the receiver.
    """

    kind: str
    notifier: Notifier
    fails: Callable[[str], None]
    accepted: Told
    keys: Told
    has_request: asyncio.Event


HTTP_FAULTS: dict[str, Reply | Behaviour] = {
    "busy": Reply(429, "slow down", [("Retry-After", "7")]),
    "broken": Reply(503, f"no luck with {SECRET}"),
    "refusing": Reply(400, f"bad {SECRET}"),
    "hanging up": Behaviour.HANG_UP,
    "hanging": Behaviour.HANG,
    "redirecting": Reply(302, "", [("Location", "http://127.0.0.1:9/")]),
}
MAIL_FAULTS: dict[str, str | Behaviour] = {
    "busy": "451 slow down",
    "broken": f"421 no luck with {SECRET}",
    "refusing": f"554 bad {SECRET}",
    "hanging up": Behaviour.HANG_UP,
    "hanging": Behaviour.HANG,
    "redirecting": "551 try somewhere else",
}


@asynccontextmanager
async def open_bench(kind: str, clock: FakeClock) -> AsyncIterator[Bench]:
    templates = TemplateSet([], clock, EXTERNAL_URL)
    async with AsyncExitStack() as stack:
        if kind == "email":
            server = await stack.enter_async_context(mail_receiver())
            email = EmailConfig(
                ("a@example.org", "b@example.org"),
                from_="sakshi@example.org",
                smarthost=server.address,
                require_tls=False,
                auth_password=Secret(SECRET),
                template="critical-alert-template",
            )
            yield Bench(
                kind,
                EmailNotifier(email.completed(GlobalConfig()), templates, clock),
                lambda name: server.data_script.append(MAIL_FAULTS[name]),
                lambda: [
                    f"{mail.message['Subject']}\n{mail.part('plain')}" for mail in server.mails
                ],
                lambda: [str(message["Message-ID"]) for message in server.attempts],
                server.has_request,
            )
            return
        accepting = Reply(202, '{"status": "success"}') if kind == "pagerduty" else Reply()
        receiver = await stack.enter_async_context(http_receiver(accepting))
        transport = await stack.enter_async_context(httpx2.AsyncHTTPTransport())
        key_of, notifier = http_notifier(kind, receiver.url, transport, templates)
        statuses: list[bool] = []

        def fail(name: str) -> None:
            statuses.extend([True] * (len(receiver.requests) - len(statuses)) + [False])
            receiver.script.append(HTTP_FAULTS[name])

        def accepted() -> list[str]:
            taken = statuses + [True] * (len(receiver.requests) - len(statuses))
            pairs = zip(receiver.requests, taken, strict=True)
            return [request.body.decode() for request, is_taken in pairs if is_taken]

        def keys() -> list[str]:
            return list(map(key_of, receiver.requests))

        yield Bench(kind, notifier, fail, accepted, keys, receiver.has_request)


def http_notifier(
    kind: str, url: str, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> tuple[Callable[[Any], str], Notifier]:
    """Return how to find a message's key, and an integration."""
    secret_url = Secret(f"{url}/services/{SECRET}")
    if kind == "slack":
        slack = SlackConfig(api_url=secret_url, channel="#alerts")
        return slack_key, SlackNotifier(slack, transport, templates)
    if kind == "pagerduty":
        pager = PagerDutyConfig(routing_key=Secret(SECRET), url=f"{url}/v2/enqueue")
        return (
            lambda request: str(request.document["dedup_key"]),
            PagerDutyNotifier(pager, transport, templates),
        )
    webhook = WebhookConfig(url=secret_url)
    return (
        lambda request: str(request.headers["idempotency-key"]),
        WebhookNotifier(webhook, transport, EXTERNAL_URL),
    )


def slack_key(request: Any) -> str:
    (attachment,) = request.document["attachments"]
    return str(attachment["callback_id"])


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[Bench]:
    async with open_bench(request.param, clock) as bench:
        yield bench


def notification(*alerts: Alert) -> Notification:
    destination = Destination("team", "x[0]", "{}", Labels({"alertname": "HighResponseTime"}))
    return Notification(destination, alerts or (firing(session="1"),), key="0123456789abcdef" * 2)


async def test_a_message_that_is_accepted_returns(bench: Bench) -> None:
    """The receiver has it, and it says what is wrong."""
    await bench.notifier.notify(notification())

    (text,) = bench.accepted()
    assert "HighResponseTime is wrong" in text


async def test_a_resolved_message_says_so(bench: Bench) -> None:
    """Nobody takes an all-clear for an alarm."""
    await bench.notifier.notify(notification(resolved(firing())))

    (text,) = bench.accepted()
    assert "resolve" in text.lower()


@pytest.mark.parametrize("fault", ["busy", "broken", "hanging up"])
async def test_a_passing_fault_is_retryable_and_the_retry_has_the_same_key(
    bench: Bench, fault: str
) -> None:
    """Too many requests, a broken server, a lost connection: later it works, with the same key."""
    bench.fails(fault)

    with pytest.raises(RetryableError):
        await bench.notifier.notify(notification())
    assert bench.accepted() == []
    await bench.notifier.notify(notification())

    assert len(bench.accepted()) == 1
    first, second = bench.keys()
    assert first == second


@pytest.mark.parametrize("fault", ["refusing", "redirecting"])
async def test_a_lasting_refusal_is_refused(bench: Bench, fault: str) -> None:
    """The receiver will never take it; a redirect is not followed."""
    bench.fails(fault)

    with pytest.raises(RefusedError):
        await bench.notifier.notify(notification())

    assert len(bench.keys()) == 1


async def test_a_receiver_that_hangs_can_be_given_up(bench: Bench, clock: FakeClock) -> None:
    """Cancelling ends the attempt at once, and the next one works."""
    bench.fails("hanging")
    attempt = asyncio.ensure_future(bench.notifier.notify(notification()))
    await bench.has_request.wait()

    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await bench.notifier.notify(notification())

    assert len(bench.accepted()) == 1


@pytest.mark.parametrize("fault", ["busy", "broken", "refusing", "hanging up"])
async def test_no_secret_is_in_an_error_or_a_log_line(
    bench: Bench, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where the receiver repeats it, nor through the libraries' own log lines."""
    caplog.set_level(logging.DEBUG)
    bench.fails(fault)

    with pytest.raises((RetryableError, RefusedError)) as failure:
        await bench.notifier.notify(notification())

    assert SECRET not in str(failure.value)
    ours = [record for record in caplog.records if record.name != "mail.log"]  # the server's own
    assert SECRET not in "\n".join(record.getMessage() for record in ours)


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listening_is_retryable(kind: str, clock: FakeClock) -> None:
    """A receiver that is down now may be up later."""
    async with open_bench(kind, clock) as bench:
        notifier = bench.notifier

    with pytest.raises(RetryableError):
        await notifier.notify(notification())


HOSTILE = replace(
    firing(
        "<script>alert(1)</script>\r\nBcc: everyone@example.org",
        user="\x00\x07\U0001f525\u202e" + '"; drop table alert; --',
        html="</p><img src=x onerror=alert(1)>",
        mention="<!channel> <@U1> & more",
        braces="{{ .Foo }} {{ template `x` }}",
    ),
    annotations=Labels({"summary": "half a pair \ud800\nand a second line"}),
)
HUGE = replace(firing(), annotations=Labels({"summary": "x" * 10**6, "description": "y" * 10**6}))


@pytest.mark.parametrize(
    "alerts",
    [
        pytest.param([HOSTILE], id="hostile text"),
        pytest.param([HUGE], id="two megabytes of annotations"),
        pytest.param([firing(session=f"{n}") for n in range(1000)], id="a thousand alerts"),
        pytest.param([replace(firing(), value=float("nan"))], id="no number"),
        pytest.param([replace(firing(), labels=Labels({"alertname": "x"}))], id="few labels"),
        pytest.param([replace(firing(), annotations=Labels())], id="no annotations"),
        pytest.param([replace(firing(), fired_at_ms=10**17)], id="a year that no calendar has"),
    ],
)
@pytest.mark.parametrize("is_plain", [False, True])
async def test_any_alert_can_be_told(bench: Bench, alerts: list[Alert], is_plain: bool) -> None:
    """Whatever stands in labels and annotations, the message goes out."""
    message = replace(notification(*alerts), is_plain=is_plain)

    await bench.notifier.notify(message)

    assert len(bench.accepted()) == 1
