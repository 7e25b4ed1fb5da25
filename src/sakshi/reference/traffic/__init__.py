"""Simulated users of the service: conversations that make sense, at a steady rate.

A rate goes in, messages over HTTP and WebSocket come out, and counts of what became of them. Read
`generator.py` first.
"""

from sakshi.reference.traffic.generator import Traffic, TrafficCounts, TrafficSettings

__all__ = ["Traffic", "TrafficCounts", "TrafficSettings"]
