"""Ending with whoever started this process."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import sys
import termios

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
        while _unread(reader):
            await asyncio.sleep(0)
        assert not waiting.done()

        os.close(writer)

        await asyncio.wait_for(waiting, 5)


def _unread(descriptor: int) -> bool:
    """Tell whether a pipe holds what was not read yet."""
    size = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
    (count,) = struct.unpack("i", size)
    return bool(count)
