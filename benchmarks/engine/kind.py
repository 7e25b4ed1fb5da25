"""The kinds of subjects: how each is configured, started, and asked for its compact form.

A new kind is a class here and a line in `find_kind`.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.api import Api
from benchmarks.process import disk_bytes, free_port, installed_environment

NOBODY = "127.0.0.1:9"  # the discard port: vmalert insists on a notifier
MERGE_SECONDS = 5.0  # VictoriaMetrics merges in the background and does not say when it is done


@dataclass(frozen=True)
class Watch:
    """What a subject is to do.

    Args:
        ports: of the targets, in their order; each is scraped every second.
        rules: a rule file, whose groups say their interval.
        alertmanager: its address; empty: none.
        webhook: where alerts are posted to by a subject that does so itself; empty: nowhere.
    """

    ports: Sequence[int] = ()
    rules: Path | None = None
    alertmanager: str = ""
    webhook: str = ""


@dataclass(frozen=True)
class Place:
    """Where a subject lives.

    Args:
        config: its configuration file.
        data: its folder.
        port: of its API.
    """

    config: Path
    data: Path
    port: int


class Kind(ABC):
    """A kind of subject."""

    needs_alertmanager = True
    """Whether it hands alerts to an Alertmanager rather than to the webhook."""

    keeps_answers = False
    """Whether it keeps answers of range queries, and can be told not to (`nocache`)."""

    @abstractmethod
    def command(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return the command line that serves until SIGTERM."""

    def environment(self) -> Mapping[str, str] | None:
        """Return its environment; None: this process' own."""
        return None

    def rule_runner(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return the command line of a second process, for the rules; empty: none is needed."""
        return ()

    def configuration(self, watch: Watch) -> str:
        """Return the configuration file: a prometheus.yml."""
        lines = ["global:", "  scrape_interval: 1s", "  scrape_timeout: 1s"]
        lines += self.rule_configuration(watch)
        if watch.ports:
            lines += ["scrape_configs:", "- job_name: bench", "  static_configs:"]
        for index, port in enumerate(watch.ports):
            lines += [
                f"  - targets: ['127.0.0.1:{port}']",
                f"    labels: {{instance: t{index:02d}}}",
            ]
        return "\n".join(lines) + "\n"

    def rule_configuration(self, watch: Watch) -> Sequence[str]:
        """Return the lines that follow those of `global`."""
        lines = ["  evaluation_interval: 1s"]
        if watch.rules:
            lines.append(f"rule_files: ['{watch.rules}']")
        if watch.alertmanager:
            lines += ["alerting:", "  alertmanagers:", "  - static_configs:"]
            lines.append(f"    - targets: ['{watch.alertmanager}']")
        return lines

    def compact(self, api: Api, data: Path) -> int | None:
        """Return the bytes of the store's own compact form; None: it cannot be asked for one."""
        return None

    def stopped_bytes(self, data: Path) -> int:
        """Return the bytes of the store at rest, after `compact` and a clean stop."""
        return disk_bytes(data)


class PrometheusKind(Kind):
    """Prometheus, without its informative log lines."""

    def __init__(self, program: str) -> None:
        self._program = program

    def command(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return its command line."""
        return [
            self._program,
            f"--config.file={place.config}",
            f"--storage.tsdb.path={place.data}",
            f"--web.listen-address=127.0.0.1:{place.port}",
            "--web.enable-admin-api",
            "--log.level=warn",
        ]

    def compact(self, api: Api, data: Path) -> int:
        """Return the size of a snapshot: its head written as a block."""
        name = api.json("/api/v1/admin/tsdb/snapshot", "POST")["data"]["name"]
        size = disk_bytes(data / "snapshots" / name)
        shutil.rmtree(data / "snapshots")
        return size


class VictoriaMetricsKind(Kind):
    """VictoriaMetrics' single server, with vmalert beside it where there are rules."""

    keeps_answers = True

    def __init__(self, program: str, vmalert: str) -> None:
        self._program = program
        self._vmalert = vmalert

    def command(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return its command line."""
        return [
            self._program,
            f"-promscrape.config={place.config}",
            f"-storageDataPath={place.data}",
            f"-httpListenAddr=127.0.0.1:{place.port}",
            "-search.latencyOffset=0s",
            "-retentionPeriod=1",
            "-loggerLevel=ERROR",
        ]

    def rule_runner(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return vmalert's command line."""
        if watch.rules is None:
            return ()
        url = f"http://127.0.0.1:{place.port}"
        return [
            self._vmalert,
            f"-rule={watch.rules}",
            f"-datasource.url={url}",
            f"-remoteWrite.url={url}",
            f"-httpListenAddr=127.0.0.1:{free_port()}",
            "-evaluationInterval=1s",
            "-loggerLevel=ERROR",
            f"-notifier.url=http://{watch.alertmanager or NOBODY}",
        ]

    def rule_configuration(self, watch: Watch) -> Sequence[str]:
        """Return nothing: vmalert is told on its command line."""
        return ()

    def compact(self, api: Api, data: Path) -> None:
        """Have it merge its parts."""
        api.request("/internal/force_flush")
        api.request("/internal/force_merge")
        time.sleep(MERGE_SECONDS)

    def stopped_bytes(self, data: Path) -> int:
        """Return the size without the caches that it saves when it stops."""
        return disk_bytes(data / "data") + disk_bytes(data / "indexdb")


class CommandKind(Kind):
    """Any command line that reads a prometheus.yml and has Prometheus' API.

    Args:
        template: with {config}, {data}, {port}, {rules}, {alertmanager} and {webhook}.
    """

    def __init__(self, template: str) -> None:
        self._template = template
        self.needs_alertmanager = "{alertmanager}" in template

    def command(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return the template, filled in."""
        return shlex.split(
            self._template.format(
                config=place.config,
                data=place.data,
                port=place.port,
                rules=watch.rules or "",
                alertmanager=watch.alertmanager,
                webhook=watch.webhook,
            )
        )


class SakshiKind(Kind):
    """`sakshi serve` of this Python, which posts to the webhook itself."""

    needs_alertmanager = False

    def command(self, place: Place, watch: Watch) -> Sequence[str]:
        """Return its command line."""
        address = f"127.0.0.1:{place.port}"
        arguments = ["--config", str(place.config), "--data", str(place.data), "--listen", address]
        return [sys.executable, "-m", "sakshi", "serve", *arguments, "--log-level", "warning"]

    def environment(self) -> Mapping[str, str]:
        """Return the environment of an installed sakshi."""
        return installed_environment()

    def configuration(self, watch: Watch) -> str:
        """Return a prometheus.yml with the section `notifications`."""
        text = super().configuration(watch)
        if not watch.webhook:
            return text
        return f"{text}notifications:\n" + "".join(
            f"  {line}\n" for line in notification_lines(watch.webhook)
        )


def notification_lines(webhook: str) -> Sequence[str]:
    """Return Alertmanager's configuration: every alert to the webhook, and at once."""
    return [
        "route: {receiver: hook, group_by: [alertname, slot], group_wait: 0s,",
        "  group_interval: 1s, repeat_interval: 1h}",
        "receivers:",
        "- name: hook",
        f"  webhook_configs: [{{url: '{webhook}', send_resolved: true}}]",
    ]


def find_kind(spec: str, programs: Mapping[str, str]) -> Kind:
    """Return the kind that a `--subject` names.

    Args:
        spec: `sakshi`, `prometheus`, `victoria-metrics` or `cmd:TEMPLATE`.
        programs: paths, by the keys of `settings.PROGRAMS`.

    Raises:
        ValueError: it names none.
    """
    if spec.startswith("cmd:"):
        return CommandKind(spec.removeprefix("cmd:"))
    match spec:
        case "sakshi":
            return SakshiKind()
        case "prometheus":
            return PrometheusKind(programs["prometheus"])
        case "victoria-metrics":
            return VictoriaMetricsKind(programs["victoria-metrics"], programs["vmalert"])
    raise ValueError(
        f'expected sakshi, prometheus, victoria-metrics or cmd:TEMPLATE; found "{spec}"'
    )
