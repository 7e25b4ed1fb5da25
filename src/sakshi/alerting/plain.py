"""A notification in plain words: for when a template fails, or the receiver refuses ornament.

Nothing here can fail on any alert, and everything is cut to a size that any receiver takes.
"""

from __future__ import annotations

import re
from typing import Final

from sakshi.alerting.data import common_labels, generator_url, starts_at_ms
from sakshi.alerting.notification import Notification
from sakshi.model.alert import Alert, AlertState
from sakshi.model.clock import format_timestamp
from sakshi.model.labels import Labels

TITLE_CHARACTERS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 4_000
ALERTS_MAX: Final = 10

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def plain_title(notification: Notification) -> str:
    """Return one line: `[FIRING:2] HighResponseTime (severity="warning")`."""
    count = len(notification.firing) or len(notification.resolved)
    labels = common_labels(alert.labels for alert in notification.alerts)
    name = labels.get("alertname", f"{len(notification.alerts)} alerts")
    rest = ", ".join(f'{label}="{value}"' for label, value in labels.pairs if label != "alertname")
    title = f"[{notification.status.upper()}:{count}] {name}" + (f" ({rest})" if rest else "")
    return cut(one_line(title), TITLE_CHARACTERS_MAX)


def plain_text(notification: Notification, external_url: str) -> str:
    """Return the alerts, one paragraph each; the first ten, and how many more there are."""
    shown = notification.alerts[:ALERTS_MAX]
    paragraphs = [_paragraph(alert, external_url) for alert in shown]
    rest = len(notification.alerts) - len(shown)
    if rest:
        paragraphs.append(f"and {rest} more: {external_url}/")
    return cut("\n\n".join(paragraphs), TEXT_CHARACTERS_MAX)


def one_line(text: str) -> str:
    """Return a text without line ends and other control characters: fit for a header or a title."""
    return _CONTROL.sub(" ", text).strip()


def cut(text: str, characters_max: int) -> str:
    """Return a text of at most so many characters, with `…` where it was cut.

    Example:
        >>> cut("abcdef", 4), cut("abcd", 4)
        ('abc…', 'abcd')
    """
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


def _paragraph(alert: Alert, external_url: str) -> str:
    lines = [f"{alert.state.value.upper()}: {one_line(alert.labels.get('alertname', ''))}"]
    lines += [f"{one_line(name)}: {one_line(value)}" for name, value in _texts(alert.annotations)]
    lines.append(f"value: {alert.value:g}")
    lines.append(f"since: {format_timestamp(starts_at_ms(alert))}")
    if alert.state is AlertState.RESOLVED and alert.resolved_at_ms is not None:
        lines.append(f"until: {format_timestamp(alert.resolved_at_ms)}")
    lines.append(f"labels: {one_line(str(alert.labels))}")
    lines.append(f"rule: {one_line(alert.rule_id)}")
    lines.append(generator_url(alert, external_url))
    return "\n".join(cut(line, 500) for line in lines)


def _texts(annotations: Labels) -> list[tuple[str, str]]:
    """Return the annotations, the summary first."""
    return sorted(annotations.pairs, key=lambda pair: (pair[0] != "summary", pair[0]))
