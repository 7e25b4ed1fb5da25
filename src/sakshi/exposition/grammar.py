"""What a format's lines look like, in one value, so that one reader serves every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sakshi.exposition.grouping import Suffixes
from sakshi.exposition.line import Measurement, MetaLine, SampleLine


@dataclass(frozen=True)
class Grammar:
    r"""How the lines of one format are read.

    Args:
        split: the lines of a body, as many as `body.split(b"\n")` has; refuses a body that does
            not end as the format demands.
        is_comment: whether a line holds no sample.
        scan_comment: what such a line says; None where it says nothing.
        scan_sample: what another line says; its third argument is the bound label in force.
        scan_measurement: what stands right of a key that ends at its third argument.
        key: finds what may be a line's key; a guess, to look up keys that were scanned before.
        suffixes: of the samples of a family.
        exemplar_mark: begins an exemplar right of a value; empty where the format has none.
    """

    split: Callable[[bytes], Sequence[bytes]]
    is_comment: Callable[[bytes], bool]
    scan_comment: Callable[[bytes, int], MetaLine | None]
    scan_sample: Callable[[bytes, int, str], SampleLine]
    scan_measurement: Callable[[bytes, int, int], Measurement]
    key: re.Pattern[bytes]
    suffixes: Suffixes
    exemplar_mark: bytes = b""
