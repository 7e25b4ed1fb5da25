"""Takes the journal's steps on a store until it is killed, and names each that is acknowledged.

Usage: python -m torture.writer FOLDER FIRST_STEP [early]

`early` is the negative control: it acknowledges a step before its commit.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sakshi.storage import SqliteStore
from torture.journal import CONFIG, Writer, iter_steps


def main() -> None:
    """Write until killed."""
    store = SqliteStore(Path(sys.argv[1]), CONFIG)
    writer = Writer(store)
    is_early = sys.argv[3:] == ["early"]
    for step in iter_steps(int(sys.argv[2])):
        writer.append(step)
        if is_early:
            os.write(1, b"%d\n" % step)
        store.commit()
        if not is_early:
            os.write(1, b"%d\n" % step)
        writer.expire(step)


if __name__ == "__main__":
    main()
