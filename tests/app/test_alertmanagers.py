"""What an Alertmanager is told of a rule; history is forgotten where nobody is notified, too."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tests.conftest import FakeClock
from tests.ledger.incident import RULE_ID, START_MS, change, firing, resolved

from sakshi.alerting.alertmanager import AlertSource
from sakshi.app.alertmanagers import find_alert_sources
from sakshi.app.retention import PRUNE_INTERVAL_SECONDS, prune_forever
from sakshi.ledger import SqliteLedger
from sakshi.ledger.history import HISTORY_RETENTION_MS
from sakshi.promql import parse_query
from sakshi.rules import AlertingRule, RecordingRule, Rule, RuleGroup, RuleGroupStatus, RuleStatus


def test_a_rule_is_found_with_its_groups_last_evaluation() -> None:
    """Its expression is as Prometheus prints it; rules that raise no alert have none."""
    query = "sum  by(a) (x)>1e3"
    rules: list[Rule] = [
        RecordingRule("a", "x", parse_query("x")),
        AlertingRule("A", query, parse_query(query)),
    ]
    group = RuleGroup("g", "f.yml", 15_000, rules)
    groups = [RuleGroupStatus(group, [RuleStatus(rule) for rule in rules])]
    find = find_alert_sources(lambda: groups)

    assert find("f.yml;g;A") == AlertSource("sum by (a) (x) > 1000", 15_000, None)
    groups[0] = replace(groups[0], last_evaluation_ms=START_MS)
    assert find("f.yml;g;A") == AlertSource("sum by (a) (x) > 1000", 15_000, START_MS)
    assert (find("f.yml;g;a"), find("f.yml;g;B")) == (None, None)


async def test_history_is_forgotten_where_nobody_is_notified(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Once it is older than its limit; not sooner."""
    ledger = SqliteLedger(tmp_path / "alerts.db", lambda _: (), clock)
    for alert in (firing("A"), resolved(firing("A"))):
        ledger.record(RULE_ID, [alert], [change(alert)], START_MS)
    task = asyncio.ensure_future(prune_forever(ledger, clock))
    await clock.advance(PRUNE_INTERVAL_SECONDS)
    assert len(ledger.transitions(9)) == 2

    clock.move(HISTORY_RETENTION_MS)
    async with asyncio.timeout(20):
        while ledger.transitions(9):
            await clock.advance(PRUNE_INTERVAL_SECONDS)
            await asyncio.sleep(0.002)  # of a thread
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    ledger.close()
