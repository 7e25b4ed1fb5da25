"""Make the virtual environment: locked dependencies with hashes, then sakshi itself, editable.

Runs on the machine's own Python, so it uses nothing but the standard library.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_MIN = (3, 11)


def main() -> int:
    """Create or update the environment in the folder that the first argument names."""
    if sys.version_info < PYTHON_MIN:
        found = ".".join(map(str, sys.version_info[:3]))
        print(
            f"sakshi needs Python 3.11 or newer; {sys.executable} is {found}. "
            "Name another one: make PYTHON=python3.12 ...",
            file=sys.stderr,
        )
        return 1
    folder = Path(sys.argv[1])
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Creating the virtual environment in {folder} ...", flush=True)
        if not create_environment(folder):
            return 1
    print("Installing the locked dependencies ...", flush=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    steps = [
        [*pip, "--require-hashes", "--requirement", str(ROOT / "requirements" / "dev.txt")],
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    ]
    return next((code for step in steps if (code := subprocess.run(step).returncode)), 0)


def create_environment(folder: Path) -> bool:
    """Create an environment with pip; Debian keeps what that takes in a package of its own."""
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    attempt = subprocess.run(command, capture_output=True, text=True)
    if attempt.returncode == 0:
        return True
    sys.path.insert(0, str(ROOT / "tools"))
    from debian import AptError, install

    try:
        install(["python3-venv"])
    except AptError as error:
        print(f"{attempt.stdout}{attempt.stderr}\n{error}", file=sys.stderr)
        return False
    return subprocess.run(command).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
