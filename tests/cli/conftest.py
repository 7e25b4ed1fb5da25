"""Runs commands in this process and in others; serves a live sakshi on loopback."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.peers import prometheus as prometheus

from sakshi.cli import main

SECONDS_MAX = 60.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    output: str
    error: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in this process; its streams are no terminals."""

    def run_command(*arguments: str, environment: Mapping[str, str] | None = None) -> Done:
        for name, value in (environment or {}).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse: --help, and what is wrong with the command line
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run_command


def run_process(*arguments: str, folder: Path | None = None) -> Done:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "sakshi", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def serving(config: Path, data: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve until the block ends; gives the URL, and the process."""
    arguments = ["serve", "--config", str(config), "--data", str(data), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sakshi", *arguments, "--exit-with-parent", *options],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield read_url(process), process
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, rest


def read_url(process: subprocess.Popen[str]) -> str:
    """Return the address that a sakshi says that it answers at."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if " ready url=" in line:
            return line.split(" ready url=")[1].split(" ")[0]
    pytest.fail("sakshi did not start:\n" + "".join(lines))


@pytest.fixture(scope="session")
def sakshi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a sakshi that watches nothing."""
    folder = tmp_path_factory.mktemp("sakshi")
    config = folder / "sakshi.yml"
    config.write_text("global: {evaluation_interval: 1s}\n")
    with serving(config, folder / "data") as (url, _):
        yield url
