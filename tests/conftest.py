"""Shared by all tests: a clock that is moved by hand."""

from __future__ import annotations

import asyncio

import pytest


class FakeClock:
    """A clock that stands still until `advance` moves it, waking who sleeps in between."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.start_ms = now_ms
        self.elapsed_ms = 0
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self.start_ms + self.elapsed_ms

    def monotonic(self) -> float:
        return self.elapsed_ms / 1000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.elapsed_ms + round(seconds * 1000), future))
        await future

    def move(self, milliseconds: int) -> None:
        """Move without waking anybody: for synchronous tests."""
        self.elapsed_ms += milliseconds

    async def advance(self, seconds: float) -> None:
        """Move forward, waking each sleeper at its own moment, in order."""
        end_ms = self.elapsed_ms + round(seconds * 1000)
        while True:
            await _settle()
            due = min((at for at, future in self._sleepers if not future.done()), default=None)
            if due is None or due > end_ms:
                break
            self.elapsed_ms = max(self.elapsed_ms, due)
            for at, future in self._sleepers:
                if at <= due and not future.done():
                    future.set_result(None)
            self._sleepers = [item for item in self._sleepers if not item[1].done()]
        self.elapsed_ms = end_ms
        await _settle()


async def _settle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
