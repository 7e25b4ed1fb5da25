from __future__ import annotations

import sys

import pytest

from sakshi.app.allocator import give_memory_back


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's")
def test_the_allocator_takes_the_threshold() -> None:
    """Large arrays go back to the system when they are freed: `torture query` weighs the rest."""
    assert give_memory_back()
