"""Runs PromQL scripts: behaviour as text, in the language of Prometheus' promqltest.

    load 15s                                        samples from time 0, one every 15 s
        requests_total{job="api"}  0+10x4
    eval instant at 1m  rate(requests_total[1m])    a query, and what it must answer
        {job="api"}  0.6666666666666666
    eval range from 0 to 1m step 30s  requests_total
        requests_total{job="api"}  0 20 40
    eval instant at 1m  scalar(requests_total)
        40
    eval instant at 1m  requests_total + on() requests_total
        expect fail msg: the whole message      also: `expect fail`, `expect fail regex: ...`,
                                                `expect ordered`, `expect warn`, `expect info`
    clear                                           forget all samples

Any answer is compared in full: a series too many fails as one too few. Times are durations from 0.
Blank lines and comments (#) say nothing, but that a comment with "(unlike Prometheus 2.42: ...)"
above an evaluation keeps it from being compared with that version. Every `eval instant` is also
asked as a range of several steps, where its answer at that step must be the same.

Source:
    prometheus/prometheus promql/promqltest/README.md
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.promql.notation import append_series, iter_values, parse_labels, split_series

from sakshi.model.clock import SystemClock
from sakshi.model.duration import parse_duration
from sakshi.model.labels import Labels
from sakshi.promql.engine import QueryEngine, QueryResult, Samples, Scalar, Text, Vector
from sakshi.promql.errors import QueryError
from sakshi.promql.local import LocalEngine
from sakshi.storage import ABSENT, is_absent
from sakshi.storage.memory import MemoryStore

RELATIVE_TOLERANCE = 1e-12
UNLIKE = "(unlike Prometheus"

_LOAD = re.compile(r"load\s+(\w+)")
_INSTANT = re.compile(r"eval instant at (\S+)\s+(.+)")
_RANGE = re.compile(r"eval range from (\S+) to (\S+) step (\S+)\s+(.+)")


@dataclass
class Load:
    """Series to append: label sets and values."""

    interval_ms: int
    series: list[tuple[Labels, list[float]]] = field(default_factory=list)


@dataclass
class Clear:
    """Forget all samples."""


@dataclass
class Evaluation:
    """A query with what it must answer."""

    line: int
    query: str
    start_ms: int
    end_ms: int
    step_ms: int | None
    rows: list[str] = field(default_factory=list)
    expectations: list[str] = field(default_factory=list)
    is_unlike: bool = False

    def expects(self, what: str) -> bool:
        return any(expectation.split(maxsplit=1)[0] == what for expectation in self.expectations)


Command = Load | Clear | Evaluation


def parse_script(text: str) -> list[Command]:
    """Return the commands of a script."""
    commands: list[Command] = []
    comment = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            comment = line and comment + line
            continue
        if not raw[0].isspace():
            commands.append(_parse_command(line, number))
            if isinstance(commands[-1], Evaluation):
                commands[-1].is_unlike = UNLIKE in comment
            comment = ""
        else:
            _add_line(commands[-1], line)
    return commands


def _parse_command(line: str, number: int) -> Command:
    if line == "clear":
        return Clear()
    if match := _LOAD.fullmatch(line):
        return Load(parse_duration(match[1]))
    if match := _INSTANT.fullmatch(line):
        at_ms = parse_duration(match[1])
        return Evaluation(number, match[2], at_ms, at_ms, None)
    if match := _RANGE.fullmatch(line):
        start_ms, end_ms, step_ms = map(parse_duration, match.groups()[:3])
        return Evaluation(number, match[4], start_ms, end_ms, step_ms)
    raise AssertionError(f"line {number}: no command: {line}")


def _add_line(command: Command, line: str) -> None:
    if isinstance(command, Load):
        labels, values = split_series(line)
        command.series.append((parse_labels(labels), list(iter_values(values))))
    elif isinstance(command, Evaluation):
        if line.startswith("expect "):
            command.expectations.append(line.removeprefix("expect ").strip())
        else:
            command.rows.append(line)
    else:
        raise AssertionError(f"clear takes no lines: {line}")


@dataclass(frozen=True)
class Case:
    """One evaluation of a script, with the samples it sees."""

    loads: tuple[Load, ...]
    evaluation: Evaluation

    def store(self) -> MemoryStore:
        store = MemoryStore()
        for load in self.loads:
            append_series(store, load.series, load.interval_ms)
        return store


def iter_cases(path: Path) -> Iterator[Case]:
    """Yield the evaluations of a script file."""
    loads: tuple[Load, ...] = ()
    for command in parse_script(path.read_text()):
        if isinstance(command, Load):
            loads = (*loads, command)
        elif isinstance(command, Clear):
            loads = ()
        else:
            yield Case(loads, command)


def check(case: Case) -> None:
    """Fail unless the query answers what the script says."""
    engine = LocalEngine(case.store(), SystemClock())
    evaluation = case.evaluation
    if evaluation.expects("fail"):
        with pytest.raises(QueryError) as raised:
            _ask(engine, evaluation)
        _check_message(evaluation, str(raised.value))
        return
    result = _ask(engine, evaluation)
    _check_annotations(evaluation, result)
    expected, found = expected_answer(evaluation), found_answer(result)
    _check_answer(expected, found)
    if evaluation.expects("ordered"):
        assert list(found) == list(expected)
    if evaluation.step_ms is None and isinstance(result.value, Scalar | Vector):
        _check_as_range(engine, evaluation, expected)


def _ask(engine: QueryEngine, evaluation: Evaluation) -> QueryResult:
    if evaluation.step_ms is None:
        return engine.instant(evaluation.query, evaluation.start_ms)
    return engine.range(
        evaluation.query, evaluation.start_ms, evaluation.end_ms, evaluation.step_ms
    )


def _check_message(evaluation: Evaluation, message: str) -> None:
    for expectation in evaluation.expectations:
        _, _, wanted = expectation.partition(" ")
        if wanted.startswith("msg:"):
            assert message == wanted.removeprefix("msg:").strip()
        elif wanted.startswith("regex:"):
            assert re.search(wanted.removeprefix("regex:").strip(), message), message


def _check_annotations(evaluation: Evaluation, result: QueryResult) -> None:
    assert bool(result.warnings) == evaluation.expects("warn"), result.warnings
    if evaluation.expects("info"):
        assert result.infos
    if evaluation.expects("no_info"):
        assert not result.infos


def _check_as_range(engine: QueryEngine, evaluation: Evaluation, expected: Answer) -> None:
    """The same query asked for several steps has the same answer at this one."""
    step_ms = 7_000
    try:
        result = engine.range(
            evaluation.query,
            evaluation.start_ms - 3 * step_ms,
            evaluation.start_ms + 2 * step_ms,
            step_ms,
        )
    except QueryError:
        return  # another step is ambiguous; this one was not
    if "start()" in evaluation.query or "end()" in evaluation.query:
        return
    found = {
        None if isinstance(result.value, Scalar) else labels: [values[3]]
        for labels, values in found_answer(result).items()
        if not is_absent(np.array(values[3:4])).any()
    }
    _check_answer(expected, found)


Answer = dict[Labels | None, list[float]]
"""Values by label set, one a step, `ABSENT` for none; a scalar stands under None."""


def expected_answer(evaluation: Evaluation) -> Answer:
    """Return the answer that a script states."""
    steps = 1
    if evaluation.step_ms is not None:
        steps = (evaluation.end_ms - evaluation.start_ms) // evaluation.step_ms + 1
    answer: Answer = {}
    for row in evaluation.rows:
        labels_text, values_text = split_series(row)
        if values_text.strip():
            values = list(iter_values(values_text))
            answer[parse_labels(labels_text)] = values + [ABSENT] * (steps - len(values))
        else:
            answer[None] = list(iter_values(labels_text))
    return answer


def found_answer(result: QueryResult) -> Answer:
    """Return what an engine answered in the same form."""
    match result.value:
        case Scalar(values):
            return {None if len(values) == 1 else Labels(): values.tolist()}
        case Vector() as vector:
            table = vector.values.copy()
            if vector.present is not None:
                table[~vector.present] = ABSENT
            return {labels: list(table[:, column]) for column, labels in enumerate(vector.series)}
        case Samples(series):
            return {samples.labels: samples.values.tolist() for samples in series}
        case Text(text):
            raise AssertionError(f"no numbers in {text!r}")


def _check_answer(expected: Answer, found: Answer) -> None:
    assert set(found) == set(expected)
    for labels, values in expected.items():
        assert len(found[labels]) == len(values), labels
        for step, (wanted, value) in enumerate(zip(values, found[labels], strict=True)):
            assert _agree(wanted, value), f"{labels} at step {step}: {wanted} but {value}"


def _agree(wanted: float, value: float) -> bool:
    holes = is_absent(np.array([wanted, value]))
    if holes.any():
        return bool(holes.all())
    if math.isnan(wanted):
        return math.isnan(value)
    return math.isclose(wanted, value, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-15)
