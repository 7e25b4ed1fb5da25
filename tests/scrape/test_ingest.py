from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from tests.conftest import FakeClock
from tests.scrape.conftest import RecordingAppender, value_of

from sakshi.exposition import Exemplar, ExpositionFormat, Layout
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.scrape import ExemplarRing, RelabelAction, RelabelRule, ScrapeError
from sakshi.scrape.errors import LimitError
from sakshi.scrape.ingest import REPORT_NAMES, Ingester
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.series import SeriesLabeler
from sakshi.scrape.target import ScrapeConfig
from sakshi.storage import Appender, MemoryStore

YEAR_MS = 365 * 86_400_000
TARGET = Labels({"job": "chat", "instance": "a:1"})
SUFFIX = '{instance="a:1", job="chat"}'


class Target:
    """An ingester fed with text, as a loop feeds it."""

    def __init__(self, appender: Appender, metrics: ScrapeMetrics, **keys: Any) -> None:
        config = ScrapeConfig("chat", 1000, 1000, **keys)
        self.exemplars = ExemplarRing()
        appending = appender.target(TARGET)
        self.ingester = Ingester(TARGET, config, appending, metrics, self.exemplars)
        self.layout: Layout | None = None

    def scrape(self, timestamp_ms: int, body: str) -> None:
        data = body.encode()
        is_text = not body.endswith("# EOF\n")
        format = ExpositionFormat.TEXT if is_text else ExpositionFormat.OPENMETRICS
        reading = self.layout.read(data) if self.layout else None
        if self.layout is None or reading is None:
            self.layout = Layout.learn(data, self.layout, format)
            reading = self.layout.learned
        self.ingester.accept(timestamp_ms, self.layout, reading, 0.25)

    def fail(self, timestamp_ms: int) -> None:
        self.ingester.fail(timestamp_ms, 0.5)


@pytest.fixture
def target(appender: RecordingAppender, metrics: ScrapeMetrics) -> Target:
    return Target(appender, metrics)


def dropped(registry: CollectorRegistry, reason: str) -> float | None:
    return registry.get_sample_value("sakshi_scrape_samples_dropped_total", {"reason": reason})


def test_accept_appends_the_samples_and_a_report(
    appender: RecordingAppender, target: Target
) -> None:
    """A scrape is its samples, with the target's labels, and five series about itself."""
    target.scrape(1000, 'turns{channel="http"} 1\nactive 2\n')
    target.scrape(2000, 'turns{channel="http"} 3\nactive NaN\n')

    assert appender.samples('turns{channel="http", instance="a:1", job="chat"}') == [
        (1000, 1.0),
        (2000, 3.0),
    ]
    assert math.isnan(appender.samples(f"active{SUFFIX}")[1][1])  # type: ignore[arg-type] # a float
    assert [appender.samples(f"{name}{SUFFIX}") for name in REPORT_NAMES] == [
        [(1000, 1.0), (2000, 1.0)],
        [(1000, 0.25), (2000, 0.25)],
        [(1000, 2.0), (2000, 2.0)],
        [(1000, 2.0), (2000, 2.0)],
        [(1000, 2.0), (2000, 0.0)],
    ]


def test_accept_is_one_append_a_scrape(appender: RecordingAppender, target: Target) -> None:
    """Samples, report and stale markers of one scrape go in together."""
    target.scrape(1000, "a 1\nb 1\n")
    target.scrape(2000, "a 1\n")
    target.fail(3000)

    assert appender.target(TARGET).appends == 3


def test_accept_marks_a_series_that_is_gone_once(
    appender: RecordingAppender, target: Target
) -> None:
    """A series that the next scrape lacks gets one stale marker, and may come back."""
    target.scrape(1000, "a 1\nb 1\n")
    target.scrape(2000, "a 2\n")
    target.scrape(3000, "a 3\n")
    target.scrape(4000, "b 4\na 4\n")

    assert appender.samples(f"b{SUFFIX}") == [(1000, 1.0), (2000, "stale"), (4000, 4.0)]
    assert appender.samples(f"a{SUFFIX}") == [(1000, 1.0), (2000, 2.0), (3000, 3.0), (4000, 4.0)]
    assert appender.samples(f"scrape_series_added{SUFFIX}") == [
        (1000, 2.0),
        (2000, 0.0),
        (3000, 0.0),
        (4000, 1.0),
    ]


def test_fail_marks_every_series_once(appender: RecordingAppender, target: Target) -> None:
    """A failed scrape is up 0 and a stale marker a series; the next failure is only up 0."""
    target.scrape(1000, "a 1\n")
    target.fail(2000)
    target.fail(3000)
    target.scrape(4000, "a 4\n")

    assert appender.samples(f"a{SUFFIX}") == [(1000, 1.0), (2000, "stale"), (4000, 4.0)]
    assert appender.samples(f"up{SUFFIX}") == [(1000, 1.0), (2000, 0.0), (3000, 0.0), (4000, 1.0)]
    assert appender.samples(f"scrape_duration_seconds{SUFFIX}")[1:3] == [(2000, 0.5), (3000, 0.5)]
    assert appender.samples(f"scrape_samples_scraped{SUFFIX}")[1:3] == [(2000, 0.0), (3000, 0.0)]
    assert appender.samples(f"scrape_series_added{SUFFIX}") == [
        (1000, 1.0),
        (2000, 0.0),
        (3000, 0.0),
        (4000, 0.0),
    ]


def test_accept_of_nothing_is_up(appender: RecordingAppender, target: Target) -> None:
    """An empty exposition is a good one, as for Prometheus: up 1, and every series ends."""
    target.scrape(1000, "a 1\n")
    target.scrape(2000, "")

    assert appender.samples(f"a{SUFFIX}") == [(1000, 1.0), (2000, "stale")]
    assert appender.samples(f"up{SUFFIX}") == [(1000, 1.0), (2000, 1.0)]


def test_accept_keeps_the_first_of_repeated_series(
    appender: RecordingAppender, target: Target, registry: CollectorRegistry
) -> None:
    """A series that is exposed twice keeps its first sample; the scrape succeeds."""
    target.scrape(1000, 'a{x="1",y="2"} 1\na{y="2",x="1"} 2\nb 3\n')
    target.scrape(2000, 'a{x="1",y="2"} 4\na{y="2",x="1"} 5\nb 6\n')

    assert appender.samples('a{instance="a:1", job="chat", x="1", y="2"}') == [
        (1000, 1.0),
        (2000, 4.0),
    ]
    assert appender.samples(f"b{SUFFIX}") == [(1000, 3.0), (2000, 6.0)]
    assert appender.samples(f"up{SUFFIX}") == [(1000, 1.0), (2000, 1.0)]
    assert dropped(registry, "duplicate") == 2


def test_accept_lets_nobody_pose_as_the_report(
    appender: RecordingAppender, target: Target, registry: CollectorRegistry
) -> None:
    """A target that exposes `up` itself does not decide whether it is up."""
    target.scrape(1000, "up 0\na 1\n")
    target.fail(2000)

    assert appender.samples(f"up{SUFFIX}") == [(1000, 1.0), (2000, 0.0)]
    assert dropped(registry, "duplicate") == 1


def test_accept_takes_explicit_timestamps(appender: RecordingAppender, target: Target) -> None:
    """A sample with its own timestamp goes in at that time, and gets no stale marker."""
    target.scrape(10_000, "a 1 7000\na 2 8000\nb 1\n")
    target.scrape(11_000, "a 2 8000\nb 2\n")
    target.scrape(12_000, "b 3\n")
    target.fail(13_000)

    assert appender.samples(f"a{SUFFIX}") == [(7000, 1.0), (8000, 2.0)]
    assert appender.samples(f"b{SUFFIX}") == [
        (10_000, 1.0),
        (11_000, 2.0),
        (12_000, 3.0),
        (13_000, "stale"),
    ]
    assert appender.samples(f"scrape_series_added{SUFFIX}")[:2] == [(10_000, 2.0), (11_000, 0.0)]


def test_accept_ends_a_series_that_gets_timestamps(
    appender: RecordingAppender, target: Target
) -> None:
    """A series that begins to have timestamps is no longer the scrape's to keep alive."""
    target.scrape(1000, "a 1\n")
    target.scrape(2000, "a 2 1500\n")
    target.fail(3000)

    assert appender.samples(f"a{SUFFIX}") == [(1000, 1.0), (1500, 2.0), (2000, "stale")]


def test_accept_may_ignore_timestamps(appender: RecordingAppender, metrics: ScrapeMetrics) -> None:
    """Without honor_timestamps every sample is of the scrape's own time."""
    target = Target(appender, metrics, honor_timestamps=False)

    target.scrape(10_000, "a 1 7000\n")
    target.scrape(11_000, "a 2 7000\n")
    target.fail(12_000)

    assert appender.samples(f"a{SUFFIX}") == [(10_000, 1.0), (11_000, 2.0), (12_000, "stale")]


def test_accept_drops_what_cannot_be_kept_and_nothing_else(
    appender: RecordingAppender, target: Target, registry: CollectorRegistry
) -> None:
    """Samples that are too old, too far ahead or contradictory are counted; the rest stays."""
    target.scrape(10_000_000, "a 1 9000000\nb 1 9000000\nc 1 9000000\nd 1\n")
    target.scrape(
        10_001_000, "a 2 8000000\nb 2 9000000\nc 2 9500000\nc 3 9500000\nd 2\ne 1 10601001\n"
    )

    assert appender.samples(f"a{SUFFIX}") == [(9_000_000, 1.0)]
    assert appender.samples(f"b{SUFFIX}") == [(9_000_000, 1.0)]
    assert appender.samples(f"c{SUFFIX}") == [(9_000_000, 1.0), (9_500_000, 2.0)]
    assert appender.samples(f"d{SUFFIX}") == [(10_000_000, 1.0), (10_001_000, 2.0)]
    assert appender.samples(f"e{SUFFIX}") == []
    assert dropped(registry, "out_of_order") == 1
    assert dropped(registry, "duplicate") == 2
    assert dropped(registry, "too_far_ahead") == 1


def test_accept_survives_a_clock_that_steps_back(
    appender: RecordingAppender, target: Target, registry: CollectorRegistry
) -> None:
    """Rows from the past are dropped and counted; stale markers are owed until time goes on."""
    target.scrape(10_000, "a 1\nb 1\n")
    target.scrape(5_000, "a 2\nb 2\n")
    target.fail(6_000)
    target.scrape(11_000, "a 3\n")

    assert appender.samples(f"a{SUFFIX}") == [(10_000, 1.0), (11_000, 3.0)]
    assert appender.samples(f"b{SUFFIX}") == [(10_000, 1.0), (11_000, "stale")]
    assert appender.samples(f"up{SUFFIX}") == [(10_000, 1.0), (11_000, 1.0)]
    assert dropped(registry, "out_of_order") == 14


def test_a_clock_that_was_years_ahead_stops_no_scrapes(metrics: ScrapeMetrics) -> None:
    """Once it has come back, rows, failures and stale markers are taken as before."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    target = Target(store, metrics)
    now_ms = clock.now_ms()
    clock.move(10 * YEAR_MS)
    target.scrape(clock.now_ms(), "a 1\nb 1\n")
    clock.move(-10 * YEAR_MS)

    target.scrape(now_ms, "a 2\nb 2\n")
    target.scrape(now_ms + 1000, "a 3\n")
    target.fail(now_ms + 2000)

    found = store.select(
        [Matcher("__name__", MatchOperator.REGEX, "a|b|up")], now_ms, now_ms + 9000
    )
    values = {
        labels.name: columns.values[:, column].view(np.uint64).tolist()
        for columns in found
        for column, labels in enumerate(columns.series)
    }
    a, b, up = (
        [value if isinstance(value, str) else float(value) for value in map(value_of, values[name])]
        for name in ("a", "b", "up")
    )
    assert a == [2, 3, "stale"]
    assert b[:2] == [2, "stale"]
    assert up == [1, 1, 0]


def test_clock_that_steps_back_is_said_once(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    """Samples that are dropped for hours, target by target, do not go without a word."""
    target.scrape(7_210_000, "a 1\n")
    for timestamp_ms in (5_000, 6_000, 7_000, 7_211_000, 8_000):
        target.scrape(timestamp_ms, "a 2\n")

    assert [record.getMessage() for record in caplog.records] == [
        'samples are dropped, the clock is behind target={instance="a:1", job="chat"}'
    ] * 2


def test_accept_after_a_restart_with_a_wrong_clock(
    appender: RecordingAppender, metrics: ScrapeMetrics, registry: CollectorRegistry
) -> None:
    """A new process whose clock is behind the storage drops rows whole, at two attempts each."""
    exposition = "".join(f'a{{n="{n}"}} 1\n' for n in range(1000))
    Target(appender, metrics).scrape(10_000, exposition)
    attempts = appender.target(TARGET).attempts

    restarted = Target(appender, metrics)
    restarted.scrape(5_000, exposition + "b 2\n")
    restarted.fail(6_000)
    restarted.scrape(11_000, "b 3\n")

    assert appender.target(TARGET).attempts - attempts == 2 + 2 + 1
    assert appender.samples(f"b{SUFFIX}") == [(11_000, 3.0)]
    assert appender.samples(f"up{SUFFIX}") == [(10_000, 1.0), (11_000, 1.0)]
    assert dropped(registry, "out_of_order") == 1001 + 5 + 5


def test_who_pushes_the_report_stops_no_scrape(
    appender: RecordingAppender, target: Target, registry: CollectorRegistry
) -> None:
    """Where somebody else's `up` is newer, or another, the scrape's other samples are kept."""
    target.scrape(1000, "a 1\n")
    pushed = appender.target(TARGET)
    up = pushed.columns([Labels({"__name__": "up", "job": "chat", "instance": "a:1"})])
    pushed.append(2000, up, np.array([0.0]))
    target.scrape(2000, "a 2\n")
    pushed.append(9000, up, np.array([1.0]))
    target.scrape(3000, "a 3\n")

    assert appender.samples(f"a{SUFFIX}") == [(1000, 1.0), (2000, 2.0), (3000, 3.0)]
    assert appender.samples(f"up{SUFFIX}") == [(1000, 1.0), (2000, 0.0), (9000, 1.0)]
    assert appender.samples(f"scrape_samples_scraped{SUFFIX}")[1:] == [(2000, 1.0), (3000, 1.0)]
    assert (dropped(registry, "duplicate"), dropped(registry, "out_of_order")) == (1, 1)


def test_accept_refuses_more_than_the_limit(
    appender: RecordingAppender, metrics: ScrapeMetrics
) -> None:
    """A scrape above its sample_limit leaves nothing behind, not even a series."""
    target = Target(appender, metrics, sample_limit=2)
    target.scrape(1000, "a 1\nb 1\n")

    with pytest.raises(LimitError) as caught:
        target.scrape(2000, "a 1\nb 1\nc 1\n")

    assert str(caught.value) == "sample limit exceeded (number of samples: 3, limit: 2)"
    assert (caught.value.scraped, caught.value.remaining) == (3, 3)
    assert len(appender.samples(f"a{SUFFIX}")) == 1
    assert all(labels.name != "c" for labels in appender.target(TARGET).series)


def test_accept_honors_labels(appender: RecordingAppender, metrics: ScrapeMetrics) -> None:
    """With honor_labels an exposed instance stays, and an empty one stands for none."""
    target = Target(appender, metrics, honor_labels=True)

    target.scrape(1000, 'a{instance=""} 1\na{instance="b"} 2\na 3\n')

    assert appender.samples('a{job="chat"}') == [(1000, 1.0)]
    assert appender.samples('a{instance="b", job="chat"}') == [(1000, 2.0)]
    assert appender.samples(f"a{SUFFIX}") == [(1000, 3.0)]


def test_ingest_is_a_simple_model(appender: RecordingAppender, metrics: ScrapeMetrics) -> None:
    """Whatever comes and goes: each sample once, and one stale marker after each end."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    target = Target(appender, metrics)
    names = [f"m{index}" for index in range(12)]
    model: dict[str, list[tuple[int, float | str]]] = {name: [] for name in names}
    live: set[str] = set()
    order = names[:]

    for timestamp_ms in range(1000, 200_000, 1000):
        if rng.random() < 0.3:
            order = rng.sample(names, rng.randrange(len(names)))
        is_up = rng.random() < 0.8
        exposed = {name: float(rng.randrange(100)) for name in order} if is_up else {}
        if is_up:
            target.scrape(timestamp_ms, "".join(f"{n} {v:g}\n" for n, v in exposed.items()))
        else:
            target.fail(timestamp_ms)
        for name in names:
            if name in exposed:
                model[name].append((timestamp_ms, exposed[name]))
            elif name in live:
                model[name].append((timestamp_ms, "stale"))
        live = set(exposed)

    for name in names:
        assert appender.samples(f"{name}{SUFFIX}") == model[name], f"seed {seed}"


DROP = RelabelRule(RelabelAction.DROP, ["__name__"], regex="noise.*")
RENAME = RelabelRule(source_labels=["__name__"], regex="old_(.*)", target_label="__name__")


def test_series_are_relabelled(appender: RecordingAppender, metrics: ScrapeMetrics) -> None:
    """What is dropped is counted as scraped, and not as left; it makes no series."""
    target = Target(appender, metrics, metric_relabel_rules=[DROP, RENAME])

    target.scrape(1000, "old_turns 1\nnoise 2\nnoise_too 3\n")
    target.scrape(2000, "old_turns 4\nnoise 5\nnoise_too 6\n")
    target.scrape(3000, "noise 7\nold_turns 8\n")

    assert appender.samples(f"turns{SUFFIX}") == [(1000, 1.0), (2000, 4.0), (3000, 8.0)]
    assert [labels.name for labels in appender.target(TARGET).series] == [*REPORT_NAMES, "turns"]
    counts = [appender.samples(f"{name}{SUFFIX}") for name in REPORT_NAMES[2:]]
    assert counts == [
        [(1000, 3.0), (2000, 3.0), (3000, 2.0)],
        [(1000, 1.0), (2000, 1.0), (3000, 1.0)],
        [(1000, 1.0), (2000, 0.0), (3000, 0.0)],
    ]


def test_two_series_that_relabelling_makes_one_are_duplicates(
    appender: RecordingAppender, metrics: ScrapeMetrics, registry: CollectorRegistry
) -> None:
    """The first of them counts."""
    drop_label = RelabelRule(RelabelAction.LABEL_DROP, regex="path")
    target = Target(appender, metrics, metric_relabel_rules=[drop_label])

    target.scrape(1000, 'turns{path="a"} 1\nturns{path="b"} 2\n')

    assert appender.samples(f"turns{SUFFIX}") == [(1000, 1.0)]
    assert dropped(registry, "duplicate") == 1


def test_the_samples_that_are_left_count_for_the_limit(
    appender: RecordingAppender, metrics: ScrapeMetrics
) -> None:
    """As many as allowed are; one more is not, and what was appended before stays as it was."""
    target = Target(appender, metrics, sample_limit=2, metric_relabel_rules=[DROP])
    target.scrape(1000, "a 1\nnoise 2\nb 3\n")

    with pytest.raises(LimitError) as caught:
        target.scrape(2000, "a 1\nnoise 2\nb 3\nc 4\n")

    assert str(caught.value) == "sample limit exceeded (number of samples: 3, limit: 2)"
    assert (caught.value.scraped, caught.value.remaining) == (4, 3)
    assert len(appender.target(TARGET).series) == len(REPORT_NAMES) + 2
    target.scrape(3000, "a 5\nnoise 6\nb 7\n")
    assert appender.samples(f"b{SUFFIX}") == [(1000, 3.0), (3000, 7.0)]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"label_limit": 3}, "label_limit exceeded (metric: turns, number of labels: 4, limit: 3)"),
        (
            {"label_name_bytes_max": 8},
            "label_name_length_limit exceeded "
            "(metric: turns, label name: long_name, length: 9, limit: 8)",
        ),
        (
            {"label_value_bytes_max": 5},
            "label_value_length_limit exceeded "
            '(metric: turns, label name: long_name, value: "äöü", length: 6, limit: 5)',
        ),
    ],
)
def test_labels_have_limits(
    limits: dict[str, Any], message: str, appender: RecordingAppender, metrics: ScrapeMetrics
) -> None:
    """At the limit all is well; beyond it the scrape fails, and says how far it came."""
    body = 'a 1\nnoise 2\nturns{long_name="äöü"} 3\n'
    keys: dict[str, Any] = {"metric_relabel_rules": [DROP]}
    at_limit: dict[str, Any] = {name: limit + 1 for name, limit in limits.items()}
    SeriesLabeler(TARGET, ScrapeConfig("chat", 1000, 1000, **at_limit)).label(
        (("__name__", "turns"), ("long_name", "äöü"))
    )

    with pytest.raises(LimitError) as caught:
        Target(appender, metrics, **keys, **limits).scrape(2000, body)

    assert str(caught.value) == message
    assert (caught.value.scraped, caught.value.remaining) == (3, 1)


def test_a_series_without_a_name_fails_the_scrape(
    appender: RecordingAppender, metrics: ScrapeMetrics
) -> None:
    """As in Prometheus: nobody could ask for it."""
    unnamed = RelabelRule(target_label="__name__", replacement="")
    target = Target(appender, metrics, metric_relabel_rules=[unnamed])

    with pytest.raises(
        ScrapeError, match=r"^metric_relabel_configs left a series without a metric name$"
    ):
        target.scrape(1000, "a 1\n")


def test_the_end_marks_every_series_once(appender: RecordingAppender, target: Target) -> None:
    """Those of the report too; later than the last sample whatever the clock says."""
    target.ingester.end(500)
    target.scrape(1000, "a 1\nb 2\n")
    target.scrape(2000, "a 1\n")

    target.ingester.end(1500)

    assert appender.samples(f"a{SUFFIX}")[-1] == (2001, "stale")
    assert appender.samples(f"b{SUFFIX}") == [(1000, 2.0), (2000, "stale")]
    for name in REPORT_NAMES:
        assert [value for _, value in appender.samples(f"{name}{SUFFIX}")].count("stale") == 1


def test_exemplars_are_handed_on(appender: RecordingAppender, metrics: ScrapeMetrics) -> None:
    """With the stored labels, and a time: their own, their sample's, or the scrape's."""
    target = Target(appender, metrics, metric_relabel_rules=[DROP, RENAME])
    body = (
        'old_a 1 # {t="x"} 1 0.5\nold_b 2 0.25 # {t="y"} 2\nold_c 3 # {t="z"} 3\n'
        'noise 4 # {t="n"} 4\n# EOF\n'
    )

    target.scrape(1000, body)
    target.scrape(2000, body)

    any_series = [[Matcher("job", MatchOperator.EQUAL, "chat")]]
    found = target.exemplars.select(any_series, 0, 5000)
    assert {labels.name: kept for labels, kept in found.items()} == {
        "a": [Exemplar(Labels({"t": "x"}), 1.0, 500)],
        "b": [Exemplar(Labels({"t": "y"}), 2.0, 250)],
        "c": [Exemplar(Labels({"t": "z"}), 3.0, 1000)],
    }
