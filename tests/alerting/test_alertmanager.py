"""A real Alertmanager on the other side: sakshi sends what it sends, and takes its refusals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.alerting.alertmanagers import Told, entry, until
from tests.alerting.loopback import HttpReceiver
from tests.conftest import FakeClock
from tests.peers import find_peer

from sakshi.alerting import Notification
from sakshi.alerting.alertmanager import AlertingConfig
from sakshi.alerting.webhook import webhook_payload
from sakshi.ledger import Destination
from sakshi.model.alert import Alert, AlertState
from sakshi.model.clock import SystemClock, format_timestamp
from sakshi.model.labels import Labels

pytestmark = pytest.mark.slow

LABELS = {"alertname": "HighResponseTime", "severity": "warning", "zone": 'å "b"\n'}
ANNOTATIONS = {"summary": "High response times detected", "description": "3400ms"}
ACTIVE_AT_MS = 1_700_000_000_123
START_SECONDS_MAX = 30.0

CONFIG = """\
route: {{receiver: team, group_by: [alertname], group_wait: 0s}}
receivers:
  - name: team
    webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook'}}]
"""


@contextlib.asynccontextmanager
async def alertmanager(folder: Path, sink_port: int) -> AsyncIterator[httpx2.AsyncClient]:
    """Run an Alertmanager that tells the sink; yields a client of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(port=sink_port))
    arguments = [f"--config.file={config}", f"--storage.path={folder / 'data'}"]
    arguments += [f"--web.listen-address={address}", "--cluster.listen-address="]
    process = await asyncio.create_subprocess_exec(
        find_peer("prometheus-alertmanager"),
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            async with asyncio.timeout(START_SECONDS_MAX):
                await until_ready(client)
            yield client
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_ready(client: httpx2.AsyncClient) -> None:
    while True:
        with contextlib.suppress(httpx2.TransportError):
            if (await client.get("/-/ready")).is_success:
                return
        await asyncio.sleep(0.05)


def without_addresses(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what names the sender; everything else must be the same."""
    alerts = [{**alert, "generatorURL": ""} for alert in document["alerts"]]
    return {**document, "externalURL": "", "alerts": alerts}


async def test_the_webhooks_document_is_the_one_that_alertmanager_sends(
    http: HttpReceiver, tmp_path: Path
) -> None:
    """Same keys, same values, same fingerprint, same group key."""
    alert = Alert(
        "file;group;rule",
        Labels(LABELS),
        Labels(ANNOTATIONS),
        AlertState.FIRING,
        3400.0,
        ACTIVE_AT_MS,
        fired_at_ms=ACTIVE_AT_MS,
    )
    group_labels = Labels({"alertname": LABELS["alertname"]})
    destination = Destination("team", "webhook[0]", "{}", group_labels)
    ours = webhook_payload(Notification(destination, (alert,), "key"), "http://sakshi")

    async with alertmanager(tmp_path, http.port) as client:
        body = [
            {
                "labels": LABELS,
                "annotations": ANNOTATIONS,
                "startsAt": format_timestamp(ACTIVE_AT_MS),
                "generatorURL": "http://prometheus",
            }
        ]
        answer = await client.post("/api/v2/alerts", json=body)
        assert answer.is_success, answer.text
        async with asyncio.timeout(START_SECONDS_MAX):
            await http.has_request.wait()

    theirs = json.loads(http.requests[0].body)
    for name in ("startsAt", "endsAt"):
        assert theirs["alerts"][0][name].startswith(ours["alerts"][0][name].rstrip("Z"))
        theirs["alerts"][0][name] = ours["alerts"][0][name]
    assert without_addresses(ours) == without_addresses(theirs)


def refused(told: Told) -> int:
    return sum(status.refused for status in told.alertmanagers.active())


async def test_an_alert_that_alertmanager_cannot_have_holds_back_no_other(tmp_path: Path) -> None:
    """Before 0.27 it refuses label names with a space, and with them the whole post."""
    clock = FakeClock(SystemClock().now_ms())
    async with alertmanager(tmp_path, 9) as client:
        config = AlertingConfig(alertmanagers=[entry(client.base_url.port or 0)])
        async with Told(tmp_path / "alerts.db", clock, config) as told:
            told.fire("Bad", **{"zone of": "x"})
            await until(lambda: refused(told) == 1)
            told.fire("A", "B", zone="x")
            told.fire("Worse", **{"zone of": "y"})
            await until(lambda: refused(told) == 2)
            shown = (await client.get("/api/v2/alerts")).json()

            assert sorted(alert["labels"]["alertname"] for alert in shown) == ["A", "B"]
            assert told.alertmanagers.active()[0].last_error == ""
