"""Which format a target is asked for, and in which its answer is read.

Source:
    prometheus/prometheus scrape/scrape.go, acceptHeader; config/config.go, ScrapeProtocol (3.x)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from sakshi.exposition import ExpositionFormat, find_format
from sakshi.scrape.errors import ScrapeError


class ScrapeProtocol(StrEnum):
    """A format that a target can be asked for; the values are Prometheus' names."""

    OPENMETRICS_1_0_0 = "OpenMetricsText1.0.0"
    OPENMETRICS_0_0_1 = "OpenMetricsText0.0.1"
    TEXT_1_0_0 = "PrometheusText1.0.0"
    TEXT_0_0_4 = "PrometheusText0.0.4"


PROTOCOLS_DEFAULT: Final[Sequence[ScrapeProtocol]] = tuple(ScrapeProtocol)

_MEDIA_TYPES: Final[Mapping[ScrapeProtocol, str]] = {
    ScrapeProtocol.OPENMETRICS_1_0_0: (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"
    ),
    ScrapeProtocol.OPENMETRICS_0_0_1: "application/openmetrics-text;version=0.0.1",
    ScrapeProtocol.TEXT_1_0_0: "text/plain;version=1.0.0;escaping=allow-utf-8",
    ScrapeProtocol.TEXT_0_0_4: "text/plain;version=0.0.4",
}
_WEIGHT_MAX: Final = 6  # tenths; Prometheus counts the binary format, which sakshi does not read


def accept_header(protocols: Sequence[ScrapeProtocol]) -> str:
    """Return the value of `Accept`: the protocols, the most wanted first, then anything.

    Example:
        >>> accept_header([ScrapeProtocol.TEXT_0_0_4])
        'text/plain;version=0.0.4;q=0.6,*/*;q=0.5'
    """
    types = [*(_MEDIA_TYPES[protocol] for protocol in protocols), "*/*"]
    return ",".join(f"{kind};q=0.{_WEIGHT_MAX - place}" for place, kind in enumerate(types))


def format_of(protocol: ScrapeProtocol) -> ExpositionFormat:
    """Return the format that a protocol's answers have."""
    is_text = protocol in (ScrapeProtocol.TEXT_0_0_4, ScrapeProtocol.TEXT_1_0_0)
    return ExpositionFormat.TEXT if is_text else ExpositionFormat.OPENMETRICS


def answer_format(content_type: str, fallback: ScrapeProtocol | None) -> ExpositionFormat:
    """Return the format in which an answer is read.

    Args:
        content_type: of the answer; empty where it has none.
        fallback: what an answer is without a Content-Type, or with one that is unknown.

    Raises:
        ScrapeError: the Content-Type is unknown, and there is no fallback.
    """
    if fallback is not None and not content_type.strip():
        return format_of(fallback)
    found = find_format(content_type)
    if found is not None:
        return found
    if fallback is None:
        raise ScrapeError(f'Content-Type "{content_type}" is no known exposition')
    return format_of(fallback)
