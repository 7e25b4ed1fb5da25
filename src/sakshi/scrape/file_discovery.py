"""Targets that files name (`file_sd_configs`), read again when a file has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from sakshi.model.errors import SakshiError
from sakshi.scrape.discovery import DOCUMENT_BYTES_MAX
from sakshi.scrape.target_group import (
    DiscoveryError,
    LoadDocument,
    StaticTargets,
    read_groups,
)

POLL_SECONDS: Final = 2.0  # a look at a file's time costs microseconds


@dataclass(frozen=True)
class FileDiscoveryConfig:
    """Prometheus' `file_sd_config`.

    Args:
        patterns: paths, absolute or from the working directory; the last part may have wildcards.
        refresh_ms: files are looked at so often at least.
        load_yaml: reads what is not JSON.
    """

    patterns: Sequence[Path]
    refresh_ms: int
    load_yaml: LoadDocument


@dataclass(frozen=True)
class _Known:
    """A file as it was read; `stamp` says whether it is still the same."""

    stamp: tuple[int, ...]
    groups: Sequence[StaticTargets] = field(default=())


class FileDiscovery:
    """Looks at files, and reads those that have changed.

    A file that is gone takes its targets with it. One that cannot be read keeps them.
    """

    def __init__(self, config: FileDiscoveryConfig) -> None:
        self.interval_seconds = min(config.refresh_ms / 1000, POLL_SECONDS)
        self.name = ", ".join(map(str, config.patterns))
        self._config = config
        self._known: Mapping[Path, _Known] = {}
        self._is_first = True

    async def refresh(self) -> Sequence[StaticTargets] | None:
        """Return the groups of all files; None where no file has changed.

        Raises:
            DiscoveryError: a file cannot be read; the others were, and are returned next time.
        """
        return await asyncio.to_thread(self._refresh)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _refresh(self) -> Sequence[StaticTargets] | None:
        known: dict[Path, _Known] = {}
        failures = []
        for path in self._paths():
            before = self._known.get(path)
            try:
                known[path] = self._read(path, before)
            except (OSError, ValueError, SakshiError) as error:
                failures.append(f"{path}: {_reason(error)}")
                if before is not None:
                    known[path] = before
        is_same = known == self._known and not self._is_first
        if failures and is_same:
            raise DiscoveryError("; ".join(failures))
        self._known = known
        self._is_first = False
        return None if is_same else [group for file in known.values() for group in file.groups]

    def _paths(self) -> Sequence[Path]:
        found: dict[Path, None] = {}
        for pattern in self._config.patterns:
            if "*" in pattern.name:
                found.update(dict.fromkeys(sorted(pattern.parent.glob(pattern.name))))
            elif pattern.exists():
                found[pattern] = None
        return list(found)

    def _read(self, path: Path, before: _Known | None) -> _Known:
        """Return a file's groups; the ones before where it has not changed."""
        with path.open("rb") as stream:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if before is not None and before.stamp == stamp:
                return before
            content = stream.read(DOCUMENT_BYTES_MAX + 1)
        if len(content) > DOCUMENT_BYTES_MAX:
            raise DiscoveryError(f"expected at most {DOCUMENT_BYTES_MAX} bytes, found more")
        is_json = path.suffix.lower() == ".json"
        document = orjson.loads(content) if is_json else self._config.load_yaml(content)
        return _Known(stamp, read_groups(document, {"__meta_filepath": str(path)}))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
