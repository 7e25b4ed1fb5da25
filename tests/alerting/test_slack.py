from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest
from tests.alerting.loopback import HttpReceiver, Reply
from tests.alerting.message import KEY, notification
from tests.ledger.incident import firing, resolved

from sakshi.alerting import RefusedError, Secret, SlackConfig, TemplateSet
from sakshi.alerting.slack import TITLE_CHARACTERS_MAX, SlackNotifier
from sakshi.model.labels import Labels


async def test_a_message_is_one_attachment(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> None:
    """What is wrong, since when, where to look; coloured, and said in words."""
    config = SlackConfig(
        api_url=Secret(http.url),
        channel="#consciousness-alerts",
        icon_emoji=":eye:",
        link_names=True,
    )

    await SlackNotifier(config, transport, templates).notify(notification())

    fingerprint = firing(session="1").fingerprint
    assert http.requests[0].document == {
        "channel": "#consciousness-alerts",
        "username": "sakshi",
        "icon_emoji": ":eye:",
        "link_names": True,
        "attachments": [
            {
                "title": "WARNING (1) HighResponseTime",
                "title_link": "http://localhost:9090/",
                "text": ":red_circle: *firing* HighResponseTime is wrong\n"
                "value 3.5, since 2023-11-14 22:13:20 UTC\n"
                "`session=1` `severity=warning` \n"
                f"<http://localhost:9090/#alert={fingerprint}|See it on the page>\n",
                "fallback": "WARNING (1) HighResponseTime: HighResponseTime is wrong",
                "callback_id": KEY,
                "footer": "alertname=HighResponseTime",
                "color": "danger",
                "mrkdwn_in": ["fallback", "pretext", "text"],
            }
        ],
    }


async def test_a_resolved_message_is_good_news(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> None:
    """Another word, another colour, and how long it lasted."""
    notifier = SlackNotifier(SlackConfig(api_url=Secret(http.url)), transport, templates)

    await notifier.notify(notification(resolved(firing())))

    (attachment,) = http.requests[0].document["attachments"]
    assert attachment["color"] == "good"
    assert attachment["title"] == "RESOLVED (1) HighResponseTime"
    assert "lasted 1m 0s" in attachment["text"]


async def test_a_label_mentions_nobody(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> None:
    """Neither in the ornate message nor in the plain one."""
    alert = firing("<!channel>", user="<@U1>`<!here>")
    alert = replace(
        alert, annotations=Labels({"summary": "<!everyone>", "description": "<http://x|y>"})
    )
    notifier = SlackNotifier(SlackConfig(api_url=Secret(http.url)), transport, templates)

    await notifier.notify(notification(alert))
    await notifier.notify(notification(alert).plain())

    for request in http.requests:
        for word in (b"<!", b"<@", b"<http://x"):
            assert word not in request.body


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(200, "no_team"), 'expected the answer "ok", found "no_team"', id="text"),
        pytest.param(
            Reply(200, '{"ok":false,"error":"x"}', [("Content-Type", "application/json")]),
            'expected the answer "ok", found "{"ok":false,"error":"x"}"',
            id="JSON",
        ),
        pytest.param(
            Reply(200, "[]", [("Content-Type", "application/json")]),
            'expected the answer "ok", found "[]"',
            id="other JSON",
        ),
        pytest.param(
            Reply(200, "{", [("Content-Type", "application/json")]),
            'expected the answer "ok", found "{"',
            id="no JSON",
        ),
    ],
)
async def test_a_no_with_status_200_is_a_no(
    http: HttpReceiver,
    transport: httpx2.AsyncHTTPTransport,
    templates: TemplateSet,
    reply: Reply,
    reason: str,
) -> None:
    """Slack, and what speaks like it, may say no in the body."""
    http.script.append(reply)
    notifier = SlackNotifier(SlackConfig(api_url=Secret(http.url)), transport, templates)

    with pytest.raises(RefusedError) as refusal:
        await notifier.notify(notification())

    assert str(refusal.value) == reason


async def test_a_yes_may_be_json(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> None:
    """As chat.postMessage answers."""
    http.script.append(Reply(200, '{"ok":true}', [("Content-Type", "application/json")]))
    notifier = SlackNotifier(SlackConfig(api_url=Secret(http.url)), transport, templates)

    await notifier.notify(notification())


async def test_a_title_is_cut(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> None:
    """Slack takes so many characters."""
    notifier = SlackNotifier(SlackConfig(api_url=Secret(http.url)), transport, templates)

    await notifier.notify(notification(firing("x" * 5000)))

    (attachment,) = http.requests[0].document["attachments"]
    assert len(attachment["title"]) == TITLE_CHARACTERS_MAX
