from __future__ import annotations

import httpx2
import pytest
from tests.alerting.loopback import HttpReceiver
from tests.alerting.message import KEY, notification
from tests.ledger.incident import firing, resolved

from sakshi.alerting import RefusedError, Secret, WebhookConfig
from sakshi.alerting.webhook import WebhookNotifier

EXTERNAL_URL = "http://localhost:9090"


async def test_the_document_is_alertmanagers_version_4(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport
) -> None:
    """Every key of it, and no other."""
    notifier = WebhookNotifier(
        WebhookConfig(url=Secret(f"{http.url}/hook")), transport, EXTERNAL_URL
    )
    still, over = firing(session="1"), resolved(firing(session="2"))

    await notifier.notify(notification(still, over))

    (request,) = http.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == KEY
    assert request.document == {
        "version": "4",
        "groupKey": '{}/{severity="warning"}:{alertname="HighResponseTime"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "team",
        "groupLabels": {"alertname": "HighResponseTime"},
        "commonLabels": {"alertname": "HighResponseTime", "severity": "warning"},
        "commonAnnotations": {"summary": "HighResponseTime is wrong"},
        "externalURL": "http://localhost:9090",
        "alerts": [
            {
                "status": "firing",
                "labels": {
                    "alertname": "HighResponseTime",
                    "session": "1",
                    "severity": "warning",
                },
                "annotations": {"summary": "HighResponseTime is wrong"},
                "startsAt": "2023-11-14T22:13:20.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": f"http://localhost:9090/#alert={still.fingerprint}",
                "fingerprint": still.fingerprint,
            },
            {
                "status": "resolved",
                "labels": {
                    "alertname": "HighResponseTime",
                    "session": "2",
                    "severity": "warning",
                },
                "annotations": {"summary": "HighResponseTime is wrong"},
                "startsAt": "2023-11-14T22:13:20.000Z",
                "endsAt": "2023-11-14T22:14:20.000Z",
                "generatorURL": f"http://localhost:9090/#alert={over.fingerprint}",
                "fingerprint": over.fingerprint,
            },
        ],
    }


async def test_more_alerts_than_allowed_are_cut_off_and_counted(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport
) -> None:
    """The common labels are still those of all."""
    config = WebhookConfig(url=Secret(http.url), max_alerts=2)
    alerts = [firing(session=f"{number}") for number in range(5)]

    await WebhookNotifier(config, transport, EXTERNAL_URL).notify(notification(*alerts))

    document = http.requests[0].document
    assert len(document["alerts"]) == 2
    assert document["truncatedAlerts"] == 3
    assert "session" not in document["commonLabels"]


async def test_a_user_in_the_url_is_basic_authentication(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport
) -> None:
    """As any client of HTTP does it."""
    url = Secret(f"http://user:pass@127.0.0.1:{http.port}/hook?token=1")

    await WebhookNotifier(WebhookConfig(url=url), transport, EXTERNAL_URL).notify(notification())

    (request,) = http.requests
    assert request.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert request.path == "/hook?token=1"


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://example.org/", "http://", "http://\x00", "file:///"]
)
async def test_a_url_that_is_none_is_refused(
    url: str, transport: httpx2.AsyncHTTPTransport
) -> None:
    """It is said, and not shown."""
    notifier = WebhookNotifier(WebhookConfig(url=Secret(url)), transport, EXTERNAL_URL)

    with pytest.raises(RefusedError, match=r"^the URL is none") as refusal:
        await notifier.notify(notification())

    assert url not in str(refusal.value)
