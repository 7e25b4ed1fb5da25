from __future__ import annotations

import pytest
from tests.rules.station import alerting, group, recording

from sakshi.rules.order import order_groups

RECORDS_A = group(recording("a", "x"), name="records a")
READS_A = group(alerting("Bad", "sum(rate(a[5m])) > 1 or vector(0)"), name="reads a")
READS_ANY = group(recording("b", '{__name__=~"a|c"}'), name="reads any")
READS_ALERTS = group(recording("firing", 'count(ALERTS{alertstate="firing"})'), name="reads alerts")
APART = group(recording("z", "y"), name="apart")
READS_B = group(recording("a", "b"), name="records a from b")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([RECORDS_A, READS_A], ["records a", "reads a"], id="in order already"),
        pytest.param([READS_A, RECORDS_A], ["records a", "reads a"], id="readers go behind"),
        pytest.param(
            [APART, READS_ANY, RECORDS_A], ["apart", "records a", "reads any"], id="by a regex"
        ),
        pytest.param(
            [READS_ALERTS, READS_A, RECORDS_A],
            ["records a", "reads a", "reads alerts"],
            id="ALERTS are series too",
        ),
        pytest.param(
            [READS_ANY, READS_B, APART],
            ["reads any", "records a from b", "apart"],
            id="a circle stays as it is",
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_groups_go_behind_those_that_they_read(given: list, expected: list[str]) -> None:  # type: ignore[type-arg]
    """A group that reads what another records is evaluated after it; else the order is kept."""
    assert [item.name for item in order_groups(given)] == expected
