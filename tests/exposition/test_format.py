from __future__ import annotations

import pytest

from sakshi.exposition import ExpositionFormat, find_format


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/plain; version=0.0.4; charset=utf-8", "TEXT/PLAIN;version=1.0.0", " ", ""],
)
def test_find_format_takes_text(content_type: str) -> None:
    """Text of any version is the text format, and so is an answer without a Content-Type."""
    assert find_format(content_type) is ExpositionFormat.TEXT


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/json", "application/openmetrics", "text/plainer"],
)
def test_find_format_knows_no_other(content_type: str) -> None:
    """What sakshi cannot read has no format."""
    assert find_format(content_type) is None
