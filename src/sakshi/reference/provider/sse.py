"""Server-sent events: lines in, the data of each event out.

Source: WHATWG HTML, "Server-sent events", 9.2.6 "Interpreting an event stream"; only `data` is
used by the providers, so other fields are skipped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

EVENT_CHARACTERS_MAX = 1_000_000  # a provider's chunk is a few hundred; this is not a chunk


async def iter_data(lines: AsyncIterable[str]) -> AsyncGenerator[str, None]:
    """Yield the data of each event; an event that the end cuts off is dropped, as the rules say.

    Args:
        lines: the stream's lines without their ends.

    Raises:
        ValueError: an event is larger than `EVENT_CHARACTERS_MAX`.
    """
    data: list[str] = []
    size = 0
    async for line in lines:
        if not line:
            if data:
                yield "\n".join(data)
            data, size = [], 0
        elif line.startswith("data:"):
            value = line[5:].removeprefix(" ")
            size += len(value)
            if size > EVENT_CHARACTERS_MAX:
                raise ValueError(f"an event is larger than {EVENT_CHARACTERS_MAX} characters")
            data.append(value)
