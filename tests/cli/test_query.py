from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.cli.conftest import Done, Run


def test_an_answer_is_shown(sakshi: str, run: Run) -> None:
    """A line for each series; scalars alone; exit code 0."""
    done = run("query", 'label_replace(vector(1.5), "job", "chat", "", "")', "--url", sakshi)

    assert (done.code, done.output, done.error) == (0, '{job="chat"}  1.5\n', "")
    assert run("query", "1 + 1", "--url", f"{sakshi}/").output == "2\n"


def test_no_series_is_no_error(sakshi: str, run: Run) -> None:
    """Standard output stays empty for whoever counts its lines."""
    done = run("query", "nothing_like_this", "--url", sakshi)

    assert (done.code, done.output, done.error) == (0, "", "no series\n")


def test_a_moment_may_be_named(sakshi: str, run: Run) -> None:
    """In Unix seconds or RFC 3339."""
    for moment in ("1700000000", "2023-11-14T22:13:20Z"):
        assert run("query", "time()", "--time", moment, "--url", sakshi).output == "1700000000\n"


def test_a_range_has_a_line_for_each_moment(sakshi: str, run: Run) -> None:
    """Below its series, in UTC."""
    options = ["--start", "1700000000", "--end", "1700000030", "--step", "15s", "--url", sakshi]

    done = run("query", "vector(time())", *options)

    assert (done.code, done.error) == (0, "")
    assert done.output == (
        "{}\n"
        "  2023-11-14T22:13:20Z  1700000000\n"
        "  2023-11-14T22:13:35Z  1700000015\n"
        "  2023-11-14T22:13:50Z  1700000030\n"
    )


def test_a_range_ends_now_by_the_servers_clock(sakshi: str, run: Run) -> None:
    """Where nothing else is said."""
    now = float(run("query", "time()", "--url", sakshi).output)
    done = run("query", "vector(1)", "--start", str(now - 60), "--step", "60s", "--url", sakshi)

    assert done.code == 0
    assert len(done.output.splitlines()) in (2, 3)


def test_json_is_the_answer_as_it_came(sakshi: str, run: Run) -> None:
    """An error too, with the same exit code and the same words on standard error."""
    fine = run("query", "1", "--json", "--time", "5", "--url", sakshi)
    wrong = run("query", "1 +", "--json", "--url", sakshi)

    assert json.loads(fine.output) == {
        "status": "success",
        "data": {"resultType": "scalar", "result": [5, "1"]},
    }
    assert wrong.code == 2
    assert json.loads(wrong.output)["errorType"] == "bad_data"
    assert wrong.error.startswith("sakshi query: error: ")


def test_a_wrong_expression_is_pointed_at(sakshi: str, run: Run) -> None:
    """Exit code 2, the complaint, and a caret below the place."""
    done = run("query", "sum(up", "--url", sakshi)

    assert (done.code, done.output) == (2, "")
    message, line, caret = done.error.splitlines()
    assert message.endswith('1:7: expected an operator, "," or ")", found the end of the query')
    assert (line, caret) == ("  sum(up", "        ^")


def test_what_the_data_does_not_allow_is_said(sakshi: str, run: Run) -> None:
    """It is no mistake in the expression: exit code 1, and no caret."""
    query = 'vector(1) + on () (vector(1) or label_replace(vector(2), "a", "b", "", ""))'
    done = run("query", query, "--url", sakshi)

    assert (done.code, done.output) == (1, "")
    assert done.error.startswith("sakshi query: error: ")
    assert len(done.error.splitlines()) == 1


def test_remarks_of_the_server_are_passed_on(sakshi: str, run: Run) -> None:
    """Warnings and infos stand on standard error; the answer is shown all the same."""
    done = run("query", "rate(vector(1)[1m:1s])", "--url", sakshi)

    assert done.code == 0
    assert done.output == "{}  0\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--end", "5"], "--end and --step are of a range, which begins at --start"),
        (["--step", "5s"], "--end and --step are of a range, which begins at --start"),
        (["--time", "5", "--start", "1"], "either --time or --start"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: list[str], message: str, run: Run
) -> None:
    """Exit code 64, and nobody is asked."""
    done = run("query", "up", *options)

    assert (done.code, done.output, done.error) == (64, "", f"sakshi query: {message}\n")


def test_a_server_that_is_not_there_is_named(run: Run) -> None:
    """With what to do, and exit code 1."""
    done = run("query", "up", "--url", "http://127.0.0.1:1")

    assert (done.code, done.output) == (1, "")
    assert done.error == (
        "sakshi query: no answer from http://127.0.0.1:1: Connection refused\n"
        "Is `sakshi serve` running there? --url names another server.\n"
    )


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """Run a server that answers everything with the same, until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"<html>", 200, id="a page"),
        pytest.param(b"Not Found", 404, id="an error that is no JSON"),
        pytest.param(b"[]", 200, id="JSON of another kind"),
        pytest.param(b'{"a": 1}', 200, id="JSON of another API"),
        pytest.param(b"\xff\xfe\xff", 200, id="bytes"),
    ],
)
def test_a_server_of_another_kind_is_named(body: bytes, status: int, run: Run) -> None:
    """Whatever it says."""
    with answering(body, status) as url:
        done = run("query", "up", "--url", url)

    assert (done.code, done.output) == (1, "")
    assert done.error.startswith(f"sakshi query: {url} does not speak Prometheus' API\n")


def test_warnings_come_with_the_answer(run: Run) -> None:
    """A server may have something to say beside it."""
    answer = {
        "status": "success",
        "data": {"resultType": "scalar", "result": [1, "2"]},
        "warnings": ["incomplete"],
        "infos": ["rate of a gauge"],
    }
    with answering(json.dumps(answer).encode()) as url:
        done = run("query", "up", "--url", url)

    assert (done.code, done.output) == (0, "2\n")
    assert done.error == "warning: incomplete\nwarning: rate of a gauge\n"


def test_an_error_about_the_clock_ends_a_range_too(run: Run) -> None:
    """The server is asked for its clock first; what it says then is said."""
    with answering(b'{"status": "error", "errorType": "timeout", "error": "too late"}', 503) as url:
        done = run("query", "up", "--start", "1", "--url", url)

    assert (done.code, done.error) == (1, "sakshi query: error: too late\n")


def test_a_server_that_speaks_no_http_is_named(run: Run) -> None:
    """Its first line is no status line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        done = run("query", "up", "--url", url)
        thread.join()

    assert done.code == 1
    assert done.error.startswith(f"sakshi query: no answer from {url}: ")


def test_a_proxy_is_not_asked_for_this_machine(sakshi: str, run: Run) -> None:
    """`http_proxy` is for others."""
    done = run("query", "1", "--url", sakshi, environment={"http_proxy": "http://127.0.0.1:1"})

    assert (done.code, done.output) == (0, "1\n")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches this process, though whoever runs the tests may have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_it_without_a_word(run: Run) -> None:
    """130, as shells expect it; no traceback."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def interrupt() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                os.kill(os.getpid(), signal.SIGINT)
                ended.wait(10)

        thread = threading.Thread(target=interrupt)
        thread.start()
        done = run("query", "up", "--url", f"http://127.0.0.1:{listener.getsockname()[1]}")
        ended.set()
        thread.join()

    assert done == Done(130, "", "")
