"""Ending with whoever started this process: standard input is a pipe that closes with them."""

from __future__ import annotations

import asyncio
import os
import sys


async def parent_gone() -> None:
    """Return once standard input is closed: the process at its other end is gone."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            gone.set()

    loop.add_reader(descriptor, read)
    await gone.wait()
