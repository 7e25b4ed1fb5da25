"""All baselines: those of the configuration, and those that were recorded, a file each.

    DATA/baselines/before-2.0.json          what `baseline_file.py` writes
    DATA/baselines/.before-2.0.json         while it is being written

A file is written beside its place, made durable, and moved there: it is whole, or it is not there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from sakshi.kpi.baseline import Baseline, Indicator, check_name
from sakshi.kpi.baseline_file import parse_baseline, render_baseline
from sakshi.kpi.errors import (
    BaselineExistsError,
    BaselineFileError,
    BaselineNameError,
    TooManyBaselinesError,
    UnknownBaselineError,
)

RECORDED_MAX: Final = 1000  # one a day for nearly three years; listing them all takes 0.1 s
FILE_BYTES_MAX: Final = 4 << 20  # 20,000 indicators; beyond it, somebody put something else there

_SUFFIX: Final = ".json"


class BaselineFolder:
    """Baselines by name. Blocking; safe to call from any thread.

    Args:
        path: of the folder, made when the first is recorded; None: nothing can be recorded.
        configured: those of the configuration, which win over recorded ones of their name.
        recorded_max: how many may be recorded.
    """

    def __init__(
        self,
        path: Path | None = None,
        configured: Sequence[Baseline] = (),
        *,
        recorded_max: int = RECORDED_MAX,
    ) -> None:
        self._path = path
        self._configured = {baseline.name: baseline for baseline in configured}
        self._recorded_max = recorded_max
        self._lock = Lock()

    def read_all(self) -> tuple[Sequence[Baseline], Sequence[str]]:
        """Return all baselines, and what is wrong with files that hold none.

        Returns:
            Those of the configuration in its order, then the recorded ones, newest first.
        """
        recorded, faults = [], []
        for name in self._recorded_names():
            if name in self._configured:
                faults.append(f"{self._label(name)}: the configuration has a baseline of this name")
                continue
            try:
                recorded.append(self._read(name))
            except UnknownBaselineError:  # deleted since the folder was listed
                continue
            except BaselineFileError as error:
                faults.append(str(error))
        recorded.sort(key=lambda baseline: (-(baseline.recorded_at_ms or 0), baseline.name))
        return [*self._configured.values(), *recorded], faults

    def get(self, name: str) -> Baseline:
        """Return a baseline.

        Raises:
            UnknownBaselineError: there is none of this name.
            BaselineFileError: its file is damaged, or cannot be read.
        """
        if name in self._configured:
            return self._configured[name]
        return self._read(_known(name))

    def check_recordable(self, name: str, *, replace: bool) -> None:
        """Return at once where a baseline could be recorded under a name now.

        Raises:
            BaselineNameError: no baseline may be called so.
            BaselineExistsError: there is one already, and it must not, or cannot, be replaced.
            TooManyBaselinesError: no more can be recorded.
            BaselineFileError: there is no folder.
        """
        check_name(name)
        if name in self._configured:
            raise BaselineExistsError(f"{name} is a baseline of the configuration: change it there")
        exists = self._file(name).exists()
        if exists and not replace:
            raise BaselineExistsError(
                f"there is a baseline {name} already: replace it, or delete it"
            )
        if not exists and len(self._recorded_names()) >= self._recorded_max:
            text = f"{self._recorded_max:,} baselines are recorded already: delete one first"
            raise TooManyBaselinesError(text)

    def record(self, baseline: Baseline, *, replace: bool = False) -> None:
        """Keep a recorded baseline; it is durable when this returns.

        Args:
            baseline: with the moment and the period of its recording.
            replace: whether it may take the place of one that is recorded.

        Raises:
            BaselineError: as `check_recordable`; or the file cannot be written.
        """
        text = render_baseline(baseline)
        with self._lock:
            self.check_recordable(baseline.name, replace=replace)
            file = self._file(baseline.name)
            try:
                _write(file, text)
            except OSError as error:
                raise BaselineFileError(_failure(self._label(baseline.name), error)) from None

    def delete(self, name: str) -> None:
        """Forget a recorded baseline, a damaged one too; durable when this returns.

        Raises:
            UnknownBaselineError: there is none of this name.
            BaselineExistsError: it is the configuration's.
            BaselineFileError: the file cannot be removed.
        """
        if name in self._configured:
            raise BaselineExistsError(f"{name} is a baseline of the configuration: remove it there")
        file = self._find_file(_known(name))
        with self._lock:
            try:
                file.unlink()
                _sync(file.parent)
            except FileNotFoundError:
                raise UnknownBaselineError(_unknown(name)) from None
            except OSError as error:
                raise BaselineFileError(_failure(self._label(name), error)) from None

    def _recorded_names(self) -> Sequence[str]:
        try:
            files = list(self._path.iterdir()) if self._path else []
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BaselineFileError(_failure(str(self._path), error)) from None
        names = (file.stem for file in files if file.suffix == _SUFFIX)
        return sorted(filter(_is_name, names))

    def _read(self, name: str) -> Baseline:
        try:
            with self._find_file(name).open("rb") as stream:
                content = stream.read(FILE_BYTES_MAX + 1)
            if len(content) > FILE_BYTES_MAX:
                raise ValueError(f"expected at most {FILE_BYTES_MAX >> 20} MiB, found more")
            return parse_baseline(content.decode(), name)
        except FileNotFoundError:
            raise UnknownBaselineError(_unknown(name)) from None
        except OSError as error:
            raise BaselineFileError(_failure(self._label(name), error)) from None
        except UnicodeDecodeError:
            raise BaselineFileError(f"{self._label(name)}: expected text in UTF-8") from None
        except ValueError as error:
            raise BaselineFileError(f"{self._label(name)}: {error}") from None

    def _find_file(self, name: str) -> Path:
        if self._path is None:
            raise UnknownBaselineError(_unknown(name))
        return self._file(name)

    def _file(self, name: str) -> Path:
        if self._path is None:
            raise BaselineFileError("there is no folder in which baselines are recorded")
        return self._path / f"{name}{_SUFFIX}"

    def _label(self, name: str) -> str:
        """Return how complaints call a baseline's file."""
        assert self._path is not None, "a file is in a folder"
        return f"{self._path.name}/{name}{_SUFFIX}"


@dataclass(frozen=True)
class Baselines:
    """What can be compared: indicators, and the baselines that have numbers for them."""

    indicators: Sequence[Indicator] = ()
    folder: BaselineFolder = field(default_factory=BaselineFolder)


def _write(file: Path, text: str) -> None:
    """Put a text into a file, whole and durable."""
    folder = file.parent
    if not folder.exists():
        folder.mkdir(parents=True)
        _sync(folder.parent)
    unfinished = folder / f".{file.name}"
    try:
        with unfinished.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(folder)


def _sync(folder: Path) -> None:
    """Make durable which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _known(name: str) -> str:
    """Return a name that a baseline may have; nothing else comes near the file system."""
    if not _is_name(name):
        raise UnknownBaselineError(_unknown(name))
    return name


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except BaselineNameError:
        return False
    return True


def _unknown(name: str) -> str:
    return f'there is no baseline "{name}"'


def _failure(label: str, error: OSError) -> str:
    return f"{label}: {error.strerror or error}"
