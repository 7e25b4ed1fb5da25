"""Gives memory back to the system once a query is done with it.

A large query has arrays of 8 MB by the dozen. glibc keeps what is freed of them for the next one,
in an arena for each thread that ever ran a query: after a minute of the heaviest ones that were
1.2 GB instead of 0.25 (`python -m torture query`). Arrays with pages of their own go back at once.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

OWN_PAGES_BYTES_MIN: Final = 1 << 20  # an eighth of a block of numbers (`promql/limit.py`)

_M_MMAP_THRESHOLD: Final = -3  # of glibc's malloc.h


def give_memory_back() -> bool:
    """Have large arrays returned to the system when they are freed; False where nobody knows how.

    Source:
        mallopt(3): a threshold that is set is not moved any more.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and needs none
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, OWN_PAGES_BYTES_MIN) == 1
