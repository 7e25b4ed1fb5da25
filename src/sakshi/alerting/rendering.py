"""Rendering: templates from files and from the configuration, over the data of a notification.

Templates are read once, at start; one that does not parse is reported then, not when the pager
should ring. One that fails on some alert's data costs its ornament, never the message: the
integration tells the same in plain words (`plain.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

from sakshi.alerting.data import notification_data
from sakshi.alerting.notification import Notification
from sakshi.model.clock import Clock
from sakshi.model.errors import BadInputError, Problem
from sakshi.template import (
    KNOWN_FUNCTIONS,
    FunctionError,
    Template,
    TemplateError,
    alertmanager_functions,
    collect_definitions,
    parse_template,
)

logger = logging.getLogger(__name__)

Message = TypeVar("Message")

_SLACK_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escape_slack(value: Any) -> str:
    """Return a text in which nothing is a link, a mention or a command to Slack.

    Source: docs.slack.dev/messaging/formatting-message-text, "Escaping text".

    Example:
        >>> escape_slack("<!channel> a & b")
        '&lt;!channel&gt; a &amp; b'
    """
    return str(value).translate(_SLACK_ESCAPES)


_OWN_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {"slackEscape": escape_slack}
_FUNCTION_NAMES: Final = KNOWN_FUNCTIONS | _OWN_FUNCTIONS.keys()


class TemplateSet:
    """The shipped templates, those of the user's files, and a renderer for texts that call them.

    Args:
        paths: the user's files; a template in them replaces a shipped one of its name.
        clock: the hour, for `since`.
        external_url: where people reach the page.

    Raises:
        BadInputError: a file cannot be read or parsed; with every problem in all of them.
    """

    def __init__(self, paths: Sequence[str], clock: Clock, external_url: str) -> None:
        self._clock = clock
        self._external_url = external_url.rstrip("/")
        self._definitions = collect_definitions([*_shipped(), *_read_files(paths)])
        self._parsed: dict[str, Template] = {}

    @property
    def external_url(self) -> str:
        """Where people reach the page, without a slash at the end."""
        return self._external_url

    def names(self) -> frozenset[str]:
        """Return the names of all templates."""
        return frozenset(self._definitions)

    def render(self, text: str, notification: Notification, *, html: bool = False) -> str:
        """Return a text of the configuration, rendered for a notification.

        Args:
            text: a template.
            notification: what it is about.
            html: whether values are escaped for the place in HTML where they land.

        Raises:
            TemplateError: it fails on this notification.
        """
        now_ms = self._clock.now_ms()
        try:
            data = notification_data(notification, self._external_url, now_ms)
        except FunctionError as error:
            raise TemplateError("data", 1, 1, str(error)) from None
        functions = {**alertmanager_functions(now_ms), **_OWN_FUNCTIONS}
        template = self._template(text)
        return template.execute(data, functions, definitions=self._definitions, html=html)

    def render_all(self, texts: Mapping[str, str], notification: Notification) -> Mapping[str, str]:
        """Return the texts of an integration, rendered; the one under `html` as HTML.

        Raises:
            TemplateError: one of them fails on this notification.
        """
        return {
            key: self.render(text, notification, html=key == "html") if text else ""
            for key, text in texts.items()
        }

    def _template(self, text: str) -> Template:
        """Return a parsed text; there are as many as the configuration has, so all are kept."""
        if text not in self._parsed:
            self._parsed[text] = _parse_file("notifications", text)
        return self._parsed[text]


def _shipped() -> list[Template]:
    folder = resources.files(__package__).joinpath("templates")
    return [
        _parse_file(entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".tmpl")
    ]


def _read_files(paths: Iterable[str]) -> list[Template]:
    templates: list[Template] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            templates.append(_parse_file(path, Path(path).read_text(encoding="utf-8")))
        except TemplateError as error:
            place = f"{error.name}:{error.line}:{error.column}"
            problems.append(Problem(place, "a template", error.message))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(path, "a readable template file", str(error)))
    if problems:
        raise BadInputError(*problems)
    return templates


def _parse_file(name: str, text: str) -> Template:
    return parse_template(name, text, functions=_FUNCTION_NAMES)


def render_or_plain(
    notification: Notification,
    render: Callable[[Notification], Message],
    plain: Callable[[Notification], Message],
) -> Message:
    """Return the rendered message, or the plain one where it is asked for or a template fails."""
    if notification.is_plain:
        return plain(notification)
    try:
        return render(notification)
    except TemplateError as error:
        destination = notification.destination
        logger.warning(
            "template failed, telling in plain words receiver=%s integration=%s error=%s",
            destination.receiver,
            destination.integration,
            error,
        )
        return plain(notification)
