"""Debian packages, downloaded and unpacked without being installed.

    stable     what this machine's own apt offers
    newest     the same mirror with the suite changed to sid, in an apt of its own below `.build`:
               the machine's apt is asked for its sources, and not changed

Programs that are linked statically (Go's) run from where they are unpacked, whatever the suite.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APT = ROOT / ".build" / "apt"
SUITE = "sid"
SOURCES = Path("/etc/apt")
COMPONENTS = ("main",)


class AptError(Exception):
    """Debian packages that could not be had, with what a person can do about it."""


def unpack(package: str, folder: Path) -> None:
    """Download a package of the machine's own suite and unpack it into a folder.

    Raises:
        AptError: it could not be had.
    """
    require_debian()
    with tempfile.TemporaryDirectory() as downloads:
        download = ["apt-get", "download", "-qq", package]
        if not run(download, cwd=downloads):
            run(as_root(["apt-get", "update", "-qq"]))
            if not run(download, cwd=downloads, show=True):
                raise AptError(f"`apt-get download {package}` failed; see above")
        unpack_archives(Path(downloads), folder)


def unpack_newest(packages: Sequence[str], folder: Path) -> None:
    """Download the newest packages that Debian has and unpack them into a folder.

    Raises:
        AptError: they could not be had; nothing was unpacked.
    """
    require_debian()
    options = private_apt()
    if not run(["apt-get", *options, "update", "-qq"]):
        raise AptError(f"the package lists of {SUITE} could not be fetched")
    with tempfile.TemporaryDirectory() as downloads:
        if not run(["apt-get", *options, "download", "-qq", *packages], cwd=downloads):
            raise AptError(f"{', '.join(packages)} could not be fetched from {SUITE}")
        unpack_archives(Path(downloads), folder)


def private_apt() -> list[str]:
    """Return the options that make apt use the machine's mirror, another suite, and our folders.

    Raises:
        AptError: the machine's sources name no mirror of Debian.
    """
    mirror = find_mirror()
    for name in ("lists/partial", "cache/archives/partial"):
        (APT / name).mkdir(parents=True, exist_ok=True)
    uri, key = mirror
    (APT / "newest.sources").write_text(
        f"Types: deb\nURIs: {uri}\nSuites: {SUITE}\nComponents: {' '.join(COMPONENTS)}\n"
        + (f"Signed-By: {key}\n" if key else "")
    )
    settings = {
        "Dir::Etc::sourcelist": APT / "newest.sources",
        "Dir::Etc::sourceparts": "/nonexistent",
        "Dir::State::lists": APT / "lists",
        "Dir::Cache": APT / "cache",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def find_mirror() -> tuple[str, str]:
    """Return the address of the machine's mirror of Debian, and the file of its key, if it has one.

    Raises:
        AptError: there is none: another distribution, or sources that are not understood.
    """
    for path in sorted(SOURCES.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^([\w-]+):\s*(.*)$", stanza, re.MULTILINE))
            uri = fields.get("URIs", "").split()[0] if fields.get("URIs") else ""
            if uri.rstrip("/").endswith("/debian"):
                return uri, fields.get("Signed-By", "")
    for path in [SOURCES / "sources.list", *sorted(SOURCES.glob("sources.list.d/*.list"))]:
        text = path.read_text() if path.exists() else ""
        for options, uri in re.findall(r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)", text, re.MULTILINE):
            if uri.rstrip("/").endswith("/debian"):
                key = re.search(r"signed-by=(\S+)", options)
                return uri, key[1] if key else ""
    raise AptError("the machine's apt sources name no mirror of Debian")


def unpack_archives(downloads: Path, folder: Path) -> None:
    """Unpack every package of a folder into another.

    Raises:
        AptError: one of them is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for archive in downloads.glob("*.deb"):
        if not run(["dpkg", "-x", str(archive), str(folder)], show=True):
            raise AptError(f"`dpkg -x {archive.name}` failed; see above")


def install(packages: Sequence[str]) -> None:
    """Install packages, as root or with a sudo that asks for no password.

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


def require_debian() -> None:
    """Go on where there are Debian's tools.

    Raises:
        AptError: there are none.
    """
    if any(shutil.which(tool) is None for tool in ("apt-get", "dpkg")):
        raise AptError("this is not a Debian system: put the program on the PATH yourself")


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
