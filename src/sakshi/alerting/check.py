"""Trying every template before the pager should ring, on a made-up incident."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sakshi.alerting.configuration import NotificationConfig
from sakshi.alerting.notification import Notification
from sakshi.alerting.receiver import Receiver
from sakshi.alerting.rendering import TemplateSet
from sakshi.ledger.record import Destination
from sakshi.model.alert import Alert, AlertState
from sakshi.model.errors import Problem
from sakshi.model.labels import Labels
from sakshi.template import TemplateError

_START_MS: Final = 1_700_000_000_000
_LABELS: Final = Labels({"alertname": "Trial", "severity": "critical", "instance": "localhost"})
_ANNOTATIONS: Final = Labels({"summary": "A trial", "description": "Nothing is wrong."})


def check_templates(config: NotificationConfig, templates: TemplateSet) -> Sequence[Problem]:
    """Return what is wrong with the texts of the receivers, with firing and with resolved alerts.

    Each place is a path: `receivers[0].email_configs[1].html`.
    """
    return [
        problem
        for index, receiver in enumerate(config.receivers)
        for problem in _receiver_problems(receiver, f"receivers[{index}]", config, templates)
    ]


def _receiver_problems(
    receiver: Receiver, place: str, config: NotificationConfig, templates: TemplateSet
) -> Iterator[Problem]:
    for integration, own in receiver.integrations().items():
        kind, _, position = integration.partition("[")
        for key, text in own.completed(config.global_).texts().items():
            error = _first_error(text, key, receiver.name, integration, templates)
            if error is not None:
                where = f"{place}.{kind}_configs[{position}.{key}"
                yield Problem(where, "a template that can be rendered", str(error))


def _first_error(
    text: str, key: str, receiver: str, integration: str, templates: TemplateSet
) -> TemplateError | None:
    destination = Destination(receiver, integration, "{}", _LABELS.only(("alertname",)))
    for states in _TRIALS:
        alerts = [_alert(state) for state in states]
        notification = Notification(destination, alerts, key="0" * 32)
        try:
            templates.render(text, notification, html=key == "html")
        except TemplateError as error:
            return error
    return None


_TRIALS: Final = (
    (AlertState.FIRING,),
    (AlertState.RESOLVED,),
    (AlertState.FIRING, AlertState.RESOLVED),
)


def _alert(state: AlertState) -> Alert:
    return Alert(
        rule_id="trial.yml;trial;Trial",
        labels=_LABELS.updated({"state": state}),
        annotations=_ANNOTATIONS,
        state=state,
        value=1.5,
        active_at_ms=_START_MS,
        fired_at_ms=_START_MS + 60_000,
        resolved_at_ms=_START_MS + 600_000 if state is AlertState.RESOLVED else None,
    )
