"""CPU and memory of the service: control groups v2 and v1, and the host."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sakshi.instrument import Metrics, ResourceReader

GIB = 1024**3
STAT = "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n"
MEMINFO = "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:   6291456 kB\n"


class Timer:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Machine:
    """A folder laid out like `/`, with the files that the kernel would show."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.timer = Timer()
        self.write("proc/stat", STAT.format(busy=1000, idle=9000))
        self.write("proc/meminfo", MEMINFO)
        self.write("proc/self/cgroup", "")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "ascii")

    def expose(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        Metrics(registry, resources=ResourceReader(str(self.root), self.timer))
        return registry


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def cpu(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("service_cpu_usage_ratio")


def memory(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("service_memory_usage_ratio")


def test_without_limits_the_host_is_the_limit(machine: Machine) -> None:
    """Busy ticks by all ticks since the last scrape; memory that is not available by all memory."""
    registry = machine.expose()

    machine.write("proc/stat", STAT.format(busy=1300, idle=9700))
    machine.timer.seconds += 10

    assert cpu(registry) == pytest.approx(0.3)
    assert memory(registry) == pytest.approx(0.25)


def test_the_quota_of_a_v2_group_is_the_limit(machine: Machine) -> None:
    """Half a core of quota, two seconds used in ten: 40 %."""
    machine.write("proc/self/cgroup", "0::/\n")
    machine.write("sys/fs/cgroup/cpu.max", "50000 100000\n")
    machine.write("sys/fs/cgroup/cpu.stat", "usage_usec 7000000\nuser_usec 1\n")
    machine.write("sys/fs/cgroup/memory.max", f"{GIB}\n")
    machine.write("sys/fs/cgroup/memory.current", f"{GIB // 2}\n")
    machine.write("sys/fs/cgroup/memory.stat", f"anon 1\ninactive_file {GIB // 4}\n")
    registry = machine.expose()

    machine.write("sys/fs/cgroup/cpu.stat", "usage_usec 9000000\nuser_usec 1\n")
    machine.timer.seconds += 10

    assert cpu(registry) == pytest.approx(0.4)
    assert memory(registry) == pytest.approx(0.25)


def test_the_tightest_group_on_the_way_up_counts(machine: Machine) -> None:
    """A pod's limit holds for its containers that have none."""
    machine.write("proc/self/cgroup", "0::/pod/container\n")
    machine.write("sys/fs/cgroup/pod/container/memory.max", "max\n")
    machine.write("sys/fs/cgroup/pod/memory.max", f"{2 * GIB}\n")
    machine.write("sys/fs/cgroup/pod/memory.current", f"{GIB}\n")

    assert memory(machine.expose()) == pytest.approx(0.5)


def test_v1_groups_are_read_too(machine: Machine) -> None:
    """Quota and accounting may lie in different mounts; the cache does not count as used."""
    machine.write("proc/self/cgroup", "4:memory:/app\n3:cpu,cpuacct:/app\n2:cpuset:/\n0::/\n")
    machine.write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "200000\n")
    machine.write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n")
    machine.write("sys/fs/cgroup/cpu,cpuacct/app/cpuacct.usage", "1000000000\n")
    machine.write("sys/fs/cgroup/memory/app/memory.limit_in_bytes", f"{GIB}\n")
    machine.write("sys/fs/cgroup/memory/app/memory.usage_in_bytes", f"{GIB}\n")
    machine.write("sys/fs/cgroup/memory/app/memory.stat", f"total_inactive_file {GIB // 2}\n")
    registry = machine.expose()

    machine.write("sys/fs/cgroup/cpu,cpuacct/app/cpuacct.usage", "6000000000\n")
    machine.timer.seconds += 10

    assert cpu(registry) == pytest.approx(0.25)
    assert memory(registry) == pytest.approx(0.5)


def test_a_v1_quota_without_accounting_leaves_the_host(machine: Machine) -> None:
    """What was used of a quota is nowhere to be read: the host's own share is shown."""
    machine.write("proc/self/cgroup", "3:cpu:/app\n2:cpuacct:/app\n")
    machine.write("sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "200000\n")
    registry = machine.expose()

    machine.write("proc/stat", STAT.format(busy=1300, idle=9700))
    machine.timer.seconds += 10

    assert cpu(registry) == pytest.approx(0.3)


def test_a_limit_above_the_machine_is_no_limit(machine: Machine) -> None:
    """v1 writes "no limit" as a number of 2^63 bytes."""
    machine.write("proc/self/cgroup", "4:memory:/\n3:cpu:/\n")
    machine.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    machine.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n")

    assert memory(machine.expose()) == pytest.approx(0.25)


def test_two_scrapes_at_once_show_the_same(machine: Machine) -> None:
    """The second scraper does not see a difference over a few milliseconds."""
    registry = machine.expose()
    machine.write("proc/stat", STAT.format(busy=1500, idle=9500))
    machine.timer.seconds += 10
    first = cpu(registry)

    machine.write("proc/stat", STAT.format(busy=1501, idle=9500))
    machine.timer.seconds += 0.01

    assert cpu(registry) == first == pytest.approx(0.5)


def test_a_machine_without_proc_has_no_such_samples(machine: Machine) -> None:
    """Where nothing can be read nothing is claimed, and the rest of the page is served."""
    (machine.root / "proc/stat").unlink()
    (machine.root / "proc/meminfo").unlink()

    registry = machine.expose()

    assert cpu(registry) is None
    assert memory(registry) is None
    assert registry.get_sample_value("websocket_active_connections") == 0


def test_this_machine_can_be_read() -> None:
    """The real kernel's files give shares between 0 and 1."""
    reader = ResourceReader()

    assert 0 <= reader.memory_ratio() <= 1
    totals = reader.cpu()
    assert 0 <= totals.used <= totals.available
