"""The real promtool, for comparing with."""

from __future__ import annotations

import pytest
from tests.peers import find_peer


@pytest.fixture
def promtool() -> str:
    """Return the path of promtool; a peer that is missing fails the test."""
    return str(find_peer("promtool"))
