"""Bring the real programs that tests run against: Prometheus, promtool, Alertmanager, Chromium.

Prometheus and Alertmanager are unpacked into `.build/peers`, not installed: Debian's packages would
start them as services on the ports that sakshi uses. A browser needs its libraries and fonts, so it
is installed, as root or with sudo; so are the two default templates that Debian's Alertmanager
looks for in /usr/share. Whatever is on the PATH already is used as it is.

Runs on the machine's own Python, so it uses nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".build" / "peers"
UNPACKED = {
    "prometheus": ["prometheus", "promtool"],
    "prometheus-alertmanager": ["prometheus-alertmanager"],
}
ALERTMANAGER_TEMPLATES = Path("usr/share/prometheus/alertmanager")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ["chromium", "fonts-dejavu-core"]


class AptError(Exception):
    """Debian packages that could not be had, with what a person can do about it."""


def main() -> int:
    """Bring every peer that is not here yet; say what a person has to install where that fails."""
    failures = []
    for package, programs in UNPACKED.items():
        if all(find_program(program) for program in programs):
            continue
        print(f"Unpacking Debian's {package} into {PEERS.relative_to(ROOT)} ...", flush=True)
        try:
            unpack(package)
        except AptError as error:
            failures.append(f"{', '.join(programs)}: {error}")
    try:
        install_templates()
    except AptError as error:
        failures.append(f"prometheus-alertmanager: {error}")
    if not any(map(shutil.which, BROWSERS)):
        print("Installing Chromium ...", flush=True)
        try:
            apt_install(BROWSER_PACKAGES)
        except AptError as error:
            failures.append(f"chromium: {error}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def find_program(name: str) -> str | None:
    """Return the path of a peer, unpacked here or on the PATH; None where it is missing."""
    return shutil.which(name, path=f"{PEERS / 'usr' / 'bin'}{os.pathsep}{os.environ['PATH']}")


def unpack(package: str) -> None:
    """Download a Debian package and unpack it into `.build/peers`, without installing it."""
    needed = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if needed:
        raise AptError("this is not a Debian system: put the program on the PATH yourself")
    PEERS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        download = ["apt-get", "download", "-qq", package]
        if not run(download, cwd=folder):
            run(as_root(["apt-get", "update", "-qq"]))
            if not run(download, cwd=folder, show=True):
                raise AptError(f"`apt-get download {package}` failed; see above")
        for archive in Path(folder).glob("*.deb"):
            if not run(["dpkg", "-x", str(archive), str(PEERS)], show=True):
                raise AptError(f"`dpkg -x {archive.name}` failed; see above")


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


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages, as root or with a sudo that asks for no password.

    Raises:
        AptError: it could not be done; the message is the command for a person to run.
    """
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    by_hand = f"install it by hand: sudo apt-get install {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise AptError(
            f"this is not a Debian system: install {' '.join(packages)} by its own means"
        )
    if os.geteuid() != 0 and not run(["sudo", "-n", "true"]):
        raise AptError(f"root is needed; {by_hand}")
    if run(as_root(command)):
        return
    run(as_root(["apt-get", "update", "-qq"]))
    if not run(as_root(command), show=True):
        raise AptError(f"apt-get failed, see above; {by_hand}")


def as_root(command: Sequence[str]) -> list[str]:
    """Return the command with sudo before it where this process is not root's."""
    return list(command) if os.geteuid() == 0 else ["sudo", "-n", *command]


def run(command: Sequence[str], *, cwd: str | None = None, show: bool = False) -> bool:
    """Tell whether a command succeeded; its output is shown only where `show` says so."""
    if shutil.which(command[0]) is None:
        return False
    output = None if show else subprocess.DEVNULL
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return (
        subprocess.run(command, cwd=cwd, stdout=output, stderr=output, env=environment).returncode
        == 0
    )


if __name__ == "__main__":
    sys.exit(main())
