"""`python -m sakshi.reference`: real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sakshi.reference import bind
from sakshi.reference.__main__ import main

COMMAND = [sys.executable, "-m", "sakshi.reference"]

pytestmark = pytest.mark.slow


class Processes:
    """Starts commands and ends what is left of them."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())["ready"]

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                assert stream is not None
                stream.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


def test_service_and_providers_run_as_processes_and_stop_cleanly(
    processes: Processes, tmp_path: Path
) -> None:
    """They say when they are ready, answer, and exit 0 on SIGTERM and SIGINT without a word."""
    providers, urls = processes.start("providers", "--port", "0", "--seed", "1")
    addresses = [f"--{name}-url={url}" for name, url in urls.items()]
    service, ready = processes.start("serve", "--port", "0", "--data", str(tmp_path), *addresses)

    body = json.dumps({"message": "Why tides?", "sessionId": "s"}).encode()
    request = urllib.request.Request(ready["service"] + "/api/consciousness/chat", body)
    with urllib.request.urlopen(request, timeout=10) as response:
        reply = json.loads(response.read())
    service.send_signal(signal.SIGTERM)
    providers.send_signal(signal.SIGINT)

    assert "tide" in reply["reply"].lower()
    for process in (service, providers):
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_they_end_with_their_parent(processes: Processes) -> None:
    """The end of standard input is the end of the parent, however it came."""
    providers, _ = processes.start("providers", "--port", "0", "--exit-with-parent")

    assert providers.stdin is not None
    providers.stdin.write("a word means nothing\n")
    providers.stdin.close()

    assert providers.wait(timeout=10) == 0


def test_a_taken_port_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    """It names the port and the option that changes it."""
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]

    result = subprocess.run(
        [*COMMAND, "serve", "--port", str(port), "--data", str(tmp_path), "--openai-url=http://x"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    taken.close()
    assert result.returncode == 3
    assert result.stderr == f"port {port} on 127.0.0.1 is taken: choose another with --port\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["--data", "{tmp}"],
            "error: expected the address of at least one provider, one of --openai-url, "
            "--venice-url, --gemini-url",
            id="no provider",
        ),
        pytest.param(
            ["--data", "{tmp}/file/data", "--openai-url=http://x"],
            "error: --data: expected a folder that can be written: ",
            id="no folder",
        ),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Before a port is opened."""
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(SystemExit) as exit:
        main(["serve", *(argument.format(tmp=tmp_path) for argument in arguments)])

    assert exit.value.code == 2
    assert message in capsys.readouterr().err
