"""Exports that are small on the wire, and large in memory."""

from __future__ import annotations

import pytest

from sakshi.exposition.errors import TooLargeError
from sakshi.exposition.otlp import NODES_MAX, SIGNS_MAX, read_json, read_protobuf


def test_an_export_has_so_many_fields_at_most() -> None:
    """The limit itself is allowed."""
    assert len(read_protobuf(b"\x0a\x00" * NODES_MAX)["resourceMetrics"]) == NODES_MAX
    with pytest.raises(TooLargeError) as refused:
        read_protobuf(b"\x0a\x00" * (NODES_MAX + 1))

    assert str(refused.value) == "the body: expected at most 500000 fields, found more"


def test_an_export_in_json_has_so_many_brackets_and_commas_at_most() -> None:
    """They are counted before anything is read."""
    body = b'{"resourceMetrics":[%b]}'

    assert read_json(body % b",".join([b"1"] * (SIGNS_MAX - 1)))
    with pytest.raises(TooLargeError) as refused:
        read_json(body % b",".join([b"1"] * SIGNS_MAX))

    assert (
        str(refused.value) == "the body: expected at most 1000000 brackets and commas, found more"
    )
