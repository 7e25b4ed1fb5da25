from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from prometheus_client import CollectorRegistry
from tests.cli.conftest import Run
from tests.conftest import FakeClock
from tests.kpi.indicator import NOW_MS, make_recorded
from tests.kpi.strategy_store import fill_store

from sakshi.cli.baseline import find_first, judge
from sakshi.cli.baseline_report import (
    align,
    format_percent,
    format_value,
    render_junit,
    render_list,
    render_markdown,
    render_table,
    summarize,
)
from sakshi.config import read_configuration
from sakshi.kpi import BaselineFolder, Baselines
from sakshi.ledger.record import Delivery
from sakshi.model.alert import Transition
from sakshi.promql import LocalEngine
from sakshi.web import Receiver, Services, build_app, build_hub, listen, serve

EXAMPLE = Path(__file__).parents[2] / "examples" / "sakshi.yml"
UNKNOWN_NAME = 'sakshi baseline: error: there is no baseline "nobody"\n'


class NoLedger:
    """A ledger view of nothing."""

    def deliveries(self, limit: int) -> list[Delivery]:
        return []

    def transitions(self, limit: int) -> list[Transition]:
        return []


@dataclass(frozen=True)
class Strategy:
    """A sakshi whose last hour was the strategy's baseline."""

    url: str
    folder: BaselineFolder


@pytest.fixture
def strategy(tmp_path: Path) -> Iterator[Strategy]:
    configuration, clock = read_configuration(EXAMPLE, {}), FakeClock(NOW_MS)
    store, folder = fill_store(), BaselineFolder(tmp_path / "baselines", configuration.baselines)
    registry = CollectorRegistry()
    services = Services(
        engine=LocalEngine(store, clock),
        querier=store,
        rule_groups=tuple,
        alerts=tuple,
        targets=tuple,
        ledger=NoLedger(),
        kpis=configuration.kpis,
        clock=clock,
        registry=registry,
        version="1.2.3",
        readiness=str,
        receiver=Receiver(store, clock, registry),
        baselines=Baselines(configuration.indicators, folder),
    )
    with serving(services) as url:
        yield Strategy(url, folder)


@contextlib.contextmanager
def serving(services: Services) -> Iterator[str]:
    """Serve on loopback, on a thread of its own, until the block ends; gives the URL."""
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        hub = build_hub(services)
        app = build_app(services, hub)
        server = asyncio.create_task(
            serve(app, listener, asyncio.Event(), before_shutdown=hub.close)
        )
        await stop.wait()
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


# ------------------------------------------------------------------ the strategy's own numbers

STRATEGY_TITLE = (
    "preEnhancement (Before the enhancement), of the configuration; "
    "now: 1h until 2023-11-14T22:13:20.000Z\n\n"
)
STRATEGY_TABLE = """\
                         baseline     now  target  change  promised  reached  observations
responseTimes
  averageResponseTime      1800ms  1800ms  1600ms    0.0%     11.1%     0.0%        43,200  same
  p95ResponseTime          3200ms  3200ms  2800ms    0.0%     12.5%     0.0%        43,200  same
  p99ResponseTime          5100ms  5100ms  4500ms    0.0%     11.8%     0.0%        43,200  same
throughput
  averageRPS                 12/s    12/s    15/s    0.0%     25.0%     0.0%        43,200  same
  peakRPS                    25/s    25/s    35/s    0.0%     40.0%     0.0%        43,200  same
resources
  averageCPU                  45%     45%     40%    0.0%     11.1%     0.0%             -  same
  averageMemory               60%     60%     45%    0.0%     25.0%     0.0%             -  same
  peakCPU                     75%     75%     70%    0.0%      6.7%     0.0%             -  same
  peakMemory                  80%     80%     65%    0.0%     18.8%     0.0%             -  same
consciousness
  averageCoherence           0.82    0.82    0.88    0.0%      7.3%     0.0%             -  same
  averageProcessingTime    1200ms  1200ms  1000ms    0.0%     16.7%     0.0%        43,200  same
  crystalFormationRate        8/h     8/h    12/h    0.0%     50.0%     0.0%             8  same

0 of 12 targets reached
"""
PROMISES = ["11", "12.5", "11.8", "25", "40", "11", "25", "6.7", "18.8", "7.3", "16.7", "50"]


def test_the_strategys_baseline_is_where_the_strategy_says(strategy: Strategy, run: Run) -> None:
    """Measured from its own series: baseline and now are one, the promises are its own, in %."""
    done = run("baseline", "compare", "--url", strategy.url)

    assert (done.code, done.error) == (1, "")
    assert done.output == STRATEGY_TITLE + STRATEGY_TABLE


def test_the_promises_are_those_of_the_strategys_comments(strategy: Strategy, run: Run) -> None:
    """Rounded to the digits that are given there, each as it stands in the example beside it."""
    done = run("baseline", "compare", "--json", "--url", strategy.url)
    comments = re.findall(r"# ([\d.]+)% improvement", EXAMPLE.read_text())

    entries = json.loads(done.output)["data"]["entries"]

    assert comments == PROMISES
    for entry, comment in zip(entries, comments, strict=True):
        digits = len(comment.partition(".")[2])
        assert f"{entry['promised_percent']:.{digits}f}" == comment, entry["name"]
        assert entry["change_percent"] == 0.0


# --------------------------------------------------------------------------------- actions


def test_a_baseline_lives(strategy: Strategy, run: Run) -> None:
    """Recorded, shown, listed, compared with, replaced, deleted."""
    url = ("--url", strategy.url)

    recorded = run("baseline", "record", "now", "--over", "30m", "--title", "Right now", *url)
    shown = run("baseline", "show", "now", *url)
    assert (recorded.code, recorded.error) == (0, "")
    assert recorded.output == shown.output
    lines = shown.output.splitlines()
    assert lines[:2] == ["now (Right now), 30m until 2023-11-14T22:13:20.000Z", ""]
    assert len(lines) == 15
    assert lines[8].split() == ["resources.averageCPU", "45.51%", "-"]

    listed = run("baseline", "list", *url)
    assert listed.output == (
        "                values  over                  recorded\n"
        "preEnhancement      12     -                         -  Before the enhancement\n"
        "now                 12   30m  2023-11-14T22:13:20.000Z  Right now\n"
    )

    compared = run("baseline", "compare", "now", "--over", "30m", *url)
    assert compared.output.startswith(
        "now (Right now), 30m until 2023-11-14T22:13:20.000Z; now: 30m until "
    )

    again = run("baseline", "record", "now", "--over", "10m", *url)
    assert (again.code, again.error) == (
        2,
        "sakshi baseline: error: there is a baseline now already: replace it, or delete it\n",
    )
    assert run("baseline", "record", "now", "--over", "10m", "--replace", *url).code == 0
    assert strategy.folder.get("now").over_ms == 600_000

    deleted = run("baseline", "delete", "now", *url)
    assert (deleted.code, deleted.output, deleted.error) == (0, "deleted now\n", "")
    assert [baseline.name for baseline in strategy.folder.read_all()[0]] == ["preEnhancement"]


@pytest.mark.parametrize("arguments", [["compare"], ["show"], ["delete"]])
def test_an_unknown_name_is_bad_input(strategy: Strategy, run: Run, arguments: list[str]) -> None:
    """Exit code 2; with --json, the API's answer as well."""
    done = run("baseline", *arguments, "nobody", "--url", strategy.url)
    as_json = run("baseline", *arguments, "nobody", "--json", "--url", strategy.url)

    assert (done.code, done.output, done.error) == (2, "", UNKNOWN_NAME)
    assert (as_json.code, as_json.error) == (2, UNKNOWN_NAME)
    assert json.loads(as_json.output)["errorType"] == "not_found"


@pytest.mark.parametrize("name", ["../../query", "a/b", "a?b", "a b", "ä", "."])
def test_a_name_cannot_lead_elsewhere(strategy: Strategy, run: Run, name: str) -> None:
    """It is quoted on its way; nothing is called so."""
    assert run("baseline", "show", name, "--url", strategy.url).code == 2
    done = run("baseline", "record", name, "--over", "1h", "--url", strategy.url)
    assert (done.code, done.output) == (2, "")
    assert done.error.endswith(f'a letter or digit first, found "{name}"\n')


def test_what_was_not_recorded_is_a_warning(strategy: Strategy, run: Run) -> None:
    """Ten seconds have one sample, which has no rate, and no minute; what is left is recorded."""
    done = run("baseline", "record", "short", "--over", "10s", "--json", "--url", strategy.url)

    answer = json.loads(done.output)
    assert done.code == 0
    assert list(answer["data"]["values"]) == [
        "resources.averageCPU",
        "resources.averageMemory",
        "consciousness.averageCoherence",
    ]
    assert done.error.splitlines() == [f"warning: {text}" for text in answer["warnings"]]
    assert len(answer["warnings"]) == 9
    assert answer["warnings"][0] == "responseTimes.averageResponseTime: no series"


def test_a_damaged_file_is_a_warning(strategy: Strategy, run: Run, tmp_path: Path) -> None:
    """The others are listed."""
    strategy.folder.record(make_recorded("good"))
    (tmp_path / "baselines" / "bad.json").write_text("{}")

    done = run("baseline", "list", "--url", strategy.url)

    assert done.code == 0
    assert [line.split()[0] for line in done.output.splitlines()[1:]] == ["preEnhancement", "good"]
    assert done.error == (
        "warning: baselines/bad.json: expected an object of "
        "name, title, recorded_at, over, values, observations, found nothing\n"
    )


def test_json_is_the_answer_as_it_came(strategy: Strategy, run: Run) -> None:
    """Of each action."""
    url = ("--json", "--url", strategy.url)

    listed = json.loads(run("baseline", "list", *url).output)
    shown = json.loads(run("baseline", "show", "preEnhancement", *url).output)
    compared = json.loads(run("baseline", "compare", *url).output)

    assert len(listed["data"]["indicators"]) == 12
    assert shown["data"]["values"]["throughput.peakRPS"] == 25.0
    assert compared["data"]["missed"] == 12


def test_a_server_without_baselines_says_what_to_do(sakshi: str, run: Run) -> None:
    """Exit code 2: a name is missing."""
    done = run("baseline", "compare", "--url", sakshi)

    assert (done.code, done.output) == (2, "")
    assert done.error == (
        "sakshi baseline: error: the configuration has no baseline: "
        "name one that was recorded, or record one\n"
    )
    assert run("baseline", "list", "--url", sakshi).output == "no baselines\n"
    done = run("baseline", "record", "x", "--over", "1h", "--url", sakshi)
    assert (done.code, done.error) == (
        3,
        "sakshi baseline: error: there is nothing to record: no indicators\n",
    )


@pytest.mark.parametrize("arguments", [["compare"], ["list"], ["record", "x", "--over", "1h"]])
def test_a_server_that_is_not_there_is_named(arguments: list[str], run: Run) -> None:
    """Nothing is known then: exit code 3, with what to do."""
    done = run("baseline", *arguments, "--url", "http://127.0.0.1:1")

    assert (done.code, done.output) == (3, "")
    assert done.error == (
        "sakshi baseline: no answer from http://127.0.0.1:1: Connection refused\n"
        "Is `sakshi serve` running there? --url names another server.\n"
    )


PERIOD = 'argument --over: expected a duration like "1h" or "24h" above 0, found'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "sakshi baseline: the following arguments are required: ACTION"),
        (["comapre"], "sakshi baseline: argument ACTION: invalid choice: 'comapre'"),
        (["record"], "sakshi baseline record: the following arguments are required: NAME, --over"),
        (["show"], "sakshi baseline show: the following arguments are required: NAME"),
        (["compare", "--over", "0"], f'sakshi baseline compare: {PERIOD} "0"'),
        (["record", "x", "--over", "1 h"], f'sakshi baseline record: {PERIOD} "1 h"'),
        (
            ["compare", "--json", "--junit"],
            "sakshi baseline compare: argument --junit: not allowed with argument --json",
        ),
    ],
)
def test_a_wrong_command_line_is_an_error_of_usage(
    arguments: list[str], message: str, run: Run
) -> None:
    """Exit code 64, and nobody is asked."""
    done = run("baseline", *arguments)

    assert (done.code, done.output) == (64, "")
    assert message in done.error


@pytest.mark.parametrize("action", ["compare", "record", "list", "show", "delete"])
def test_every_action_explains_itself_by_examples(action: str, run: Run) -> None:
    """Its options, and below them command lines to copy."""
    done = run("baseline", action, "--help")

    assert done.code == 0
    assert f"\nexamples:\n  sakshi baseline {action}" in done.output


# --------------------------------------------------------------------------------- reports


def entry(name: str = "g.i", **fields: object) -> dict[str, Any]:
    return {
        "name": name,
        "group": name.partition(".")[0],
        "title": name,
        "unit": "ms",
        "better": "lower",
        "baseline": 1800.0,
        "now": 1650.0,
        "target": 1600.0,
        "change_percent": -8.3333,
        "promised_percent": 11.1111,
        "reached_percent": 75.0,
        "observations": 5112.0,
        "standing": "better",
        "reason": "",
        **fields,
    }


REACHED = entry("g.reached", now=1500.0, standing="reached")
MISSED = entry("g.missed")
SILENT = entry(
    "h.silent",
    title="a | b <c>",
    now=None,
    change_percent=None,
    reached_percent=None,
    observations=None,
    standing="no data",
    reason="no series",
)
FREE = entry("h.free", target=None, promised_percent=None, reached_percent=None, standing="worse")


def comparison(*entries: dict[str, Any]) -> dict[str, Any]:
    def count(*standings: str) -> int:
        return sum(e["standing"] in standings for e in entries if e["target"] is not None)

    return {
        "baseline": {"name": "b", "title": "b", "recorded_at": None, "over_seconds": None},
        "at": "2023-11-14T22:13:20.000Z",
        "over_seconds": 3600.0,
        "entries": entries,
        "reached": count("reached"),
        "missed": count("better", "worse", "same"),
        "unknown": count("no data"),
    }


@pytest.mark.parametrize(
    ("entries", "code", "footer"),
    [
        pytest.param([REACHED], 0, "1 of 1 target reached", id="reached"),
        pytest.param([REACHED, FREE], 0, "1 of 1 target reached", id="worse, without a target"),
        pytest.param([REACHED, MISSED], 1, "1 of 2 targets reached", id="missed"),
        pytest.param(
            [MISSED, SILENT], 1, "0 of 2 targets reached, 1 without data", id="missed and no data"
        ),
        pytest.param([REACHED, SILENT], 3, "1 of 2 targets reached, 1 without data", id="no data"),
        pytest.param([FREE], 0, "no indicator has a target", id="no target"),
        pytest.param(
            [{**FREE, "now": None, "standing": "no data"}],
            3,
            "no indicator has a target",
            id="no target, no data",
        ),
        pytest.param([], 0, "no indicator has a target", id="nothing"),
    ],
)
def test_the_exit_code_and_the_last_line(
    entries: list[dict[str, Any]], code: int, footer: str
) -> None:
    """A missed target outweighs missing data."""
    assert judge(comparison(*entries)) == code
    assert summarize(comparison(*entries)) == footer
    assert render_table(comparison(*entries))[-1] == footer


def test_a_table_is_aligned_and_says_why_there_is_no_data() -> None:
    """A heading for each group; a dash where there is no number."""
    assert render_table(comparison(REACHED, SILENT, FREE))[2:-2] == [
        "           baseline     now  target  change  promised  reached  observations",
        "g",
        "  reached    1800ms  1500ms  1600ms   -8.3%     11.1%    75.0%         5,112  reached",
        "h",
        "  silent     1800ms       -  1600ms       -     11.1%        -             -  "
        "no data: no series",
        "  free       1800ms  1650ms       -   -8.3%         -        -         5,112  worse",
    ]


def test_markdown_is_a_table() -> None:
    """Nothing in a title is taken for Markdown or HTML."""
    assert render_markdown(comparison(REACHED, SILENT)) == [
        "### b, of the configuration; now: 1h until 2023-11-14T22:13:20.000Z",
        "",
        "1 of 2 targets reached, 1 without data.",
        "",
        "| indicator | baseline | now | target | change | promised | reached | observations "
        "| standing |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        "| g.reached | 1800ms | 1500ms | 1600ms | -8.3% | 11.1% | 75.0% | 5,112 | reached |",
        "| a \\| b \\<c\\> | 1800ms | - | 1600ms | - | 11.1% | - | - | no data: no series |",
    ]


def test_junit_has_a_case_for_each_indicator() -> None:
    """Failed where the target is missed, skipped without data; what has no target passes."""
    silent = {**SILENT, "reason": 'no "series" <&\x1b>'}

    text = render_junit(comparison(REACHED, MISSED, silent, FREE))

    root = ElementTree.fromstring(text)
    [suite] = root
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    assert suite.attrib == {
        "name": "sakshi baseline b",
        "timestamp": "2023-11-14T22:13:20",
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert [
        (case.attrib["classname"], case.attrib["name"], [(e.tag, e.attrib) for e in case])
        for case in suite
    ] == [
        ("g", "reached", []),
        (
            "g",
            "missed",
            [("failure", {"message": "1650ms, the target is 1600ms", "type": "better"})],
        ),
        ("h", "silent", [("skipped", {"message": 'no "series" <&?>'})]),
        ("h", "free", []),
    ]


def test_the_forms_are_printed(strategy: Strategy, run: Run) -> None:
    """With the same exit code as the table."""
    markdown = run("baseline", "compare", "--markdown", "--url", strategy.url)
    junit = run("baseline", "compare", "--junit", "--url", strategy.url)

    assert (markdown.code, junit.code) == (1, 1)
    assert markdown.output.startswith("### preEnhancement (Before the enhancement), ")
    assert ElementTree.fromstring(junit.output).attrib["failures"] == "12"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1800.0, "ms", "1800ms"),
        (1234567.8, "bytes", "1234568bytes"),
        (999.94, "ms", "999.9ms"),
        (0.8234567, "ratio", "0.8235"),
        (12.0, "/s", "12/s"),
        (45.021, "%", "45.02%"),
        (80.0, "", "80"),
        (-0.5, "s", "-0.5s"),
        (1e300, "", "1e+300"),
        (None, "ms", "-"),
    ],
)
def test_values_have_four_digits_and_their_unit(value: float | None, unit: str, text: str) -> None:
    """Whole from a thousand on; a ratio has no unit."""
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("percent", "is_signed", "text"),
    [
        (18.75, False, "18.8%"),
        (25.0, True, "+25.0%"),
        (-8.3333, True, "-8.3%"),
        (-100.0, False, "-100.0%"),
        (-0.04, True, "0.0%"),
        (0.04, True, "0.0%"),
        (None, True, "-"),
    ],
)
def test_percentages_have_one_decimal(percent: float | None, is_signed: bool, text: str) -> None:
    """Zero has no sign."""
    assert format_percent(percent, signed=is_signed) == text


def test_columns_are_as_wide_as_their_widest() -> None:
    """The first to the left, the others to the right."""
    assert align([["a", "1", ""], ["long", "1000", "x"]]) == ["a        1", "long  1000  x"]


def test_no_baselines_are_said() -> None:
    """Instead of an empty table."""
    assert render_list([]) == ["no baselines"]


def test_the_first_of_the_configuration_is_meant() -> None:
    """Whatever was recorded."""
    baselines = [
        {"name": "a", "origin": "recorded"},
        {"name": "b", "origin": "configuration"},
        {"name": "c", "origin": "configuration"},
    ]

    assert find_first(baselines) == "b"
