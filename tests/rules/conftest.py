"""The real promtool, and a station: rules on a real store, engine and ledger, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.peers import find_peer
from tests.rules.station import Station


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return the path of promtool; a peer that is missing fails the test."""
    return str(find_peer("promtool"))


@pytest.fixture
def station(tmp_path: Path, clock: FakeClock) -> Iterator[Station]:
    with Station(tmp_path / "alerts.db", clock) as station:
        yield station
