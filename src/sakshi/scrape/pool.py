"""The targets of one job, while they come and go."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from sakshi.model.clock import Clock
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.loop import ScrapeLoop
from sakshi.scrape.resolve import ResolvedTarget, resolve_groups, resolve_targets
from sakshi.scrape.target import DroppedTarget, ScrapeConfig
from sakshi.scrape.target_group import StaticTargets

log = logging.getLogger(__name__)


class LoopKeeper(Protocol):
    """Makes the loops of targets, and has them scrape at their interval."""

    def start(
        self, target: ResolvedTarget, config: ScrapeConfig, ingester: Ingester | None
    ) -> ScrapeLoop:
        """Return a loop that scrapes from the next tick on, with an ingester's series, if any."""

    def stop(self, loop: ScrapeLoop) -> Ingester:
        """Have a loop scrape no more; return what knows its series."""

    def ended(self, timestamp_ms: int) -> None:
        """Note that stale markers were appended."""


class TargetPool:
    """Keeps a loop for each target of a job, by what its discoveries say.

    A target that is gone is scraped no more, and its series end with stale markers; where one with
    the same labels comes in its place (at another URL), the series go on.

    Args:
        config: of the job; its static targets are there from the start.
        keeper: of the loops.
        clock: stamps the ends of series.

    Raises:
        InvalidTargetError: a static address is none.
    """

    def __init__(self, config: ScrapeConfig, keeper: LoopKeeper, clock: Clock) -> None:
        self.config = config
        self.dropped_count = 0
        self._keeper = keeper
        self._clock = clock
        self._groups: dict[int, Sequence[StaticTargets]] = {-1: config.static_targets}
        self._loops: dict[ResolvedTarget, ScrapeLoop] = {}
        self._dropped: Sequence[DroppedTarget] = ()
        self._problems: frozenset[str] = frozenset()
        resolve_targets(config)
        self._update()

    @property
    def loops(self) -> Sequence[ScrapeLoop]:
        """One for each target, in the order of discovery."""
        return list(self._loops.values())

    @property
    def dropped(self) -> Sequence[DroppedTarget]:
        """What relabelling dropped, as much of it as the job keeps; all are `dropped_count`."""
        return self._dropped

    def set_groups(self, discovery: int, groups: Sequence[StaticTargets]) -> None:
        """Take over what a discovery says now.

        Args:
            discovery: its position in the job.
            groups: all of its groups.
        """
        self._groups[discovery] = groups
        self._update()

    def _update(self) -> None:
        groups = [group for _, groups in sorted(self._groups.items()) for group in groups]
        resolution = resolve_groups(self.config, groups)
        self._note_problems(frozenset(map(str, resolution.problems)))
        self._replace_loops(resolution.targets)
        self._note_limit()
        self.dropped_count = len(resolution.dropped)
        self._dropped = [
            DroppedTarget(self.config.job_name, labels)
            for labels in resolution.dropped[: self.config.dropped_targets_max or None]
        ]

    def _replace_loops(self, targets: Sequence[ResolvedTarget]) -> None:
        wanted = set(targets)
        orphans: dict[object, list[Ingester]] = {}
        for target in [target for target in self._loops if target not in wanted]:
            ingester = self._keeper.stop(self._loops.pop(target))
            orphans.setdefault(target.labels, []).append(ingester)
        loops = {}
        for target in targets:
            loop = self._loops.get(target)
            if loop is None:
                heirs = orphans.get(target.labels)
                loop = self._keeper.start(target, self.config, heirs.pop() if heirs else None)
            loop.target = target  # its discovered labels may be others
            loops[target] = loop
        self._loops = loops
        now_ms = self._clock.now_ms()
        left = [ingester for ingesters in orphans.values() for ingester in ingesters]
        for ingester in left:
            ingester.end(now_ms)
        if left:
            self._keeper.ended(now_ms)

    def _note_limit(self) -> None:
        count, limit = len(self._loops), self.config.target_limit
        is_beyond = bool(limit) and count > limit
        error = f"target_limit exceeded (number of targets: {count}, limit: {limit})"
        for loop in self._loops.values():
            loop.forced_error = error if is_beyond else ""

    def _note_problems(self, problems: frozenset[str]) -> None:
        for problem in sorted(problems - self._problems):
            log.warning("target is left out job=%s error=%s", self.config.job_name, problem)
        self._problems = problems
