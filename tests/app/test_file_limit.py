from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from sakshi.app.file_limit import FILES_WANTED, raise_file_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def hard_limit() -> Iterator[int]:
    """Return how many open files this process may ask for; its own limit is 256 meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_limit_of_open_files_is_raised(hard_limit: int) -> None:
    """A shell's 256 or 1,024 would not do for a thousand callers, targets and the store."""
    raise_file_limit()

    wanted = FILES_WANTED if hard_limit == UNLIMITED else min(FILES_WANTED, hard_limit)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard_limit)


def test_limit_of_open_files_is_never_lowered(hard_limit: int) -> None:
    """Whoever allowed more meant it."""
    most = FILES_WANTED + 1
    if hard_limit != UNLIMITED and hard_limit < most:
        most = hard_limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard_limit))

    raise_file_limit()

    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == most
