"""The fixtures of the PromQL tests: a real Prometheus to compare with."""

from __future__ import annotations

from tests.peers import prometheus

__all__ = ["prometheus"]
