"""The house is as its documents say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sakshi"
PACKAGES = sorted(path.parent for path in SOURCE.glob("*/__init__.py"))
MODULES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "core", "misc"}
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_says_what_it_is_for(path):
    """Every module begins with a docstring, has a telling name, and is not the place for all."""
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert path.stem not in FORBIDDEN_NAMES
    assert len(text.splitlines()) <= 500, "split it"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_goes_in_and_what_comes_out(package):
    """Its `__init__` is where a reader begins."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))

    assert docstring is not None
    assert len(docstring.splitlines()) >= 3


def test_the_architecture_names_files_that_exist():
    """Each `package/file.py` of the document is there."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    names = set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text))

    assert len(names) > 30
    assert [name for name in sorted(names) if not (SOURCE / name).exists()] == []


def test_the_architecture_names_things_that_exist():
    """Each class, and each method, that stands in backticks is defined somewhere."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    code = "\n".join(path.read_text() for path in MODULES)
    classes = set(re.findall(r"`([A-Z]\w+)(?:\.(\w+))?`", text))

    missing = [
        f"{name}.{method}" if method else name
        for name, method in sorted(classes)
        if not re.search(rf"^(class {name}\b|{name} = )", code, re.MULTILINE)
        or (method and not re.search(rf"^    (async )?def {method}\b", code, re.MULTILINE))
    ]
    assert [name for name in missing if name not in ("ABSENT",)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_links_to_what_exists(path):
    """No link within the repository is dead."""
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())

    dead = [
        link
        for link in links
        if not link.startswith(("http://", "https://")) and not (path.parent / link).exists()
    ]
    assert dead == []


def test_the_sdk_imports_nothing_but_prometheus_client():
    """An application that instruments itself does not load a monitor."""
    code = (
        "import sys, prometheus_client, prometheus_client.exposition\n"
        "before = set(sys.modules)\n"
        "import sakshi.instrument\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    others = set(done.stdout.split()) - set(sys.stdlib_module_names)
    assert others <= {"sakshi", "prometheus_client"}


def test_no_lock_file_holds_an_address():
    """Versions and hashes are locked; from where they come is the machine's business."""
    for name in ("requirements/dev.txt", "ui/package-lock.json"):
        text = (ROOT / name).read_text()
        assert '"resolved"' not in text
        assert "--index-url" not in text
        assert "--find-links" not in text
