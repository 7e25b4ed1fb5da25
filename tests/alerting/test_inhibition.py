from __future__ import annotations

import pytest
from tests.ledger.incident import firing, pending, resolved

from sakshi.alerting import Inhibitor, InhibitRule, parse_matchers
from sakshi.model.alert import Alert
from sakshi.model.labels import Labels

CRITICAL_OVER_WARNING = InhibitRule(
    parse_matchers('severity="critical"'), parse_matchers('severity="warning"'), ("cluster",)
)


@pytest.mark.parametrize(
    ("rule", "source", "target", "is_muted"),
    [
        pytest.param(
            CRITICAL_OVER_WARNING,
            {"severity": "critical", "cluster": "a"},
            {"severity": "warning", "cluster": "a"},
            True,
            id="source and target with equal labels",
        ),
        pytest.param(
            CRITICAL_OVER_WARNING,
            {"severity": "critical", "cluster": "a"},
            {"severity": "warning", "cluster": "b"},
            False,
            id="the label differs",
        ),
        pytest.param(
            CRITICAL_OVER_WARNING,
            {"severity": "critical"},
            {"severity": "warning"},
            True,
            id="both lack the label: it is equal",
        ),
        pytest.param(
            CRITICAL_OVER_WARNING,
            {"severity": "critical"},
            {"severity": "warning", "cluster": "a"},
            False,
            id="only one lacks the label",
        ),
        pytest.param(
            CRITICAL_OVER_WARNING,
            {"severity": "info", "cluster": "a"},
            {"severity": "warning", "cluster": "a"},
            False,
            id="no source",
        ),
        pytest.param(
            CRITICAL_OVER_WARNING,
            {"severity": "critical", "cluster": "a"},
            {"severity": "info", "cluster": "a"},
            False,
            id="no target",
        ),
        pytest.param(
            InhibitRule(parse_matchers("a=~.+"), parse_matchers("b=~.+")),
            {"a": "1", "b": "1"},
            {"a": "2", "b": "2"},
            False,
            id="both are source and target: neither is muted",
        ),
        pytest.param(
            InhibitRule(parse_matchers("a=~.+"), parse_matchers("b=~.+")),
            {"a": "1"},
            {"a": "2", "b": "2"},
            True,
            id="the target is a source too, the source is no target",
        ),
        pytest.param(
            InhibitRule(parse_matchers("a=~.+"), parse_matchers("b=~.+")),
            {"a": "1", "b": "1"},
            {"b": "2"},
            True,
            id="the source is a target too, the target is no source",
        ),
    ],
)
def test_a_rule_mutes_the_targets_of_its_sources(
    rule: InhibitRule, source: dict[str, str], target: dict[str, str], is_muted: bool
) -> None:
    """A target is muted while a source with equal labels fires."""
    other = Alert("r", Labels(source), Labels(), firing().state, 1.0, 0, 0)
    inhibitor = Inhibitor([rule], lambda: [other])

    assert inhibitor.mutes(Labels(target)) is is_muted


def test_only_what_fires_mutes() -> None:
    """A pending or resolved source says nothing yet, or any more."""
    target = firing("Slow", cluster="a").labels
    source = firing("Down", severity="critical", cluster="a")
    alerts: list[list[Alert]] = [[pending("Down", severity="critical", cluster="a")]]
    inhibitor = Inhibitor([CRITICAL_OVER_WARNING], lambda: alerts[-1])

    assert not inhibitor.mutes(target)
    alerts.append([source])
    assert inhibitor.mutes(target)
    alerts.append([resolved(source)])
    assert not inhibitor.mutes(target)


def test_without_rules_nothing_is_muted() -> None:
    """No rule, no question."""
    assert not Inhibitor([], lambda: [firing()]).mutes(firing().labels)
