"""Engines side by side, through their public interfaces: `python -m benchmarks.engine --help`.

A subject (sakshi, Prometheus, VictoriaMetrics, any command line) scrapes the same synthetic targets
every second; out come CPU per sample, memory, bytes on disk, query times, start times, samples lost
by kill -9, CPU per rule, and seconds from a fault to the webhook. Read `__main__.py` first; each
phase has a module of its own.
"""
