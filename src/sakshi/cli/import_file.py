"""OpenMetrics files, read part after part: plain or gzip, whatever they are called."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final, cast

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.openmetrics_stream import Columns, StreamReader
from sakshi.model.errors import BadInputError, Problem
from sakshi.model.labels import Labels

STANDARD_INPUT: Final = Path("-")
PART_BYTES: Final = 1 << 20

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class ImportFile:
    """One file with samples.

    Args:
        path: `-`: standard input.
        series: numbers the series; those of all files that are imported together.
    """

    def __init__(self, path: Path, series: dict[Labels, int]) -> None:
        self.path = path
        self.name = "standard input" if path == STANDARD_INPUT else str(path)
        self.bytes_read = 0
        self._series = series

    def read(self) -> Iterator[Columns]:
        """Yield the samples of the file.

        Raises:
            BadInputError: it cannot be read, or is no OpenMetrics with timestamps.
        """
        reader = StreamReader(self._series)
        try:
            with ExitStack() as files:
                raw = self._open(files)
                stream = self._uncompressed(raw)
                while part := stream.read(PART_BYTES):
                    self.bytes_read = raw.tell() if raw.seekable() else self.bytes_read + len(part)
                    yield from reader.feed(part)
            reader.finish()
        except ExpositionSyntaxError as error:
            place = f"{self.name}:{error.line}:{error.column}"
            raise BadInputError(Problem(place, error.expected, error.found)) from None
        except (OSError, EOFError, zlib.error) as error:
            raise BadInputError(
                Problem(self.name, "a file that can be read", _say(error))
            ) from None

    def _open(self, files: ExitStack) -> io.BufferedReader:
        if self.path == STANDARD_INPUT:
            return cast("io.BufferedReader", sys.stdin.buffer)
        return files.enter_context(self.path.open("rb"))

    def _uncompressed(self, raw: io.BufferedReader) -> IO[bytes]:
        first = raw.peek(4)
        if first.startswith(_ZSTD):
            expected = "OpenMetrics, plain or compressed by gzip"
            found = f"zstd: zstd -dc {self.path} | sakshi import openmetrics -"
            raise BadInputError(Problem(self.name, expected, found))
        return cast("IO[bytes]", gzip.open(raw)) if first.startswith(_GZIP) else raw


def total_bytes(paths: Mapping[Path, object]) -> int | None:
    """Return the size of files together; None where it is not known."""
    if any(not path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)


def _say(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
