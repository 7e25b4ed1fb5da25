"""Processes under measurement: started, seen from outside through /proc, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.report import ROOT

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
BLOCK_BYTES = 512  # st_blocks counts these, whatever the file system's own are
STOP_SECONDS_MAX = 60.0
MEMORY_INTERVAL_SECONDS = 0.5
PEERS = ROOT / ".build" / "peers" / "usr" / "bin"


class Process:
    """A child in a process group of its own.

    Args:
        command: the program's path, and its arguments.
        log: its output is appended here.
        environment: None: this process' own.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._popen.poll() is None

    def stop(self, *, kill: bool = False) -> None:
        """End it and wait: by SIGTERM, or with all that it started by SIGKILL."""
        if self.is_running:
            if kill:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._popen.terminate()
        try:
            self._popen.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()


class PeakMemory(threading.Thread):
    """Samples a figure of bytes twice a second and keeps the greatest.

    Args:
        read: returns the bytes of this moment.
    """

    def __init__(self, read: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self._read = read
        self._peak_bytes = 0
        self._done = threading.Event()
        self.start()

    def run(self) -> None:
        """Sample until stopped."""
        while not self._done.wait(MEMORY_INTERVAL_SECONDS):
            self._peak_bytes = max(self._peak_bytes, self._read())

    def stop(self) -> int:
        """Return the greatest; 0 where there was no time to look."""
        self._done.set()
        self.join()
        return self._peak_bytes


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process, its descendants, and the children it waited for."""
    ticks = 0
    for pid in family(root):
        fields = _stat_fields(pid)
        if fields:
            ticks += sum(map(int, fields[11 : 15 if pid == root else 13]))
    return ticks * TICK_SECONDS


def memory_bytes(root: int) -> int:
    """Return the resident memory of a process and its descendants."""
    pages = 0
    for pid in family(root):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue  # it has ended meanwhile
    return pages * PAGE_BYTES


def family(root: int) -> list[int]:
    """Return a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat_fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def disk_bytes(folder: Path) -> int:
    """Return the bytes of the files in a folder: hard links once, holes not counted."""
    sizes: dict[int, int] = {}
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:
            continue  # deleted meanwhile
        if not path.is_dir():
            sizes[status.st_ino] = min(status.st_size, status.st_blocks * BLOCK_BYTES)
    return sum(sizes.values())


def free_port() -> int:
    """Return a port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def installed_environment() -> Mapping[str, str]:
    """Return an environment in which sakshi starts as where pip installed it: already compiled.

    The compiled files are kept in .build; the first start of all writes them and is slower.
    """
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(ROOT / ".build" / "benchmarks" / "pycache")}


def find_program(name: str) -> str | None:
    """Return the path of a peer, where `make peers` unpacks it or on the PATH; None: missing."""
    return shutil.which(name, path=f"{PEERS}{os.pathsep}{os.environ.get('PATH', '')}")
