"""What is installed from the wheel is whole, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return Path(next(folder.glob("sakshi-*.whl")))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The `sakshi` of an environment that has the wheel and none of its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    command = [folder / "bin" / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=120)
    return Path(folder) / "bin" / "sakshi"


def test_the_wheel_is_whole(wheel):
    """Page, schemas, templates, facts, examples and types ship with it."""
    names = zipfile.ZipFile(wheel).namelist()

    for name in (
        "sakshi/py.typed",
        "sakshi/web/static/index.html",
        "sakshi/storage/schema.sql",
        "sakshi/ledger/schema.sql",
        "sakshi/ledger/alertmanagers.sql",
        "sakshi/reference/schema.sql",
        "sakshi/reference/standin/facts.txt",
        "sakshi/reference/traffic/questions.txt",
        "sakshi/alerting/templates/critical-alert.tmpl",
        "sakshi/demo/examples/sakshi.yml",
        "sakshi/demo/examples/alert-rules.yml",
    ):
        assert name in names
    assert [name for name in names if name.startswith("sakshi/web/static/assets/")]
    assert [name for name in names if name.startswith(("tests/", "ui/"))] == []


@pytest.mark.parametrize(
    ("command", "extra"),
    [("serve", "server"), ("check x.yml", "server"), ("demo", "demo")],
)
def test_without_its_extra_a_command_says_which_one_to_install(installed, command, extra):
    """The base install is the SDK; its command line explains itself."""
    done = subprocess.run([installed, *command.split()], capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert f"pip install 'sakshi[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_and_version_need_nothing(installed):
    """Without any dependency the command line can be read."""
    for argument in ("--help", "--version"):
        done = subprocess.run([installed, argument], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert "sakshi" in done.stdout


def test_the_installed_examples_are_fine(installed):
    """With its dependencies the wheel checks the examples that it carries."""
    examples = next(installed.parents[1].glob("lib/*/site-packages/sakshi/demo/examples"))
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    done = subprocess.run(
        [installed, "check", examples / "sakshi.yml"],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
    )

    assert done.returncode == 0, done.stderr
    assert str(examples) in done.stdout
