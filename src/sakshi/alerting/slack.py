"""Slack: one attachment through an incoming webhook.

Source: prometheus/alertmanager notify/slack/slack.go;
docs.slack.dev/messaging/sending-messages-using- incoming-webhooks;
docs.slack.dev/apis/web-api/rate-limits (429 with Retry-After).
"""

from __future__ import annotations

from typing import Any, Final

import httpx2
import orjson

from sakshi.alerting.errors import RefusedError
from sakshi.alerting.http import Answer, post_json
from sakshi.alerting.notification import Notification
from sakshi.alerting.plain import cut, one_line, plain_text, plain_title
from sakshi.alerting.receiver import SlackConfig
from sakshi.alerting.rendering import TemplateSet, escape_slack, render_or_plain

TITLE_CHARACTERS_MAX: Final = 1024
TEXT_CHARACTERS_MAX: Final = 8000  # Slack cuts attachments beyond without a word


class SlackNotifier:
    """Posts to one webhook. The attachment's `callback_id` is the message's key.

    Args:
        config: completed; nothing is missing.
        transport: owned by the caller.
        templates: renders the configuration's texts.
    """

    def __init__(
        self, config: SlackConfig, transport: httpx2.AsyncBaseTransport, templates: TemplateSet
    ) -> None:
        assert config.api_url is not None
        self._url = config.api_url
        self._config = config
        self._transport = transport
        self._templates = templates

    async def notify(self, notification: Notification) -> None:
        """Send a message; the answer `ok` accepts it.

        Raises:
            RetryableError: Slack may take it later.
            RefusedError: it will not.
        """
        payload = render_or_plain(notification, self._rendered, self._plain)
        _check(await post_json(self._transport, self._url, payload))

    def _rendered(self, notification: Notification) -> dict[str, Any]:
        texts = self._templates.render_all(self._config.texts(), notification)
        message = {key: texts[key] for key in ("channel", "username", "icon_emoji", "icon_url")}
        attachment = {
            "title": cut(one_line(texts["title"]), TITLE_CHARACTERS_MAX),
            "title_link": texts["title_link"],
            "pretext": texts["pretext"],
            "text": cut(texts["text"], TEXT_CHARACTERS_MAX),
            "fallback": cut(one_line(texts["fallback"]), TITLE_CHARACTERS_MAX),
            "callback_id": notification.key,
            "footer": texts["footer"],
            "color": texts["color"],
            "mrkdwn_in": ["fallback", "pretext", "text"],
        }
        return {
            **_filled(message),
            **({"link_names": True} if self._config.link_names else {}),
            "attachments": [_filled(attachment)],
        }

    def _plain(self, notification: Notification) -> dict[str, Any]:
        title = escape_slack(plain_title(notification))
        text = escape_slack(plain_text(notification, self._templates.external_url))
        return {"text": f"{title}\n{text}"}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _check(answer: Answer) -> None:
    """Raise if Slack, or what speaks like it, says no with status 200."""
    if answer.is_json:
        try:
            is_accepted = bool(orjson.loads(answer.body).get("ok"))
        except (orjson.JSONDecodeError, AttributeError):
            is_accepted = False
    else:
        is_accepted = answer.text == "ok"
    if not is_accepted:
        raise RefusedError(f'expected the answer "ok", found "{answer.text}"')
