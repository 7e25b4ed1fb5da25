"""CPU and memory of the service, as shares of what it may use.

Idea: the strategy's `cpu_usage_percent` asks how near the service is to its limit. In a container
the limit is the control group's, v2 or v1; elsewhere it is the host. Both kinds of CPU source
become one pair of growing numbers, used and available core-seconds, and a ratio is the quotient of
two differences. Files are read below a root folder, so that a test can lay out a machine.

Source: kernel documentation, admin-guide/cgroup-v2 (cpu.max, cpu.stat, memory.max, memory.current,
memory.stat) and cgroup-v1 (cpu.cfs_quota_us, cpuacct.usage, memory.limit_in_bytes); proc(5).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from sakshi.instrument.shield import Shield

WINDOW_SECONDS_MIN = 0.5  # two scrapers may come together: a shorter difference is mostly rounding


class CpuTotals(NamedTuple):
    """Two growing numbers in the same unit; only differences of them mean something."""

    used: float
    available: float


class ResourceReader:
    """Reads control groups and /proc below `root`.

    Args:
        root: the folder that stands for `/`.
        timer: seconds that never step back.
    """

    def __init__(self, root: str = "/", timer: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self.timer = timer

    def cpu(self) -> CpuTotals:
        """Return the totals of the tightest control group with a quota, else of the host.

        Raises:
            OSError, ValueError: /proc is missing or unreadable.
        """
        return self._cpu_v2() or self._cpu_v1() or self._cpu_host()

    def memory_ratio(self) -> float:
        """Return used / limit of the tightest control group with a limit, else of the host.

        The page cache that the kernel can drop at once is not counted as used.

        Raises:
            OSError, ValueError, KeyError: /proc is missing or unreadable.
        """
        host = self._fields("proc/meminfo", unit=1024)
        total, available = host["MemTotal:"], host["MemAvailable:"]
        for limit, used in (self._memory_v2(), self._memory_v1()):
            if limit < total:  # a limit above the machine's memory is no limit
                return used / limit
        return (total - available) / total

    def _cpu_v2(self) -> CpuTotals | None:
        cores, folder = math.inf, ""
        for candidate in self._groups(""):
            words = self._text(f"{candidate}/cpu.max").split()
            if len(words) == 2 and words[0] != "max" and (c := _divide(*words)) < cores:
                cores, folder = c, candidate
        if not folder:
            return None
        used = self._fields(f"{folder}/cpu.stat")["usage_usec"] / 1e6
        return CpuTotals(used, self.timer() * cores)

    def _cpu_v1(self) -> CpuTotals | None:
        cores, folder = math.inf, ""
        for candidate in self._groups("cpu"):
            quota = self._number(f"{candidate}/cpu.cfs_quota_us", default=-1)
            period = self._number(f"{candidate}/cpu.cfs_period_us", default=100_000)
            if quota > 0 and quota / period < cores:
                cores, folder = quota / period, candidate
        if not folder:
            return None
        for candidate in self._groups("cpuacct"):
            used = self._number(f"{candidate}/cpuacct.usage", default=-1)
            if used >= 0:
                return CpuTotals(used / 1e9, self.timer() * cores)
        return None

    def _cpu_host(self) -> CpuTotals:
        # cpu user nice system idle iowait irq softirq steal (guest is inside user)
        ticks = [float(word) for word in self._read("proc/stat").split("\n", 1)[0].split()[1:9]]
        total = sum(ticks)
        return CpuTotals(total - ticks[3] - ticks[4], total)

    def _memory_v2(self) -> tuple[float, float]:
        """Return (limit, used) in bytes; the limit is infinite where none is set."""
        limit, folder = math.inf, ""
        for candidate in self._groups(""):
            word = self._text(f"{candidate}/memory.max").strip()
            if word not in ("", "max") and float(word) < limit:
                limit, folder = float(word), candidate
        if not folder:
            return math.inf, 0.0
        cache = self._fields(f"{folder}/memory.stat").get("inactive_file", 0.0)
        return limit, max(0.0, self._number(f"{folder}/memory.current", default=0) - cache)

    def _memory_v1(self) -> tuple[float, float]:
        """Return (limit, used) in bytes; the limit is infinite where none is set."""
        limit, folder = math.inf, ""
        for candidate in self._groups("memory"):
            number = self._number(f"{candidate}/memory.limit_in_bytes", default=math.inf)
            if number < limit:
                limit, folder = number, candidate
        if not folder:
            return math.inf, 0.0
        cache = self._fields(f"{folder}/memory.stat").get("total_inactive_file", 0.0)
        return limit, max(0.0, self._number(f"{folder}/memory.usage_in_bytes", default=0) - cache)

    def _groups(self, controller: str) -> Iterator[str]:
        """Yield the folders of this process' control group and of its parents, innermost first.

        The empty controller is v2. Inside a container the group's path may be the host's, which
        does not exist here; then only the mount itself remains, which is the container's group.
        """
        for line in self._text("proc/self/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller not in controllers.split(","):
                continue
            mounts = [controllers, controller] if controller else [""]
            for mount in dict.fromkeys(mounts):
                parts = [part for part in path.split("/") if part]
                for depth in range(len(parts), -1, -1):
                    yield "/".join(["sys/fs/cgroup", *filter(None, [mount]), *parts[:depth]])

    def _fields(self, path: str, unit: int = 1) -> dict[str, float]:
        """Return the `name number` lines of a file, each number times `unit`."""
        rows = (line.split() for line in self._text(path).splitlines())
        return {row[0]: float(row[1]) * unit for row in rows if len(row) >= 2}

    def _number(self, path: str, default: float) -> float:
        return float(self._text(path).strip() or default)

    def _text(self, path: str) -> str:
        """Return a file's text; empty where it cannot be read: not every group has every file."""
        try:
            return self._read(path)
        except OSError:
            return ""

    def _read(self, path: str) -> str:
        with open(os.path.join(self._root, path), encoding="ascii") as file:  # noqa: PTH118, PTH123 - pathlib is a tenth of the SDK's import time
            return file.read()


class ResourceCollector:
    """Exposes `service_cpu_usage_ratio` and `service_memory_usage_ratio`, both from 0 to 1."""

    def __init__(self, namespace: str, reader: ResourceReader, shield: Shield) -> None:
        self._prefix = f"{namespace}_" if namespace else ""
        self._reader, self._shield = reader, shield
        self._timer = reader.timer
        self._cpu_ratio: float | None = None
        self._totals: CpuTotals | None = None
        self._totals_at = 0.0
        self._cpu()  # the first reading is what the first scrape is compared with

    def describe(self) -> Iterable[Metric]:
        """Return both families without samples."""
        return [self._cpu_family(None), self._memory_family(None)]

    def collect(self) -> Iterable[Metric]:
        """Return both; a share that cannot be read has no sample."""
        return [self._cpu_family(self._cpu()), self._memory_family(self._memory())]

    def _cpu(self) -> float | None:
        """Return the share used since the last reading; the former one where that was just now."""
        try:
            now = self._timer()
            if self._totals is not None and now - self._totals_at < WINDOW_SECONDS_MIN:
                return self._cpu_ratio
            totals = self._reader.cpu()
            if self._totals is not None and totals.available > self._totals.available:
                used = totals.used - self._totals.used
                self._cpu_ratio = _share(used / (totals.available - self._totals.available))
            self._totals, self._totals_at = totals, now
        except Exception:
            self._shield.failed("cpu")
            return None
        return self._cpu_ratio

    def _memory(self) -> float | None:
        try:
            return _share(self._reader.memory_ratio())
        except Exception:
            self._shield.failed("memory")
            return None

    def _cpu_family(self, value: float | None) -> Metric:
        return GaugeMetricFamily(
            f"{self._prefix}service_cpu_usage_ratio",
            "CPU used, as a share of the container's quota or of the host.",
            value=value,
        )

    def _memory_family(self, value: float | None) -> Metric:
        return GaugeMetricFamily(
            f"{self._prefix}service_memory_usage_ratio",
            "Memory used, as a share of the container's limit or of the host.",
            value=value,
        )


def _divide(numerator: str, denominator: str) -> float:
    return float(numerator) / float(denominator)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
