"""The truth table of the verdict."""

from __future__ import annotations

import math

import pytest
from tests.kpi.catalogue import RESPONSE_TIME, THROUGHPUT, make_kpi

from sakshi.kpi import (
    Evidence,
    Judgement,
    Kpi,
    LimitName,
    NoDataPolicy,
    Ruling,
    Verdict,
    judge,
    parse_limit,
    worst,
)

OK, OFF, WARN, CRIT = Verdict.OK, Verdict.OFF_TARGET, Verdict.WARNING, Verdict.CRITICAL
NO_DATA, STALE = Verdict.NO_DATA, Verdict.STALE

SHARE = make_kpi(unit="ratio", target=">0.8", warning="<0.7", critical="<0.6", recovery=0.0)
PERCENT = make_kpi(unit="%", target="<70%", warning=">80%", critical=">90%", recovery=0.0)
COUNT = make_kpi(unit="", target="<80", warning=">100", critical=">120", recovery=0.0)
HOURLY = make_kpi(unit="/h", target=">5", warning="<3", critical="<1", recovery=0.0)
SECONDS = make_kpi(unit="s", target="<2000ms", warning=">3s", critical=">5000ms", recovery=0.0)


@pytest.mark.parametrize(
    ("kpi", "value", "verdict"),
    [
        pytest.param(RESPONSE_TIME, 0.0, OK, id="well below the target"),
        pytest.param(RESPONSE_TIME, 1999.9, OK, id="just below the target"),
        pytest.param(RESPONSE_TIME, 2000.0, OFF, id="at the target"),
        pytest.param(RESPONSE_TIME, 3000.0, OFF, id="at the warning limit"),
        pytest.param(RESPONSE_TIME, 3000.1, WARN, id="above the warning limit"),
        pytest.param(RESPONSE_TIME, 5000.0, WARN, id="at the critical limit"),
        pytest.param(RESPONSE_TIME, 5000.1, CRIT, id="above the critical limit"),
        pytest.param(RESPONSE_TIME, math.inf, CRIT, id="infinite"),
        pytest.param(THROUGHPUT, 10.1, OK, id="more than the target"),
        pytest.param(THROUGHPUT, 10.0, OFF, id="the target, no more"),
        pytest.param(THROUGHPUT, 5.0, OFF, id="at the lower warning limit"),
        pytest.param(THROUGHPUT, 4.9, WARN, id="below the warning limit"),
        pytest.param(THROUGHPUT, 2.0, WARN, id="at the lower critical limit"),
        pytest.param(THROUGHPUT, 1.9, CRIT, id="below the critical limit"),
        pytest.param(THROUGHPUT, -math.inf, CRIT, id="infinitely little"),
        pytest.param(SHARE, 0.81, OK, id="a share above the target"),
        pytest.param(SHARE, 0.8, OFF, id="a share at the target"),
        pytest.param(SHARE, 0.69, WARN, id="a share below the warning"),
        pytest.param(SHARE, 0.59, CRIT, id="a share below the critical limit"),
        pytest.param(PERCENT, 69.9, OK, id="per cent below the target"),
        pytest.param(PERCENT, 80.1, WARN, id="per cent above the warning"),
        pytest.param(PERCENT, 90.1, CRIT, id="per cent above the critical limit"),
        pytest.param(COUNT, 79, OK, id="a count below the target"),
        pytest.param(COUNT, 80, OFF, id="a count at the target"),
        pytest.param(COUNT, 101, WARN, id="a count above the warning"),
        pytest.param(COUNT, 121, CRIT, id="a count above the critical limit"),
        pytest.param(HOURLY, 5.1, OK, id="by the hour above the target"),
        pytest.param(HOURLY, 2.9, WARN, id="by the hour below the warning"),
        pytest.param(HOURLY, 0.9, CRIT, id="by the hour below the critical limit"),
        pytest.param(SECONDS, 1.999, OK, id="limits in milliseconds on seconds, below"),
        pytest.param(SECONDS, 3.001, WARN, id="limits in seconds on seconds, above"),
        pytest.param(SECONDS, 5.001, CRIT, id="limits in milliseconds on seconds, above"),
    ],
)
def test_verdict_follows_from_value_and_limits(kpi: Kpi, value: float, verdict: Verdict) -> None:
    """Critical is judged before warning, warning before target; a limit is not met at itself."""
    assert judge(kpi, Evidence(value)) == Ruling(verdict)


@pytest.mark.parametrize(
    ("target", "warning", "critical", "verdict"),
    [
        ("", "", "", OK),
        ("<1ms", "", "", OFF),
        ("", ">1ms", "", WARN),
        ("", "", ">1ms", CRIT),
        ("<1ms", ">1ms", "", WARN),
        ("<1ms", "", ">1ms", CRIT),
        ("", ">1ms", ">1ms", CRIT),
        ("<1ms", ">1ms", ">1ms", CRIT),
    ],
)
def test_each_limit_may_be_missing(
    target: str, warning: str, critical: str, verdict: Verdict
) -> None:
    """A limit that a KPI does not have is never met and never missed."""
    kpi = make_kpi(target=target, warning=warning, critical=critical)

    assert judge(kpi, Evidence(5.0)).verdict is verdict


@pytest.mark.parametrize(
    ("evidence", "ruling"),
    [
        pytest.param(Evidence(None), Ruling(NO_DATA, "no value"), id="nothing"),
        pytest.param(Evidence(math.nan), Ruling(NO_DATA, "no value"), id="no number"),
        pytest.param(Evidence(None, series=0), Ruling(NO_DATA, "no value"), id="no series"),
        pytest.param(
            Evidence(None, series=2),
            Ruling(NO_DATA, "no single value", "2 series where one is judged: aggregate them"),
            id="two series",
        ),
        pytest.param(
            Evidence(None, missing=["a", "b"]),
            Ruling(NO_DATA, "no value", "no target exposes a, b"),
            id="metrics that nobody exposes",
        ),
        pytest.param(Evidence(1.0, missing=["a"]), Ruling(OK), id="one of two metrics is enough"),
        pytest.param(
            Evidence(None, error="1:1: no"),
            Ruling(NO_DATA, "its query failed", "1:1: no"),
            id="an expression that fails",
        ),
        pytest.param(
            Evidence(9e9, applies=False),
            Ruling(NO_DATA, "not judged: its condition is not met"),
            id="no load",
        ),
        pytest.param(
            Evidence(9e9, is_covered=False),
            Ruling(NO_DATA, "its window of 5m is not covered yet"),
            id="a window that is not covered",
        ),
        pytest.param(
            Evidence(9e9, silent_ms=61_500),
            Ruling(STALE, "nothing has come in for 1m1s"),
            id="silence, with a value from before",
        ),
        pytest.param(
            Evidence(None, silent_ms=61_500, applies=False, series=2, error="x", missing=["m"]),
            Ruling(STALE, "nothing has come in for 1m1s"),
            id="silence explains everything else",
        ),
    ],
)
def test_what_cannot_be_judged_says_why(evidence: Evidence, ruling: Ruling) -> None:
    """No guess is made: NO DATA or STALE, with the reason, whatever the value is."""
    assert judge(RESPONSE_TIME, evidence) == ruling


@pytest.mark.parametrize(
    ("observations", "ruling"),
    [
        (10.0, Ruling(CRIT)),
        (9.9, Ruling(NO_DATA, "9.9 observations, 10 are needed")),
        (0.0, Ruling(NO_DATA, "0 observations, 10 are needed")),
        (None, Ruling(NO_DATA, "0 observations, 10 are needed")),
    ],
)
def test_too_few_observations_are_no_data(observations: float | None, ruling: Ruling) -> None:
    """A mean of three requests wakes nobody."""
    kpi = make_kpi(critical=">5000", observations="o", min_observations=10)

    assert judge(kpi, Evidence(9e9, observations=observations)) == ruling


DAMPED_ABOVE = make_kpi(target="<2000", warning=">3000", critical=">5000", recovery=0.1)
DAMPED_BELOW = make_kpi(unit="/s", target=">10", warning="<5", critical="<2", recovery=0.1)


@pytest.mark.parametrize(
    ("kpi", "previous", "value", "ruling"),
    [
        pytest.param(DAMPED_ABOVE, OK, 2950.0, Ruling(OFF), id="it does not get worse early"),
        pytest.param(DAMPED_ABOVE, None, 1950.0, Ruling(OK), id="nor at the beginning"),
        pytest.param(
            DAMPED_ABOVE, CRIT, 4600.0, Ruling(CRIT, "recovers below 4500ms"), id="critical stays"
        ),
        pytest.param(DAMPED_ABOVE, CRIT, 4500.0, Ruling(WARN), id="critical ends"),
        pytest.param(
            DAMPED_ABOVE, WARN, 2800.0, Ruling(WARN, "recovers below 2700ms"), id="warning stays"
        ),
        pytest.param(
            DAMPED_ABOVE, CRIT, 2800.0, Ruling(WARN, "recovers below 2700ms"), id="down to warning"
        ),
        pytest.param(DAMPED_ABOVE, WARN, 2700.0, Ruling(OFF), id="warning ends"),
        pytest.param(DAMPED_ABOVE, WARN, 4600.0, Ruling(WARN), id="no recovery from what was not"),
        pytest.param(
            DAMPED_ABOVE, OFF, 1900.0, Ruling(OFF, "recovers below 1800ms"), id="off target stays"
        ),
        pytest.param(DAMPED_ABOVE, OFF, 1799.9, Ruling(OK), id="off target ends"),
        pytest.param(DAMPED_ABOVE, OFF, 2800.0, Ruling(OFF), id="off target is no warning"),
        pytest.param(DAMPED_ABOVE, NO_DATA, 1900.0, Ruling(OK), id="what was not known is gone"),
        pytest.param(DAMPED_ABOVE, STALE, 2800.0, Ruling(OFF), id="what was stale is gone"),
        pytest.param(
            DAMPED_BELOW, CRIT, 2.1, Ruling(CRIT, "recovers above 2.2/s"), id="from below: stays"
        ),
        pytest.param(DAMPED_BELOW, CRIT, 2.2, Ruling(WARN), id="from below: ends"),
        pytest.param(
            DAMPED_BELOW, WARN, 5.4, Ruling(WARN, "recovers above 5.5/s"), id="warning from below"
        ),
        pytest.param(
            DAMPED_BELOW, OFF, 10.5, Ruling(OFF, "recovers above 11/s"), id="target from below"
        ),
        pytest.param(DAMPED_BELOW, OFF, 11.1, Ruling(OK), id="target reached from below"),
    ],
)
def test_a_verdict_improves_only_behind_the_limit(
    kpi: Kpi, previous: Verdict | None, value: float, ruling: Ruling
) -> None:
    """Recovery is a share of the limit, on its good side; getting worse has no such delay."""
    assert judge(kpi, Evidence(value), previous) == ruling


def test_a_wavering_value_is_one_verdict() -> None:
    """Around a limit, within the recovery, the verdict changes once."""
    verdicts: list[Verdict] = []
    previous = None
    for value in (2900.0, 3010.0, 2990.0, 3010.0, 2900.0, 3001.0, 2990.0):
        previous = judge(DAMPED_ABOVE, Evidence(value), previous).verdict
        verdicts.append(previous)

    assert verdicts == [OFF, WARN, WARN, WARN, WARN, WARN, WARN]


@pytest.mark.parametrize(
    ("policy", "kept", "counts_as"),
    [
        (NoDataPolicy.ALERT, CRIT, NO_DATA),
        (NoDataPolicy.KEEP, CRIT, CRIT),
        (NoDataPolicy.KEEP, OK, OK),
        (NoDataPolicy.OK, CRIT, OK),
    ],
)
def test_no_data_counts_by_the_policy(
    policy: NoDataPolicy, kept: Verdict, counts_as: Verdict
) -> None:
    """`alert`: not known; `keep`: as before; `ok`: well. The verdict itself stays NO DATA."""
    kpi = make_kpi(critical=">1", no_data=policy)

    judgement = Judgement(kpi, Ruling(NO_DATA), 0, kept=kept)

    assert (judgement.verdict, judgement.counts_as) == (NO_DATA, counts_as)


@pytest.mark.parametrize("policy", list(NoDataPolicy))
@pytest.mark.parametrize("verdict", [OK, OFF, WARN, CRIT, STALE])
def test_every_other_verdict_counts_as_itself(policy: NoDataPolicy, verdict: Verdict) -> None:
    """A target that went silent is never excused by a policy."""
    judgement = Judgement(make_kpi(no_data=policy), Ruling(verdict), 0, kept=OK)

    assert judgement.counts_as is verdict


def test_distance_is_positive_on_the_good_side() -> None:
    """For limits above and below, targets included; without a value there is none."""
    above = Judgement(RESPONSE_TIME, Ruling(OFF), 0, value=2500.0)
    below = Judgement(THROUGHPUT, Ruling(OK), 0, value=12.0)

    assert above.distances == {
        LimitName.CRITICAL: 2500.0,
        LimitName.WARNING: 500.0,
        LimitName.TARGET: -500.0,
    }
    assert below.distances == {
        LimitName.CRITICAL: 10.0,
        LimitName.WARNING: 7.0,
        LimitName.TARGET: 2.0,
    }
    assert Judgement(THROUGHPUT, Ruling(NO_DATA), 0).distances == {}


def test_worst_verdict_ranks_what_is_not_known_above_what_is_off_target() -> None:
    """CRITICAL, WARNING, STALE, NO DATA, OFF TARGET, OK; nothing at all is NO DATA."""
    ranked = [CRIT, WARN, STALE, NO_DATA, OFF, OK]

    for place, verdict in enumerate(ranked):
        assert worst(ranked[:place:-1] + ranked[place:]) is verdict
    assert worst([]) is NO_DATA


def test_recorded_numbers_stay_what_they_are() -> None:
    """Histories are kept by these numbers: none may ever mean something else."""
    codes = {verdict: verdict.code for verdict in Verdict}

    assert codes == {OK: 0, OFF: 1, WARN: 2, CRIT: 3, NO_DATA: 4, STALE: 5}
    assert [Verdict.of_code(code) for code in codes.values()] == list(codes)


def test_limit_in_another_unit_is_a_programmer_error() -> None:
    """A KPI's limits are in the KPI's unit."""
    with pytest.raises(AssertionError):
        Kpi("k", "g", "K", "m", "m", unit="s", target=parse_limit("<5", "ms"))
