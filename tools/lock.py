"""Resolve requirements/dev.in into requirements/dev.txt: versions and hashes, no addresses.

The lock is universal: one file for every supported Python and platform. The dependencies of sakshi
itself, with all extras, are read from pyproject.toml.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv>=0.9"


def main() -> int:
    """Write the lock; return the resolver's exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    own = [*project["build-system"]["requires"], *project["project"]["dependencies"], "editables"]
    own += [line for extra in extras for line in extra if not line.startswith("sakshi[")]
    tools = (ROOT / "requirements" / "dev.in").read_text()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        binaries = Path(folder) / "bin"
        subprocess.run([binaries / "pip", "install", "--quiet", UV], check=True)
        source = Path(folder) / "dev.in"
        source.write_text("\n".join([*own, tools]))
        options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
        quiet = ["--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        output = ROOT / "requirements" / "dev.txt"
        command = [binaries / "uv", "pip", "compile", *options, *quiet, source, "-o", output]
        return subprocess.run(list(map(str, command))).returncode


if __name__ == "__main__":
    sys.exit(main())
