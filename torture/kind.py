"""Every torture there is: how often it is repeated, its negative controls, and how it is made."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from torture.bomb import BombTorture
from torture.clock import ClockTorture
from torture.cut import CutTorture
from torture.flood import FloodTorture
from torture.full import FullTorture
from torture.hostile import HostileTorture
from torture.kill import KillTorture
from torture.mutate import MutationTorture
from torture.progress import Progress
from torture.promql import PromqlTorture
from torture.query import QueryTorture
from torture.repeat import RepeatTorture


class Torture(Protocol):
    """What all of them can do."""

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None], /) -> None:
        """Count until so many rounds are done; `tell` is called now and then."""


@dataclass(frozen=True)
class Kind:
    """A torture as the command line knows it.

    Args:
        rounds: of a whole run.
        control_rounds: of a negative control: as many as are sure to show what is wrong with it.
        controls: the known-bad builds that it must catch.
        make: makes it, given its folder, chance, and the control; empty: none.
    """

    rounds: int
    control_rounds: int
    controls: tuple[str, ...]
    make: Callable[[Path, random.Random, str], Torture]


def _kill(folder: Path, chance: random.Random, control: str) -> Torture:
    return KillTorture(folder, chance, is_early=bool(control))


def _cut(folder: Path, chance: random.Random, control: str) -> Torture:
    return CutTorture(folder, chance, control or "full")


def _mutate(folder: Path, chance: random.Random, control: str) -> Torture:
    return MutationTorture(folder, chance, is_forged=bool(control))


def _full(folder: Path, chance: random.Random, control: str) -> Torture:
    return FullTorture(folder, chance, is_forgetful=bool(control))


def _query(folder: Path, chance: random.Random, control: str) -> Torture:
    return QueryTorture(folder, chance, control)


def _clock(folder: Path, chance: random.Random, control: str) -> Torture:
    return ClockTorture(folder, chance, is_waiting=bool(control))


def _repeat(folder: Path, chance: random.Random, control: str) -> Torture:
    return RepeatTorture(folder, chance, control)


def _bomb(folder: Path, chance: random.Random, control: str) -> Torture:
    return BombTorture(folder, chance, is_open=bool(control))


def _flood(folder: Path, chance: random.Random, control: str) -> Torture:
    return FloodTorture(folder, chance, is_open=bool(control))


def _promql(folder: Path, chance: random.Random, control: str) -> Torture:
    return PromqlTorture(folder, chance, is_late=bool(control))


def _hostile(folder: Path, chance: random.Random, control: str) -> Torture:
    return HostileTorture(folder, chance, is_forgetful=bool(control))


KINDS: Final[Mapping[str, Kind]] = {
    "bomb": Kind(200, 25, ("open",), _bomb),
    "clock": Kind(200, 10, ("waiting",), _clock),
    "cut": Kind(20_000, 500, ("normal", "off"), _cut),
    "flood": Kind(200, 30, ("open",), _flood),
    "full": Kind(100, 10, ("forgetful",), _full),
    "hostile": Kind(1000, 100, ("forgetful",), _hostile),
    "kill": Kind(500, 20, ("early",), _kill),
    "mutate": Kind(1000, 3, ("forged",), _mutate),
    "repeat": Kind(20_000, 500, ("restamping",), _repeat),
    "promql": Kind(50_000, 200, ("late",), _promql),
    "query": Kind(1000, 100, ("deaf", "hoarding"), _query),
}
