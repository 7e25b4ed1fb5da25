"""How many files and sockets this process may have open."""

from __future__ import annotations

import contextlib
import resource
from typing import Final

FILES_WANTED: Final = 16_384
"""A thousand callers, a thousand targets, the store and its readers, ten times over."""


def raise_file_limit() -> None:
    """Raise the limit of open files to FILES_WANTED, or as far as the system allows.

    Shells begin with 1,024, or 256, for the sake of programs that use `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # a system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
