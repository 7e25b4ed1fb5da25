"""Ending with whoever started this process."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from sakshi.app.parent import parent_gone


async def test_the_end_of_standard_input_is_the_end_of_the_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is written there is read and means nothing."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        waiting = asyncio.create_task(parent_gone())
        os.write(writer, b"hello\n")
        await asyncio.wait({waiting}, timeout=0.05)
        assert not waiting.done()

        os.close(writer)

        await asyncio.wait_for(waiting, 5)
