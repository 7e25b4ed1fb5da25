"""What Alertmanagers are told, and when: on real sockets, from a real ledger, in virtual time."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.alerting.alertmanagers import (
    HANG,
    HANG_UP,
    ScriptedAlertmanager,
    Told,
    entry,
    scripted_alertmanager,
    until,
)
from tests.alerting.loopback import Reply
from tests.conftest import FakeClock

from sakshi import __version__
from sakshi.alerting.alertmanager import AlertingConfig, AlertmanagerStatus
from sakshi.model.secret import Secret
from sakshi.scrape import FileDiscoveryConfig, HttpConfig, RelabelAction, RelabelRule
from sakshi.scrape.credentials import BasicAuth, ExtraHeader

FIRING, RESOLVED = "firing", "resolved"
MINUTE = 60.0


@pytest.fixture
async def am() -> AsyncIterator[ScriptedAlertmanager]:
    async with scripted_alertmanager() as receiver:
        yield receiver


@pytest.fixture
async def told(am: ScriptedAlertmanager, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Told]:
    config = AlertingConfig(alertmanagers=[entry(am)])
    async with Told(tmp_path / "alerts.db", clock, config) as told:
        await until(lambda: told.alertmanagers.active())
        yield told


async def test_a_change_is_told_at_once(told: Told, am: ScriptedAlertmanager) -> None:
    """No timer has to run out; the document is Alertmanager's."""
    told.fire("A", zone="x")
    await told.posted(am, 1)
    told.resolve("A")
    await told.posted(am, 2)

    assert am.posts == [{"A": FIRING}, {"A": RESOLVED}]
    assert am.requests[0].path == "/api/v2/alerts"
    assert am.requests[0].headers["content-type"] == "application/json"
    assert am.requests[0].document == [
        {
            "labels": {"alertname": "A", "zone": "x"},
            "annotations": {"summary": "A is wrong"},
            "startsAt": "2023-11-14T22:13:20.000Z",
            "endsAt": "2023-11-16T22:13:20.000Z",
            "generatorURL": "http://sakshi:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        }
    ]


async def test_what_fires_is_told_again_each_minute(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """So that an Alertmanager that was restarted knows everything within a minute; no sooner."""
    told.fire("A")
    await told.posted(am, 1)
    await clock.advance(59.9)
    told.fire("B")
    await told.posted(am, 2)
    await clock.advance(0.2)
    await told.posted(am, 3)
    await clock.advance(MINUTE)
    await until(lambda: len(am.requests) == 5)

    assert am.posts == [{"A": FIRING}, {"B": FIRING}, {"A": FIRING}, {"B": FIRING}, {"A": FIRING}]


async def test_a_resolution_is_told_again_for_15_minutes(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """As Prometheus does it; then it lapses, although the ledger may still list it."""
    told.fire("A")
    await told.posted(am, 1)
    told.resolve("A")
    await told.posted(am, 2)
    for minute in range(15):
        await clock.advance(MINUTE)
        await told.posted(am, 3 + minute)
    await clock.advance(5 * MINUTE)
    await told.posted(am, 17)

    assert am.posts == [{"A": FIRING}, *[{"A": RESOLVED}] * 16]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        pytest.param(Reply(500, "oh no"), "HTTP status 500 X: oh no", id="5xx"),
        pytest.param(Reply(429), "HTTP status 429 X: ok", id="too many"),
        pytest.param(Reply(401), "HTTP status 401 X: ok", id="unauthorized"),
        pytest.param(Reply(404), "HTTP status 404 X: ok", id="not there"),
        pytest.param(Reply(303, "", [("Location", "/")]), "HTTP status 303 X", id="elsewhere"),
        pytest.param(HANG_UP, "connection closed before a response", id="hangs up"),
    ],
)
async def test_what_failed_is_tried_again_with_growing_pauses(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock, failure: Reply, error: str
) -> None:
    """After 1, 2, 4 ... seconds, 60 at most; then with what has come meanwhile."""
    am.script.extend([failure] * 9)
    told.fire("A")
    await told.posted(am, 1)
    told.fire("B")
    for number, pause in enumerate([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0], start=1):
        await clock.advance(pause - 0.1)
        await told.posted(am, number)
        [status] = told.alertmanagers.active()
        assert (status.last_error, status.waiting) == (error, 1 if number == 1 else 2)
        await clock.advance(0.1)
        await told.posted(am, number + 1)
    await clock.advance(MINUTE)
    await told.posted(am, 10)

    assert am.posts == [{"A": FIRING}, *[{"A": FIRING, "B": FIRING}] * 9]
    [status] = told.alertmanagers.active()
    assert status == AlertmanagerStatus(f"{am.url}/api/v2/alerts", 0, 0, clock.now_ms())


async def test_an_alertmanager_that_asks_for_an_hour_is_asked_within_a_minute(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """Retry-After is honoured, up to the longest pause."""
    am.script.append(Reply(503, "", [("Retry-After", "3600")]))
    told.fire("A")
    await told.posted(am, 1)
    await clock.advance(59.9)
    await told.posted(am, 1)
    await clock.advance(0.1)
    await told.posted(am, 2)


async def test_one_bad_alert_holds_back_no_other(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused post is halved until the bad one is alone; it is named once, then told alone."""
    names = [f"A{number}" for number in range(8)]
    am.bad = {"A5"}
    told.fire(*names)
    await told.posted(am, 7)
    accepted = [post for post in am.posts if "A5" not in post]
    refused = [len(post) for post in am.posts if "A5" in post]
    await clock.advance(MINUTE)
    await told.posted(am, 8)
    await clock.advance(4 * MINUTE)
    await until(lambda: {"A5": FIRING} in am.posts[8:])

    assert sorted(name for post in accepted for name in post) == [*names[:5], *names[6:]]
    assert refused == [8, 4, 2, 1]
    assert sorted(am.posts[7]) == [*names[:5], *names[6:]]
    assert all(len(post) == 1 for post in am.posts[8:] if "A5" in post)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        f"alert refused alertmanager={am.url}/api/v2/alerts state=firing "
        'labels={alertname="A5"} error=HTTP status 400 X: "bad label name"'
    ]
    [status] = told.alertmanagers.active()
    assert (status.refused, status.last_error) == (1, "")


async def test_posts_hold_256_alerts_at_most(told: Told, am: ScriptedAlertmanager) -> None:
    """As Prometheus' do."""
    told.fire(*(f"A{number}" for number in range(600)))
    await told.posted(am, 3)

    assert [len(post) for post in am.posts] == [256, 256, 88]


async def test_one_that_hangs_delays_no_other(
    am: ScriptedAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    """Each Alertmanager has a feed of its own; one that is not there at all is none the worse."""
    async with scripted_alertmanager() as hanging, scripted_alertmanager() as gone:
        pass
    async with scripted_alertmanager() as hanging:
        hanging.script.append(HANG)
        config = AlertingConfig(alertmanagers=[entry(hanging, gone.port), entry(am)])
        async with Told(tmp_path / "alerts.db", clock, config) as told:
            told.fire("A")
            await told.posted(am, 1)
            told.resolve("A")
            await told.posted(am, 2)

            assert hanging.posts == [{"A": FIRING}]
            assert am.posts == [{"A": FIRING}, {"A": RESOLVED}]
            await until(lambda: told.alertmanagers.active()[1].last_error)
            assert told.alertmanagers.active()[1].last_error == "connection refused"


async def test_a_resolution_is_owed_until_it_is_accepted(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """However long the Alertmanager was away, and although the rules have forgotten the alert."""
    told.fire("A")
    await told.posted(am, 1)
    am.script.extend([Reply(500)] * 1000)
    told.resolve("A")
    await until(lambda: len(am.requests) > 1)
    ended_ms = clock.now_ms() + 20 * 60_000
    await told.passing(lambda: clock.now_ms() > ended_ms, MINUTE)
    told.forget("A")
    told.fire("B")
    am.script.clear()
    before = len(am.requests)
    await clock.advance(MINUTE)
    await until(lambda: len(am.requests) > before)

    assert am.posts[-1] == {"A": RESOLVED, "B": FIRING}
    assert told.ledger.alerts()[0].name == "B"
    await until(lambda: not told.ledger.owed_resolutions(f"{am.url}/api/v2/alerts").owed)
    count = len(am.requests)
    await clock.advance(2 * MINUTE)
    await until(lambda: len(am.requests) >= count + 2)
    assert {"A": RESOLVED} not in am.posts[count:]


async def test_a_resolution_is_owed_across_a_restart(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """Neither sakshi nor the Alertmanager was there when the other was; it is told all the same."""
    told.fire("A")
    await told.posted(am, 1)
    am.script.extend([Reply(500)] * 1000)
    told.resolve("A")
    await told.posted(am, 2)
    told.forget("A")
    await told.stop()
    clock.move(3_600_000)
    am.script.clear()
    told.start()
    await told.posted(am, 3)

    assert am.posts[-1] == {"A": RESOLVED}
    url = f"{am.url}/api/v2/alerts"
    await until(lambda: not told.ledger.owed_resolutions(url).owed)
    await told.stop()
    told.start()
    await clock.advance(2 * MINUTE)
    await told.posted(am, 3)


async def test_what_fires_is_told_after_a_restart(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """At once if it is still valid, else as soon as its rule has been evaluated again."""
    told.fire("A")
    await told.posted(am, 1)
    await told.stop()
    clock.move(3_600_000)
    told.start()
    await told.posted(am, 2)
    await told.stop()
    told.evaluated_ms, told.interval_ms = clock.now_ms(), 1000
    clock.move(4 * 60_000)
    told.start()
    await clock.advance(10 * MINUTE)
    await told.posted(am, 2)
    told.evaluated_ms = clock.now_ms()
    told.alertmanagers.evaluated()
    await told.posted(am, 3)

    [alert] = am.requests[-1].document
    assert alert["endsAt"] == "2023-11-14T23:31:20.000Z"  # the evaluation and four minutes


async def test_an_alert_that_fires_again_is_not_resolved(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """An older resolution is owed no more once something newer must be said."""
    told.fire("A")
    await told.posted(am, 1)
    am.script.append(Reply(500))
    told.resolve("A")
    await told.posted(am, 2)
    clock.move(100)
    told.fire("A")
    await clock.advance(1.0)
    await told.posted(am, 3)

    assert am.posts[-1] == {"A": FIRING}
    assert told.ledger.owed_resolutions(f"{am.url}/api/v2/alerts").owed == []


async def test_it_is_spoken_to_as_the_configuration_says(
    am: ScriptedAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    """With credentials and headers, below the prefix."""
    http = HttpConfig(
        credentials=BasicAuth(Secret("me"), Secret("geheim")),
        headers=[ExtraHeader("X-Scope-OrgID", (Secret("team"),))],
    )
    config = AlertingConfig(alertmanagers=[entry(am, http=http, path_prefix="/am")])
    async with Told(tmp_path / "alerts.db", clock, config) as told:
        told.fire("A")
        await until(lambda: am.requests)

    [request] = am.requests
    assert request.path == "/am/api/v2/alerts"
    assert request.headers["authorization"] == "Basic bWU6Z2VoZWlt"
    assert request.headers["x-scope-orgid"] == "team"
    assert request.headers["user-agent"] == f"sakshi/{__version__}"


async def test_a_ledger_that_refuses_stops_no_alert(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What fires and what was just resolved is told; what is owed is settled once it can be."""
    caplog.set_level(logging.INFO, "sakshi")
    await told.stop()
    told.starts_failing = True
    told.start()
    told.fire("A")
    await told.posted(am, 1)
    told.resolve("A")
    await told.posted(am, 2)
    told.ledger.is_failing = False
    await clock.advance(MINUTE)
    await told.posted(am, 3)
    told.fire("B")
    await told.posted(am, 4)
    told.resolve("B")
    await told.posted(am, 5)

    assert am.posts == [
        {"A": FIRING},
        {"A": RESOLVED},
        {"A": RESOLVED},
        {"B": FIRING},
        {"B": RESOLVED},
    ]
    url = f"{am.url}/api/v2/alerts"
    await until(lambda: not told.ledger.owed_resolutions(url).owed)
    assert [record.message for record in caplog.records] == [
        f"what was told cannot be kept alertmanager={url} error=disk is full",
        f"what was told can be kept again alertmanager={url}",
    ]


async def test_labels_are_added_and_changed_on_the_way(
    am: ScriptedAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    """External labels first, where there is none; then the rules for all, then those for one."""
    drop = RelabelRule(RelabelAction.DROP, ["alertname"], regex="Quiet")
    site = RelabelRule(source_labels=["site"], target_label="place")
    only = RelabelRule(RelabelAction.LABEL_DROP, regex="site")
    async with scripted_alertmanager() as other:
        entries = [entry(am), entry(other, alert_relabel_rules=[only])]
        config = AlertingConfig([drop, site], entries)
        told = Told(tmp_path / "alerts.db", clock, config)
        told.external_labels = {"site": "berlin", "zone": "none"}
        async with told:
            told.fire("Quiet", "A", zone="x")
            await told.posted(am, 1)
            await told.posted(other, 1)

            labels = {"alertname": "A", "place": "berlin", "zone": "x"}
            assert [alert["labels"] for alert in am.requests[0].document] == [
                {**labels, "site": "berlin"}
            ]
            assert [alert["labels"] for alert in other.requests[0].document] == [labels]
            told.resolve("Quiet")
            url = f"{am.url}/api/v2/alerts"
            await until(lambda: not told.ledger.owed_resolutions(url).owed)


async def test_alertmanagers_come_and_go_with_their_file(
    am: ScriptedAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    """One that is new learns everything at once; one that is gone is told no more."""
    path = tmp_path / "alertmanagers.json"
    path.write_text("[]")
    files = FileDiscoveryConfig((path,), 1000, json.loads)
    kept = RelabelRule(RelabelAction.DROP, ["zone"], regex="far")
    config = AlertingConfig(alertmanagers=[entry(file_discoveries=[files], relabel_rules=[kept])])
    async with Told(tmp_path / "alerts.db", clock, config) as told:
        told.fire("A")
        await until(lambda: told.metric("sakshi_alertmanagers_discovered") == 0)
        near, far = f"127.0.0.1:{am.port}", "am.example.org:9093"
        groups = [{"targets": [near]}, {"targets": [far], "labels": {"zone": "far"}}]
        path.write_text(json.dumps(groups))

        await told.passing(lambda: am.requests)
        assert [status.url for status in told.alertmanagers.active()] == [f"{am.url}/api/v2/alerts"]
        assert told.alertmanagers.dropped() == ["http://am.example.org:9093/api/v2/alerts"]
        assert told.metric("sakshi_alertmanagers_discovered") == 1

        path.write_text("[]")
        await told.passing(lambda: not told.alertmanagers.active())
        count = len(am.requests)
        told.fire("B")
        await clock.advance(2 * MINUTE)
        assert len(am.requests) == count


async def test_its_metrics_count_alerts(
    told: Told, am: ScriptedAlertmanager, clock: FakeClock
) -> None:
    """They mean what Prometheus' mean: what failed was sent, too."""
    am.script.append(Reply(500))
    am.bad = {"C"}
    told.fire("A", "B")
    await told.posted(am, 1)
    url = f"{am.url}/api/v2/alerts"
    await until(lambda: told.metric("sakshi_alertmanager_alerts_waiting", alertmanager=url) == 2)
    await clock.advance(1.0)
    await told.posted(am, 2)
    told.fire("C")
    await told.posted(am, 3)

    values = {
        name: told.metric(f"sakshi_alertmanager_alerts_{name}", alertmanager=url)
        for name in ("sent_total", "errors_total", "refused_total", "waiting")
    }
    assert values == {"sent_total": 5, "errors_total": 3, "refused_total": 1, "waiting": 0}
    assert told.metric("sakshi_alertmanager_alerts_dropped_total") == 0
    assert told.metric("sakshi_alertmanager_latency_seconds_count", alertmanager=url) == 3
