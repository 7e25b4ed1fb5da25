"""Bring the real programs that tests run against: Prometheus, promtool, Alertmanager, Chromium.

    python tools/peers.py           what tests need
    python tools/peers.py --bench   VictoriaMetrics, too, which only benchmarks need

Prometheus and Alertmanager are unpacked into `.build/peers`, not installed: Debian's packages would
start them as services on the ports that sakshi uses. Prometheus is the newest that Debian has, for
its language is what sakshi speaks; where that one cannot be had, or does not run here, the
machine's own suite has an older one. A browser needs its libraries and fonts, so it is installed,
as root or with sudo; so are the two default templates that Debian's Alertmanager looks for. What is
on the PATH already is used as it is.

Runs on the machine's own Python, so it uses nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from debian import ROOT, AptError, as_root, install, run, unpack, unpack_newest

PEERS = ROOT / ".build" / "peers"
PROMETHEUS = ("prometheus", "promtool")
VICTORIA_METRICS = ("victoria-metrics", "vmalert")
ALERTMANAGER_TEMPLATES = Path("usr/share/prometheus/alertmanager")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ["chromium", "fonts-dejavu-core"]


def main() -> int:
    """Bring every peer that is not here yet; say what a person has to install where that fails."""
    steps: dict[str, Callable[[], None]] = {
        ", ".join(PROMETHEUS): bring_prometheus,
        "prometheus-alertmanager": bring_alertmanager,
        "chromium": bring_browser,
    }
    if "--bench" in sys.argv[1:]:
        steps["victoria-metrics"] = bring_victoria_metrics
    failures = []
    for name, step in steps.items():
        try:
            step()
        except AptError as error:
            failures.append(f"{name}: {error}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def bring_prometheus() -> None:
    """Unpack Prometheus and promtool: the newest ones, else those of the machine's own suite.

    Raises:
        AptError: neither could be had.
    """
    if all(find_program(program) for program in PROMETHEUS):
        return
    print(f"Unpacking Debian's newest Prometheus into {PEERS.relative_to(ROOT)} ...", flush=True)
    try:
        unpack_newest(PROMETHEUS, PEERS)
    except AptError as error:
        print(f"{error}: taking the older one of this machine's own suite", flush=True)
    if not all(runs(program) for program in PROMETHEUS):
        unpack("prometheus", PEERS)


def bring_victoria_metrics() -> None:
    """Unpack the newest VictoriaMetrics, with its runner of rules.

    Raises:
        AptError: it could not be had.
    """
    if all(find_program(program) for program in VICTORIA_METRICS):
        return
    folder = PEERS.relative_to(ROOT)
    print(f"Unpacking Debian's newest VictoriaMetrics into {folder} ...", flush=True)
    unpack_newest(["victoria-metrics"], PEERS)


def bring_alertmanager() -> None:
    """Unpack Alertmanager, and put its templates where it looks for them.

    Raises:
        AptError: it could not be had, or root is needed.
    """
    if not find_program("prometheus-alertmanager"):
        print(f"Unpacking Debian's Alertmanager into {PEERS.relative_to(ROOT)} ...", flush=True)
        unpack("prometheus-alertmanager", PEERS)
    install_templates()


def bring_browser() -> None:
    """Install Chromium where there is no browser of its kind.

    Raises:
        AptError: it could not be installed.
    """
    if not any(map(shutil.which, BROWSERS)):
        print("Installing Chromium ...", flush=True)
        install(BROWSER_PACKAGES)


def find_program(name: str) -> str | None:
    """Return the path of a peer, unpacked here or on the PATH; None where it is missing."""
    return shutil.which(name, path=f"{PEERS / 'usr' / 'bin'}{os.pathsep}{os.environ['PATH']}")


def runs(name: str) -> bool:
    """Tell whether a peer is here, and a program that this machine can run."""
    path = find_program(name)
    return path is not None and run([path, "--version"])


def install_templates() -> None:
    """Put Alertmanager's default templates where Debian's build of it looks for them.

    Raises:
        AptError: root is needed; the message is the command for a person to run.
    """
    source, destination = PEERS / ALERTMANAGER_TEMPLATES, "/" / ALERTMANAGER_TEMPLATES
    if destination.exists() or not source.exists():
        return
    commands = [["mkdir", "-p", str(destination)], ["cp", "-r", f"{source}/.", str(destination)]]
    if not all(run(as_root(command)) for command in commands):
        by_hand = " && ".join("sudo " + " ".join(command) for command in commands)
        raise AptError(f"root is needed; do it by hand: {by_hand}")


if __name__ == "__main__":
    sys.exit(main())
