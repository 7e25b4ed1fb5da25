"""KPIs judged in time: a real store, engine and ledger, and a clock that is moved by hand."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.kpi.catalogue import make_kpi
from tests.rules.station import Station, recording

from sakshi.kpi import (
    Aggregation,
    Judge,
    Judgement,
    Kpi,
    NoDataPolicy,
    Verdict,
    Witness,
    find_recorded,
    generate_groups,
)
from sakshi.kpi.judge import TURNS_MAX
from sakshi.model.labels import Labels
from sakshi.promql import EvaluationLimits, LocalEngine
from sakshi.rules import RuleGroup

SECOND_MS = 1000
SILENCE_MS_MAX = 10_000
UP = 'up{job="chat"}'


class Observatory:
    """KPIs, the rules that they become, and their judge, on one store."""

    def __init__(self, station: Station, kpis: Sequence[Kpi], groups: Sequence[RuleGroup]) -> None:
        self.station, self.kpis = station, kpis
        self.groups = [*groups, *generate_groups(kpis, "sakshi.yml", SECOND_MS)]
        self.restart()

    def restart(self) -> None:
        """Begin anew with what the store remembers."""
        station = self.station
        self.evaluators = [station.evaluator(group) for group in self.groups]
        witness = Witness(
            station.engine, station.store, self.kpis, find_recorded(self.groups), SILENCE_MS_MAX
        )
        self.judge = Judge(self.kpis, witness, station.engine, station.store, "sakshi.yml")

    def second(self, samples: Mapping[str, float], up: float | None = 1.0) -> Judgement:
        """Let a second pass with these samples; return the first KPI's judgement."""
        clock = self.station.clock
        clock.move(SECOND_MS)
        exposed = dict(samples) | ({} if up is None else {UP: up})
        if exposed:
            self.station.expose(exposed)
        for evaluator in self.evaluators:
            evaluator.evaluate(clock.now_ms())
        self.judge.judge(clock.now_ms())
        return self.judge.judgements[0]

    def seconds(
        self, count: int, samples: Mapping[str, float], up: float | None = 1.0
    ) -> Judgement:
        for _ in range(count):
            judgement = self.second(samples, up)
        return judgement


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with Station(tmp_path / "alerts.db", FakeClock()) as station:
        yield station


def observe(station: Station, *kpis: Kpi, groups: Sequence[RuleGroup] = ()) -> Observatory:
    return Observatory(station, kpis, groups)


def summary(judgement: Judgement) -> tuple[str, float | None, str, str]:
    ruling = judgement.ruling
    return str(judgement.verdict), judgement.value, ruling.reason, ruling.warning


GAUGE = make_kpi(target="<10", warning=">20", critical=">30", unit="")


def test_before_the_first_pass_nothing_is_judged(station: Station) -> None:
    """There is a judgement for each KPI from the start: NO DATA, since never."""
    judgement = observe(station, GAUGE).judge.judgements[0]

    assert summary(judgement) == ("NO DATA", None, "not judged yet", "")
    assert judgement.since_ms is None


def test_a_verdict_holds_since_it_changed(station: Station) -> None:
    """`since` stays while the verdict does, whatever the value; it moves when the verdict does."""
    observatory = observe(station, GAUGE)

    first = observatory.second({"m": 5})
    second = observatory.second({"m": 6})
    third = observatory.second({"m": 25})

    assert (summary(first), summary(second), summary(third)) == (
        ("OK", 5.0, "", ""),
        ("OK", 6.0, "", ""),
        ("WARNING", 25.0, "", ""),
    )
    assert first.since_ms == second.since_ms == first.at_ms
    assert third.since_ms == third.at_ms == first.at_ms + 2 * SECOND_MS


def test_recovery_is_measured_from_the_verdict_before(station: Station) -> None:
    """19.5 is no warning, but no recovery from one either: that needs 19."""
    observatory = observe(station, GAUGE)

    assert observatory.second({"m": 19.5}).verdict is Verdict.OFF_TARGET
    assert observatory.second({"m": 21}).verdict is Verdict.WARNING
    held = observatory.second({"m": 19.5})
    assert summary(held) == ("WARNING", 19.5, "recovers below 19", "")
    assert observatory.second({"m": 19}).verdict is Verdict.OFF_TARGET


@pytest.mark.parametrize(
    ("kpi", "samples", "expected"),
    [
        pytest.param(
            GAUGE,
            {'m{a="1"}': 5, 'm{a="2"}': 5},
            ("NO DATA", None, "no single value", "2 series where one is judged: aggregate them"),
            id="two series",
        ),
        pytest.param(
            replace(GAUGE, aggregation=Aggregation.SUM),
            {'m{a="1"}': 5, 'm{a="2"}': 6},
            ("OFF TARGET", 11.0, "", ""),
            id="two series, aggregated",
        ),
        pytest.param(
            replace(
                GAUGE,
                expr="m # all of them",
                aggregation=Aggregation.SUM,
                observations="m # counted",
                min_observations=1,
                condition="m > 0 # load",
                covered_by="m # from the start",
                window="0s",
            ),
            {'m{a="1"}': 5, 'm{a="2"}': 6},
            ("OFF TARGET", 11.0, "", ""),
            id="comments at the ends",
        ),
        pytest.param(
            replace(GAUGE, expr="scalar(m)"), {"m": 5}, ("OK", 5.0, "", ""), id="a scalar"
        ),
        pytest.param(
            GAUGE,
            {"other": 1},
            ("NO DATA", None, "no value", "no target exposes m"),
            id="a metric that nobody exposes",
        ),
        pytest.param(
            replace(GAUGE, expr="m / n"),
            {"m": 0, "n": 0},
            ("NO DATA", None, "no value", ""),
            id="no number",
        ),
        pytest.param(
            replace(GAUGE, condition="load > 0"),
            {"m": 5, "load": 0},
            ("NO DATA", 5.0, "not judged: its condition is not met", ""),
            id="no load",
        ),
        pytest.param(
            replace(GAUGE, condition="load > 0"),
            {"m": 5, "load": 1},
            ("OK", 5.0, "", ""),
            id="load",
        ),
        pytest.param(
            replace(GAUGE, observations="n", min_observations=10),
            {"m": 5, 'n{a="1"}': 4, 'n{a="2"}': 5},
            ("NO DATA", 5.0, "9 observations, 10 are needed", ""),
            id="too few observations",
        ),
        pytest.param(
            replace(GAUGE, observations="n", min_observations=10),
            {"m": 5, 'n{a="1"}': 4, 'n{a="2"}': 6},
            ("OK", 5.0, "", ""),
            id="enough observations",
        ),
        pytest.param(
            replace(GAUGE, covered_by="m", window="5s"),
            {"m": 5},
            ("NO DATA", 5.0, "its window of 5s is not covered yet", ""),
            id="a window that is not covered",
        ),
    ],
)
def test_evidence_comes_from_the_store(
    station: Station, kpi: Kpi, samples: Mapping[str, float], expected: tuple[str, float, str, str]
) -> None:
    """What stands in the way of a judgement is found out, and named."""
    assert summary(observe(station, kpi).second(samples)) == expected


def test_a_window_is_covered_once_its_series_is_older(station: Station) -> None:
    """Five seconds after the first sample, not one earlier."""
    observatory = observe(station, replace(GAUGE, covered_by="m", window="5s"))

    verdicts = [observatory.second({"m": 5}).verdict for _ in range(6)]

    assert verdicts == [Verdict.NO_DATA] * 5 + [Verdict.OK]


def test_observations_are_told(station: Station) -> None:
    """With the value, and where there are too few."""
    observatory = observe(station, replace(GAUGE, observations="n", min_observations=10))

    assert observatory.second({"m": 5, "n": 12}).observations == 12.0
    assert observatory.second({"m": 5, "n": 3}).observations == 3.0


def test_a_silent_target_makes_stale_what_still_has_a_value(station: Station) -> None:
    """A mean over five minutes has a value long after its target fell silent: who believes it?"""
    observatory = observe(station, replace(GAUGE, expr="avg_over_time(m[5m])"))
    observatory.seconds(5, {"m": 5})

    verdicts = [observatory.second({}, up=0.0).verdict for _ in range(11)]
    last = observatory.judge.judgements[0]

    assert verdicts == [Verdict.OK] * 10 + [Verdict.STALE]
    assert summary(last) == ("STALE", 5.0, "nothing has come in for 11s", "")
    assert last.since_ms == last.at_ms


def test_what_is_recorded_from_a_silent_target_is_stale_too(station: Station) -> None:
    """The rule goes on recording: what it is computed from counts, however many rules between."""
    groups = [
        RuleGroup(
            "g", "rules.yml", SECOND_MS,
            [recording("a", "avg_over_time(m[5m])"), recording("b", "a + 0")],
        )
    ]  # fmt: skip
    observatory = observe(station, replace(GAUGE, expr="b"), groups=groups)
    assert observatory.seconds(5, {"m": 5}).verdict is Verdict.OK

    stale = observatory.seconds(11, {}, up=0.0)

    assert summary(stale) == ("STALE", 5.0, "nothing has come in for 11s", "")


def test_the_last_value_is_shown_when_even_that_has_gone(station: Station) -> None:
    """Without any value the newest known one stays beside STALE; after an hour it is NO DATA."""
    observatory = observe(station, GAUGE)
    observatory.seconds(3, {"m": 7})
    observatory.seconds(1, {"m": float("nan")})

    station.clock.move(400_000)
    stale = observatory.second({}, up=None)
    station.clock.move(3_600_000)
    gone = observatory.second({}, up=None)

    assert (stale.verdict, stale.ruling.reason) == (Verdict.STALE, "nothing has come in for 6m41s")
    assert summary(gone) == ("NO DATA", None, "no value", "no target exposes m")


def test_one_silent_target_does_not_make_others_stale(station: Station) -> None:
    """A KPI whose own series come in is judged, whoever else is silent."""
    observatory = observe(station, GAUGE)

    judgement = observatory.seconds(15, {"m": 5, 'up{job="other"}': 0})

    assert judgement.verdict is Verdict.OK


def test_stale_ends_when_samples_come_again(station: Station) -> None:
    """Judged anew, since now."""
    observatory = observe(station, GAUGE)
    observatory.seconds(3, {"m": 5})
    assert observatory.seconds(11, {}, up=0.0).verdict is Verdict.STALE

    judgement = observatory.seconds(2, {"m": 25})

    assert judgement.verdict is Verdict.WARNING
    assert judgement.since_ms == judgement.at_ms - SECOND_MS


def test_no_data_keeps_the_verdict_before_by_policy(station: Station) -> None:
    """`keep`: what it counts as is the last verdict on a value."""
    kpi = replace(GAUGE, condition="load > 0", no_data=NoDataPolicy.KEEP)
    observatory = observe(station, kpi)
    observatory.second({"m": 35, "load": 1})

    judgement = observatory.second({"m": 5, "load": 0})

    assert (judgement.verdict, judgement.counts_as) == (Verdict.NO_DATA, Verdict.CRITICAL)


def test_verdict_and_since_outlive_a_restart(station: Station) -> None:
    """They are series of the store: a new judge goes on where the old one stopped."""
    observatory = observe(station, GAUGE)
    before = observatory.seconds(3, {"m": 21})
    observatory.restart()

    after = observatory.second({"m": 19.5})

    assert summary(after) == ("WARNING", 19.5, "recovers below 19", "")
    assert after.since_ms == before.since_ms


def test_what_is_kept_is_a_verdict_on_a_value(station: Station) -> None:
    """A restart while there is no data does not make NO DATA the verdict that counts on."""
    kpi = replace(GAUGE, condition="load > 0", no_data=NoDataPolicy.KEEP)
    observatory = observe(station, kpi)
    observatory.second({"m": 5, "load": 0})
    observatory.restart()

    judgement = observatory.second({"m": 5, "load": 0})

    assert (judgement.verdict, judgement.counts_as) == (Verdict.NO_DATA, Verdict.OK)


def test_verdicts_are_recorded_as_numbers(station: Station) -> None:
    """A history of verdicts can be queried: 0 OK ... 5 STALE, and since when."""
    observatory = observe(station, GAUGE)
    observatory.second({"m": 5})
    judgement = observatory.second({"m": 25})

    assert station.query("sakshi_kpi_verdict") == {'sakshi_kpi_verdict{kpi="k"}': 2.0}
    since = station.query("sakshi_kpi_verdict_since_seconds")
    assert list(since.values()) == [(judgement.since_ms or 0) / 1000]
    verdicts = [columns.values[:, 0].tolist() for columns in station.raw("sakshi_kpi_verdict")]
    assert verdicts == [[0.0, 2.0]]


def test_kpis_without_data_take_turns_to_be_looked_at(station: Station) -> None:
    """A pass examines so many; the others keep what was found, and have their turn."""
    kpis = [replace(GAUGE, name=f"k{number}", expr=f"m{number}") for number in range(50)]
    observatory = observe(station, *kpis)

    warned = []
    for _ in range(3):
        observatory.second({"other": 1})
        warned.append(sum(bool(each.ruling.warning) for each in observatory.judge.judgements))

    assert warned == [TURNS_MAX, 2 * TURNS_MAX, 50]


def test_an_expression_that_fails_is_said_and_stops_no_other(station: Station) -> None:
    """The engine's own words; the KPI beside it is judged."""
    bad = replace(GAUGE, name="bad", expr='label_replace(m, "a", "$1", "b", "(.*)") + on (x) n')
    observatory = observe(station, bad, replace(GAUGE, name="good"))

    observatory.second({"m": 5, 'n{y="1"}': 1, 'n{y="2"}': 1})
    judged_bad, judged_good = observatory.judge.judgements

    assert judged_bad.verdict is Verdict.NO_DATA
    assert judged_bad.ruling.reason == "its query failed"
    assert "many-to-many" in judged_bad.ruling.warning or "duplicate" in judged_bad.ruling.warning
    assert judged_good.verdict is Verdict.OK


def test_a_pass_that_cannot_be_judged_leaves_the_judgements_and_is_logged_once(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that cannot be asked is no reason to forget what is known."""
    observatory = observe(station, GAUGE)
    observatory.second({"m": 5})
    limits = EvaluationLimits(samples=0)
    engine = LocalEngine(station.store, station.clock, limits)
    witness = Witness(engine, station.store, [GAUGE], {}, SILENCE_MS_MAX)
    judge = Judge([GAUGE], witness, engine, station.store, "other.yml")

    with caplog.at_level(logging.WARNING):
        judge.judge(station.clock.now_ms())
        judge.judge(station.clock.now_ms())

    assert judge.judgements[0].ruling.reason == "not judged yet"
    assert len(caplog.records) == 1
    assert caplog.records[0].message.startswith("KPIs not judged error=")


def test_no_kpis_ask_nothing(station: Station) -> None:
    """A prometheus.yml costs nothing here."""
    judge = observe(station).judge

    judge.judge(station.clock.now_ms())

    assert judge.judgements == []
    assert station.store.series([], 0, 1 << 50) == []


def test_each_kpi_has_labels_of_its_own(station: Station) -> None:
    """Value, verdict and since when: one series each, known by the label `kpi`."""
    kpis = [replace(GAUGE, name=name, observations="m") for name in ("a", "b.c")]
    observatory = observe(station, *kpis)
    observatory.second({"m": 5})

    found = {
        (labels.name, labels["kpi"])
        for labels in station.store.series([], 0, 1 << 50)
        if "kpi" in labels
    }

    names = ("value", "verdict", "verdict_since_seconds")
    assert found >= {(f"sakshi_kpi_{name}", kpi.name) for name in names for kpi in kpis}
    assert Labels({"__name__": "sakshi_kpi_value", "kpi": "a"}) in station.store.series(
        [], 0, 1 << 50
    )
