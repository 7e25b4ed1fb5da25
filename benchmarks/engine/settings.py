"""The settings of a run of the engine benchmark, and its command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.engine.exporter import FAULT_SLOTS
from benchmarks.process import find_program

PHASES = ("ingest", "query", "start", "cold", "crash", "rules", "detect")
PROGRAMS = {
    "prometheus": "prometheus",
    "victoria-metrics": "victoria-metrics",
    "vmalert": "vmalert",
    "alertmanager": "prometheus-alertmanager",
}


@dataclass(frozen=True)
class Settings:
    """What is measured, and how long.

    Args:
        phases: of PHASES.
        series: of all targets together.
        duration_seconds: of measured ingestion.
        repeat: how often every subject is measured.
        query_runs: of each query, after two that do not count.
        starts: after a clean stop, and again after kill -9.
        crash_seconds: of ingestion before the kill.
        rules_seconds: with rules, and again without.
        trials: faults, each in a slot of its own.
        work: where data folders are made; None: in the system's temporary folder.
        is_kept: whether the data folders stay.
        programs: paths of the peers, by the keys of PROGRAMS.
    """

    phases: tuple[str, ...] = PHASES[:-1]
    series: int = 10_000
    targets: int = 10
    duration_seconds: float = 120.0
    repeat: int = 1
    query_runs: int = 9
    starts: int = 3
    crash_seconds: float = 20.0
    rules_seconds: float = 30.0
    trials: int = 20
    seed: int = 1
    work: Path | None = None
    is_kept: bool = False
    programs: Mapping[str, str] = field(
        default_factory=lambda: {key: find_program(name) or name for key, name in PROGRAMS.items()}
    )

    def measured(self) -> Mapping[str, object]:
        """Return the settings that change what is measured."""
        hidden = ("work", "is_kept", "programs")
        return {name: value for name, value in asdict(self).items() if name not in hidden}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an argument for each setting."""
    default = Settings()
    add = parser.add_argument
    add("--phases", type=parse_phases, default=default.phases, help=",".join(PHASES))
    add("--series", type=int, default=default.series, help="of all targets together")
    add("--targets", type=int, default=default.targets)
    add("--duration", type=float, default=default.duration_seconds, help="seconds of ingestion")
    add("--repeat", type=int, default=default.repeat, help="measurements of each subject")
    add("--k", type=int, default=default.query_runs, help="runs of each query")
    add("--starts", type=int, default=default.starts)
    add("--crash-seconds", type=float, default=default.crash_seconds)
    add("--rules-seconds", type=float, default=default.rules_seconds)
    add("--trials", type=parse_trials, default=default.trials, help="faults (detect)")
    add("--seed", type=int, default=default.seed)
    add("--work", type=Path, help="folder for data folders (the system's temporary one)")
    add("--keep", action="store_true", help="keep the data folders")
    for key in PROGRAMS:
        add(f"--{key}", default=default.programs[key], metavar="PROGRAM", help="(%(default)s)")


def read_settings(options: argparse.Namespace) -> Settings:
    """Return the settings of a command line."""
    return Settings(
        phases=options.phases,
        series=options.series,
        targets=options.targets,
        duration_seconds=options.duration,
        repeat=options.repeat,
        query_runs=options.k,
        starts=options.starts,
        crash_seconds=options.crash_seconds,
        rules_seconds=options.rules_seconds,
        trials=options.trials,
        seed=options.seed,
        work=options.work,
        is_kept=options.keep,
        programs={key: getattr(options, key.replace("-", "_")) for key in PROGRAMS},
    )


def parse_phases(text: str) -> tuple[str, ...]:
    """Return the phases of a comma-separated list.

    Raises:
        argparse.ArgumentTypeError: one of them is unknown.
    """
    phases = tuple(text.split(","))
    unknown = [phase for phase in phases if phase not in PHASES]
    if unknown:
        raise argparse.ArgumentTypeError(f'expected {", ".join(PHASES)}; found "{unknown[0]}"')
    return phases


def parse_trials(text: str) -> int:
    """Return a count of trials: 1 to FAULT_SLOTS.

    Raises:
        argparse.ArgumentTypeError: it is another.
    """
    if not text.isdecimal() or not 1 <= int(text) <= FAULT_SLOTS:
        raise argparse.ArgumentTypeError(f'expected 1 to {FAULT_SLOTS}, found "{text}"')
    return int(text)
