from __future__ import annotations

import argparse
import http.server
import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.cli.conftest import Run

from sakshi.cli.client import Client
from sakshi.cli.command import build_parser
from sakshi.cli.screen import ENTER, LEAVE, draw, entered, is_screen
from sakshi.cli.status import redraw, repeat, show
from sakshi.cli.status_report import Status, describe_age, describe_distance, render_status
from sakshi.kpi import Verdict

AT = "2023-11-14T22:13:20.500Z"
AT_SECONDS = 1_700_000_000.5
LIMITS: Mapping[str, Any] = {
    "target": {"operator": "<", "value": 2000.0, "text": "<2000ms"},
    "warning": {"operator": ">", "value": 3000.0, "text": ">3000ms"},
    "critical": {"operator": ">", "value": 5000.0, "text": ">5000ms"},
}


def make_judgement(name: str = "k", verdict: str = "OK", **changes: Any) -> dict[str, Any]:
    judged = {
        "name": name,
        "value": 1240.4,
        "verdict": verdict,
        "since": "2023-11-14T22:01:10.000Z",
        "observations": 1312.2,
        "distances": {"target": 760.0, "warning": 1759.6, "critical": 3759.6},
        "counts_as": verdict,
        "reason": "",
        "warning": "",
    }
    return judged | changes


def make_kpi(name: str = "k", verdict: str = "OK", **changes: Any) -> dict[str, Any]:
    definition = {"group": "responseTime", "title": f"The {name}", "unit": "ms", "limits": LIMITS}
    return definition | make_judgement(name, verdict, **changes)


def make_status(*kpis: dict[str, Any], verdict: str = "OK", **changes: Any) -> Status:
    groups = {"responseTime": "Response time", "resources": "Resources"}
    status = Status("http://h", AT_SECONDS + 2.4, AT, verdict, groups, kpis)
    return replace(status, **changes)


def make_alert(
    state: str, name: str, annotations: Mapping[str, str] | None = None, **labels: str
) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": "too\nhigh"} if annotations is None else annotations,
        "state": state,
        "activeAt": "2023-11-14T22:10:20.500Z",
    }


def make_target(health: str, error: str = "") -> dict[str, Any]:
    return {"health": health, "scrapeUrl": "http://h:5000/metrics", "lastError": error}


def test_a_status_is_a_table_by_group() -> None:
    """What it is, what it should be, what is thought of it, for how long, what comes next."""
    status = make_status(
        make_kpi("mean"),
        make_kpi(
            "p95",
            "WARNING",
            value=2900.0,
            since=AT,
            observations=None,
            distances={"target": -900.0, "warning": 100.0, "critical": 2100.0},
            reason="recovers below 2850ms",
        ),
        make_kpi(
            "share",
            "NO DATA",
            group="resources",
            unit="ratio",
            value=None,
            since=None,
            observations=0.0,
            distances={},
            limits={"target": None, "warning": None, "critical": None},
            counts_as="OK",
            warning="no target exposes share",
        ),
        verdict="WARNING",
        alerts=[
            make_alert("pending", "Later", severity="info", kpi="mean"),
            make_alert("firing", "P95", severity="critical", instance="a:1"),
        ],
        targets=[make_target("up"), make_target("down", "timed out"), make_target("unknown")],
    )

    assert (
        "\n".join(render_status(status))
        == """\
WARNING  1 of 3 KPIs, 1 alert firing, 1 target down; judged 2s ago at http://h

              value   target  verdict  since    next limit              observations
Response time
  The mean   1240ms  <2000ms  OK       for 12m  760ms until off target         1,312
  The p95    2900ms  <2000ms  WARNING  for 0s   2100ms until critical              -
      recovers below 2850ms
Resources
  The share       -        -  NO DATA  -        -                                  0
      not judged; counts as OK
      warning: no target exposes share

Alerts: 1 firing, 1 pending
  firing   critical  P95{instance="a:1"}  for 3m  too high
  pending  info      Later                for 3m  too high

Targets: 1 down, 1 unknown, 1 up
  down  http://h:5000/metrics: timed out"""
    )


def test_the_first_line_says_the_whole() -> None:
    """How many KPIs count as the verdict, and what else is wrong; the rest may be out of sight."""
    alerts = [make_alert("firing", "A"), make_alert("firing", "B"), make_alert("pending", "C")]
    targets = [make_target("down"), make_target("down"), make_target("up")]
    kpis = [
        make_kpi(verdict="NO DATA", counts_as="CRITICAL"),
        make_kpi(verdict="CRITICAL", counts_as="OK"),
        make_kpi(verdict="OK"),
    ]
    status = make_status(*kpis, verdict="CRITICAL", alerts=alerts, targets=targets)

    assert render_status(status)[0] == (
        "CRITICAL  1 of 3 KPIs, 2 alerts firing, 2 targets down; judged 2s ago at http://h"
    )


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"summary": "s", "description": "d"}, "d"),
        ({"summary": "s", "description": ""}, "s"),
        ({"further": "f"}, ""),
    ],
)
def test_an_alert_says_the_most_that_it_can(annotations: dict[str, str], expected: str) -> None:
    """Its description has the numbers; its age is by the server's clock, not by the judgement."""
    alert = make_alert("firing", "A", annotations) | {"activeAt": "2023-11-14T22:12:22.500Z"}

    lines = render_status(make_status(alerts=[alert]))

    assert (
        lines[lines.index("Alerts: 1 firing") + 1] == f"  firing    A  for 1m  {expected}".rstrip()
    )


def test_nothing_is_said_in_words() -> None:
    """Without KPIs, alerts and targets."""
    assert render_status(make_status(verdict="NO DATA")) == [
        "NO DATA  0 KPIs; judged 2s ago at http://h",
        "",
        "No KPIs: the configuration declares none.",
        "",
        "Alerts: none",
        "",
        "Targets: none",
    ]


DISTANCES = {"target": 10.0, "warning": 20.0, "critical": 30.0}


@pytest.mark.parametrize(
    ("verdict", "distances", "expected"),
    [
        ("OK", DISTANCES, "10ms until off target"),
        ("OK", {"warning": 20.0, "critical": 30.0}, "20ms until warning"),
        ("OK", {"critical": 30.0}, "30ms until critical"),
        ("OK", {}, ""),
        ("OFF TARGET", DISTANCES | {"target": -5.0}, "20ms until warning"),
        ("OFF TARGET", {"target": -5.0, "critical": 30.0}, "30ms until critical"),
        ("OFF TARGET", {"target": -5.0}, "5ms beyond target"),
        ("OFF TARGET", {"target": 5.0}, "5ms behind target"),
        ("WARNING", DISTANCES, "30ms until critical"),
        ("WARNING", {"target": -9.0, "warning": -5.0}, "5ms beyond warning"),
        ("CRITICAL", DISTANCES | {"critical": -5.0}, "5ms beyond critical"),
        ("CRITICAL", DISTANCES, "30ms behind critical"),
        ("NO DATA", DISTANCES, ""),
        ("STALE", DISTANCES, ""),
    ],
)
def test_the_distance_is_that_to_the_next_worse_limit(
    verdict: str, distances: dict[str, float], expected: str
) -> None:
    """Where there is none, that to the limit which it stands at; none where it is not judged."""
    kpi = {"verdict": verdict, "unit": "ms", "distances": distances}

    assert describe_distance(kpi) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.9, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h59m"),
        (86_400, "1d"), (90_000, "1d1h"), (-5, "0s"),
    ],
)  # fmt: skip
def test_an_age_is_as_exact_as_it_is_of_use(seconds: float, expected: str) -> None:
    """Seconds below a minute, minutes below a day; none is negative."""
    assert describe_age(seconds) == expected


def test_a_narrow_terminal_has_fewer_columns() -> None:
    """The observations go first, then how long, then the distance; never value and verdict."""
    status = make_status(make_kpi())

    width = max(map(len, render_status(status)[2:]))
    widths = (width, width - 1, 65, 40, 1)
    headings = [render_status(status, width)[2].split() for width in widths]

    full = ["value", "target", "verdict", "since", "next", "limit", "observations"]
    assert headings[0] == full
    assert headings[1] == full[:-1]
    assert headings[2] == ["value", "target", "verdict", "next", "limit"]
    assert headings[3] == headings[4] == ["value", "target", "verdict"]


def make_alertmanager(port: int, error: str = "", **changes: int) -> dict[str, Any]:
    url = f"http://am:{port}/api/v2/alerts"
    return {"url": url, "waiting": 0, "refused": 0, "last_error": error, **changes}


def test_alertmanagers_that_are_not_told_are_named() -> None:
    """With what waits and why; those that are told are counted."""
    managers = [
        make_alertmanager(1),
        make_alertmanager(2, "connection\x1b refused", waiting=3),
        make_alertmanager(3, refused=1),
    ]

    assert render_status(make_status(alertmanagers=managers))[-4:] == [
        "",
        "Alertmanagers: 1 down, 2 told",
        "  down  http://am:2/api/v2/alerts: connection? refused; waiting: 3",
        "  http://am:3/api/v2/alerts: refused alerts: 1",
    ]


def test_what_others_say_does_not_steer_the_terminal() -> None:
    """Labels, annotations and errors come from whoever is watched."""
    alert = make_alert("firing", "A", {"summary": "\x1b]0;title\x07"}, instance="\x1b[2J")
    target = make_target("down", "\x07\r")

    text = "".join(render_status(make_status(alerts=[alert], targets=[target])))

    assert text.isprintable()
    assert 'A{instance="?[2J"}' in text


# ------------------------------------------------------------------------- the command


@dataclass
class Server:
    """Answers GET as sakshi does; tests change what before they ask.

    Args:
        status: of HTTP; 0: the connection is closed without an answer.
    """

    verdict: str = "OK"
    status: int = 200
    now: str = str(AT_SECONDS + 1)
    kpis: list[dict[str, Any]] = field(default_factory=lambda: [make_judgement()])
    url: str = ""

    def answer(self, path: str) -> dict[str, Any]:
        limits: dict[str, Any] = dict(LIMITS)
        defined = {"name": "k", "group": "g", "title": "Thé k", "unit": "ms", "expr": "x", **limits}
        answers: dict[str, Any] = {
            "sakshi/kpis": {"at": AT, "verdict": self.verdict, "kpis": self.kpis},
            "sakshi/dashboard": {"groups": [{"name": "g", "title": "G"}], "kpis": [defined]},
            "query": {"resultType": "scalar", "result": [AT_SECONDS, self.now]},
            "alerts": {"alerts": []},
            "targets": {"activeTargets": [make_target("up")]},
            "sakshi/alertmanagers": {"alertmanagers": []},
        }
        if self.status != 200:
            return {"status": "error", "errorType": "internal", "error": "out of order"}
        return {"status": "success", "data": answers[path.removeprefix("/api/v1/")]}


@contextmanager
def listening(server: Server) -> Iterator[None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not server.status:
                return
            body = json.dumps(server.answer(urlsplit(self.path).path)).encode()
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{listener.server_port}"
        try:
            yield
        finally:
            listener.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with listening(server):
        yield server


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("OK", 0), ("OFF TARGET", 0), ("WARNING", 1), ("CRITICAL", 2), ("NO DATA", 3), ("STALE", 3),
        ("SOMETHING NEW", 3),
    ],
)  # fmt: skip
def test_the_exit_code_is_the_verdict(verdict: str, code: int, server: Server, run: Run) -> None:
    """As monitoring plug-ins have it; what is not known is not well."""
    server.verdict = verdict

    done = run("status", "--url", server.url)

    assert (done.code, done.error) == (code, "")
    assert done.output.startswith(f"{verdict}  ")
    assert {*map(str, Verdict), "SOMETHING NEW"} >= {verdict}


def test_a_sakshi_that_watches_nothing_is_shown(sakshi: str, run: Run) -> None:
    """The real one: it has no KPIs, which is no data."""
    done = run("status", "--url", sakshi)

    assert (done.code, done.error) == (3, "")
    assert done.output.splitlines()[2:] == [
        "No KPIs: the configuration declares none.", "", "Alerts: none", "", "Targets: none",
    ]  # fmt: skip


def test_json_is_the_judgements_with_their_limits(server: Server, run: Run) -> None:
    """One line: the answer of the API, and of the definition what it takes to read it."""
    server.verdict, server.kpis = "CRITICAL", [make_judgement(warning="two series", later="kept")]

    done = run("status", "--json", "--url", server.url)

    described = {"group": "g", "title": "Thé k", "unit": "ms", "limits": LIMITS}
    assert done.code == 2
    assert "Thé k" in done.output
    assert len(done.output.splitlines()) == 1
    assert json.loads(done.output) == {
        "at": AT, "verdict": "CRITICAL", "kpis": [server.kpis[0] | described],
    }  # fmt: skip


def test_a_kpi_that_is_not_defined_any_more_is_left_out(server: Server, run: Run) -> None:
    """The server may have been started anew between its answers."""
    server.kpis = [make_judgement("old"), make_judgement()]

    assert [
        kpi["name"]
        for kpi in json.loads(run("status", "--json", "--url", server.url).output)["kpis"]
    ] == ["k"]


def test_no_answer_is_not_known(run: Run) -> None:
    """Exit code 3, and what to do."""
    done = run("status", "--url", "http://127.0.0.1:1")

    assert (done.code, done.output) == (3, "")
    assert done.error == (
        "sakshi status: no answer from http://127.0.0.1:1: Connection refused\n"
        "Is `sakshi serve` running there? --url names another server.\n"
    )


def test_an_error_is_passed_on(server: Server, run: Run) -> None:
    """In the server's words; it is not known how things stand."""
    server.status = 500

    done = run("status", "--url", server.url)

    assert (done.code, done.output) == (3, "")
    assert done.error.splitlines()[0] == (
        f"sakshi status: {server.url} does not say how it stands: out of order"
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"kpis": [{"title": "k"}]}, id="no name"),
        pytest.param({"kpis": [{"name": "k", "value": 1.0, "verdict": "OK"}]}, id="no since"),
        pytest.param({"kpis": None}, id="no list"),
        pytest.param({"now": "soon"}, id="no number"),
    ],
)
def test_an_answer_of_another_shape_is_no_traceback(
    changes: dict[str, Any], server: Server, run: Run
) -> None:
    """As of another version."""
    vars(server).update(changes)

    done = run("status", "--url", server.url)

    assert (done.code, done.output) == (3, "")
    assert done.error.splitlines()[0] == (
        f"sakshi status: {server.url} answers otherwise: is it a sakshi of this version?"
    )


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ([], None), (["--watch"], 2.0), (["--watch", "10"], 10.0), (["--watch=0.1"], 0.1),
        (["--watch=86400"], 86_400.0),
    ],
)  # fmt: skip
def test_it_is_watched_every_two_seconds_unless_told(
    arguments: list[str], seconds: float | None
) -> None:
    """And not at all where nobody asks for it."""
    assert build_parser().parse_args(["status", *arguments]).watch == seconds


@pytest.mark.parametrize("text", ["0", "0.09", "86401", "-1", "nan", "soon"])
def test_an_interval_that_is_none_is_refused(text: str, run: Run) -> None:
    """Exit code 64."""
    done = run("status", f"--watch={text}")

    assert (done.code, done.output) == (64, "")
    assert done.error.splitlines()[-2] == (
        f'sakshi status: argument --watch: expected seconds from 0.1 to 86400, found "{text}"'
    )


# --------------------------------------------------------------------------- watching


class Waits:
    """Waits for nothing; calls what it was given, one thing each time, then is interrupted."""

    def __init__(self, *actions: Any) -> None:
        self.seconds: list[float] = []
        self._actions = list(actions)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if not self._actions:
            raise KeyboardInterrupt
        self._actions.pop(0)()


def watching(server: Server, *, as_json: bool = False) -> argparse.Namespace:
    return argparse.Namespace(url=server.url, watch=7.0, json=as_json)


def test_watching_appends_where_nothing_can_be_drawn(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """A status below the other, and an error among them where there is one."""
    waits = Waits(lambda: setattr(server, "status", 500), lambda: setattr(server, "status", 200))

    with pytest.raises(KeyboardInterrupt):
        repeat(Client(server.url), watching(server), waits)

    captured = capsys.readouterr()
    assert captured.out.count("OK  1 KPI; judged 1s ago") == 2
    assert captured.err.count("out of order") == 1
    assert waits.seconds == [7.0] * 3


def test_watching_json_is_a_line_each(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """For `jq` and its like."""
    with pytest.raises(KeyboardInterrupt):
        repeat(Client(server.url), watching(server, as_json=True), Waits(lambda: None))

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["OK", "OK"]


def drawn(text: str) -> list[list[str]]:
    """Return the lines of each drawing between entering and leaving the screen."""
    assert text.startswith(ENTER)
    assert text.endswith(LEAVE)
    drawings = text.removeprefix(ENTER).removesuffix(LEAVE).split("\x1b[H")[1:]
    return [each.replace("\x1b[K", "").removesuffix("\x1b[J").split("\n") for each in drawings]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, "{url} does not say how it stands: out of order"),
        (0, "no answer from {url}: Remote end closed connection without response"),
    ],
)
def test_a_server_that_goes_away_is_said_above_what_was_known(
    status: int, message: str, server: Server
) -> None:
    """And forgotten when it is back; the screen is restored at Ctrl-C."""
    stream = io.StringIO()
    waits = Waits(lambda: setattr(server, "status", status), lambda: setattr(server, "status", 200))

    with pytest.raises(KeyboardInterrupt):
        redraw(Client(server.url), watching(server), stream, waits)

    first, lost, back = drawn(stream.getvalue())
    assert first == back
    assert first[0].startswith("OK  1 KPI")
    above = [message.format(url=server.url), "", f"The last that was known, at {AT}:", ""]
    assert lost == [*above, *first]
    assert waits.seconds == [7.0] * 3


def test_a_server_that_hangs_is_as_good_as_gone() -> None:
    """Where nothing was known before, there is nothing to show below."""
    stream = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(KeyboardInterrupt):
            redraw(Client(url, 0.05), watching(Server(url=url)), stream, Waits())

    assert drawn(stream.getvalue()) == [[f"no answer from {url}: timed out", ""]]


def test_no_more_is_drawn_than_the_terminal_holds(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In height and in width."""
    monkeypatch.setenv("LINES", "4")
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()

    with pytest.raises(KeyboardInterrupt):
        redraw(Client(server.url), watching(server), stream, Waits())

    [lines] = drawn(stream.getvalue())
    assert [line.split() for line in lines[1:]] == [
        [],
        ["value", "target", "verdict"],
        ["...", "6", "more", "lines"],
    ]


def test_a_drawing_is_one_write_that_blanks_nothing() -> None:
    """Each line is written over the old one, what is right of it erased, then what is below."""
    writes: list[str] = []

    class Recording(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    draw(Recording(), ["one", "two"], 5)

    assert writes == ["\x1b[Hone\x1b[K\ntwo\x1b[K\x1b[J"]


@pytest.mark.parametrize(
    ("height", "expected"),
    [(3, ["a", "b", "c"]), (2, ["a", "... 2 more lines"]), (1, ["... 3 more lines"])],
)
def test_a_low_terminal_is_not_scrolled(height: int, expected: list[str]) -> None:
    """What does not fit is counted on the last line."""
    stream = io.StringIO()

    draw(stream, ["a", "b", "c"], height)

    text = stream.getvalue().removeprefix("\x1b[H").removesuffix("\x1b[J")
    assert text.replace("\x1b[K", "").split("\n") == expected


def test_the_screen_is_restored_however_it_ends() -> None:
    """By an error too."""
    stream = io.StringIO()

    with pytest.raises(RuntimeError), entered(stream):
        raise RuntimeError

    assert stream.getvalue() == ENTER + LEAVE


def test_only_a_terminal_is_drawn_on() -> None:
    """And not one that knows no control characters."""
    controller, terminal = pty.openpty()
    with os.fdopen(controller), os.fdopen(terminal, "w") as stream:
        assert is_screen(stream, {"TERM": "xterm"})
        assert not is_screen(stream, {"TERM": "dumb"})
        assert not is_screen(stream, {})
    assert not is_screen(io.StringIO(), {"TERM": "xterm"})


@contextmanager
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Make standard output a terminal that shows colours; gives what was printed on it."""
    controller, printed_on = pty.openpty()
    os.set_blocking(controller, False)
    with os.fdopen(controller, "rb", 0) as reader, os.fdopen(printed_on, "w") as stream:

        def read() -> str:
            stream.flush()
            return (reader.read(65_536) or b"").decode().replace("\r\n", "\n")

        with monkeypatch.context() as patch:
            patch.setenv("TERM", "xterm")
            patch.delenv("NO_COLOR", raising=False)
            patch.setattr(sys, "stdout", stream)
            yield read


@pytest.mark.parametrize(
    ("verdict", "shown"),
    [
        ("OK", "\x1b[32mOK\x1b[0m"),
        ("OFF TARGET", "\x1b[33mOFF TARGET\x1b[0m"),
        ("WARNING", "\x1b[33mWARNING\x1b[0m"),
        ("CRITICAL", "\x1b[31mCRITICAL\x1b[0m"),
        ("STALE", "\x1b[33mSTALE\x1b[0m"),
        ("NO DATA", "NO DATA"),
    ],
)
def test_a_verdict_has_a_colour_on_a_terminal(
    verdict: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everywhere the same; what is not judged has none. The columns stay where they are."""
    with on_terminal(monkeypatch):
        lines = render_status(make_status(make_kpi(verdict=verdict), verdict=verdict))

    assert lines[0].startswith(f"{shown}  1 KPI")
    row = lines[4]
    assert f"  {shown}  " in row
    assert row.replace(shown, verdict).index("for 12m") == lines[2].index("since")


def test_a_narrow_terminal_is_asked_how_narrow(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed once fits, too."""
    monkeypatch.setenv("COLUMNS", "40")

    with on_terminal(monkeypatch) as read:
        code = show(Client(server.url), watching(server))
        lines = read().split("\n")

    assert code == 0
    assert lines[2].split() == ["value", "target", "verdict"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches processes of this one, though whoever runs the tests may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def watch(url: str, *options: str, until: bytes, end: bytes) -> tuple[int, bytes]:
    """Watch on a terminal, in a process of its own, and interrupt it.

    Args:
        url: of the server.
        options: of the command line.
        until: seen three times it is interrupted.
        end: the last that it prints; empty: whatever it is.
    """
    command = [sys.executable, "-m", "sakshi", "status", "--watch", "0.1", "--url", url, *options]
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    controller, terminal = pty.openpty()
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, env=environment) as process:
        seen = b""
        while seen.count(until) < 3:
            seen += os.read(controller, 65_536)
        process.send_signal(signal.SIGINT)
        while not seen.endswith(end):
            seen += os.read(controller, 65_536)
    os.close(controller)
    os.close(terminal)
    return process.returncode, seen


@pytest.mark.usefixtures("interruptible")
def test_json_is_not_drawn(server: Server) -> None:
    """On a terminal, too: a line below the other, without anything that steers it."""
    code, seen = watch(server.url, "--json", until=b"\n", end=b"")

    assert code == 130
    assert [json.loads(line)["verdict"] for line in seen.splitlines()[:3]] == ["OK"] * 3


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_gives_the_terminal_back(server: Server) -> None:
    """A real process on a real terminal: in colour, redrawn, restored, 130 as shells expect it."""
    code, seen = watch(server.url, until=b"\x1b[H", end=LEAVE.encode())

    assert code == 130
    assert seen.startswith(ENTER.encode())
    assert b"\x1b[32mOK\x1b[0m" in seen
