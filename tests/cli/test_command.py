from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import prometheus_client
import pytest
from tests.cli.conftest import Run, run_process

import sakshi
from sakshi.cli.command import COMMANDS

SOURCE = Path(sakshi.__file__).parents[1]
NAMES = [command.name for command in COMMANDS]


def test_help_lists_every_command(run: Run) -> None:
    """On standard output, with exit code 0."""
    done = run("--help")

    assert (done.code, done.error) == (0, "")
    assert [name for name in NAMES if f"\n    {name} " not in done.output] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_by_examples(name: str, run: Run) -> None:
    """The options, and below them command lines to copy."""
    done = run(name, "--help")

    assert done.code == 0
    assert done.output.startswith(f"usage: sakshi {name} ")
    assert f"\nexamples:\n  sakshi {name}" in done.output


def test_the_version_is_the_distributions(run: Run) -> None:
    """One line, for people and for scripts."""
    assert run("--version").output == f"sakshi {sakshi.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "sakshi: the following arguments are required: COMMAND"),
        (["sreve"], "sakshi: argument COMMAND: invalid choice: 'sreve'"),
        (["check"], "sakshi check: the following arguments are required: FILE"),
        (
            ["serve", "--listen", "9090"],
            'sakshi serve: argument --listen: expected HOST:PORT, found "9090"',
        ),
        (
            ["serve", "--listen", "127.0.0.1:99999"],
            'sakshi serve: argument --listen: expected a port up to 65535, found "99999"',
        ),
        (
            ["serve", "--external-url", "sakshi.example.org"],
            "sakshi serve: argument --external-url: "
            'expected an address like http://127.0.0.1:9090, found "sakshi.example.org"',
        ),
        (
            ["demo", "--port", "http"],
            'sakshi demo: argument --port: expected a port up to 65535, found "http"',
        ),
        (
            ["demo", "--duration", "-5"],
            'sakshi demo: argument --duration: expected a number of seconds above 0, found "-5"',
        ),
        (
            ["demo", "--duration", "soon"],
            'sakshi demo: argument --duration: expected a number of seconds above 0, found "soon"',
        ),
    ],
)
def test_a_wrong_command_line_is_an_error_of_usage(
    arguments: list[str], message: str, run: Run
) -> None:
    """Exit code 64, what is wrong, and how to get help; nothing on standard output."""
    done = run(*arguments)

    assert (done.code, done.output) == (64, "")
    assert message in done.error
    assert "--help`.\n" in done.error


def test_a_process_ends_with_the_code_of_its_command() -> None:
    """Scripts see what commands return."""
    assert run_process("--version").code == 0
    assert run_process("check", "/nonexistent.yml").code == 2
    assert run_process("query", "up", "--url", "http://127.0.0.1:1").code == 1
    assert run_process("query").code == 64


@pytest.fixture
def bare(tmp_path: Path) -> list[str]:
    """A Python with sakshi and the SDK's one dependency, and nothing else."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "prometheus_client").symlink_to(Path(prometheus_client.__file__).parent)
    (tmp_path / "site" / "sakshi").symlink_to(SOURCE / "sakshi")
    path = str(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {path!r}); from sakshi.cli import main; sys.exit(main())"
    )
    return [sys.executable, "-S", "-I", "-c", code]


def run_bare(bare: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*bare, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("command", "extra"), [("serve", "server"), ("demo", "demo"), ("check x.yml", "server")]
)
def test_a_missing_extra_is_named(command: str, extra: str, bare: list[str]) -> None:
    """After `pip install sakshi` alone, a command says what to install, in one line."""
    done = run_bare(bare, *command.split())

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"sakshi {command.split()[0]} needs more than the SDK: pip install 'sakshi[{extra}]'\n"
    )


def test_help_and_query_need_no_extra(bare: list[str]) -> None:
    """They run on the standard library."""
    assert run_bare(bare, "--help").returncode == 0
    assert run_bare(bare, "serve", "--help").returncode == 0
    done = run_bare(bare, "query", "up", "--url", "http://127.0.0.1:1")
    assert (done.returncode, "Connection refused" in done.stderr) == (1, True)


def test_a_reader_that_has_read_enough_is_no_error(tmp_path: Path) -> None:
    """`sakshi check ... | head -1` says nothing of a broken pipe."""
    path = tmp_path / "x.yml"
    path.write_text("")
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [sys.executable, "-m", "sakshi", "check", *[str(path)] * 3]

    done = subprocess.run(arguments, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_root_command_imports_no_server() -> None:
    """`sakshi --help` is quick: none of the server's packages is imported for it."""
    code = "import sys, sakshi.cli.command as c; c.build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"numpy", "yaml", "starlette", "httpx2", "asyncio"} & set(done.stdout.split())
