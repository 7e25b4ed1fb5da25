"""Benchmarks: programs that measure sakshi beside its peers and write what they saw as JSON.

In go settings (each program's `--help`), out come figures with the commit, the machine and the
settings that they belong to. They are no tests: nothing here passes or fails.
`run.py` runs all with moderate settings; docs/performance.md says how to read them.
Read `report.py` first, then `engine/__main__.py`.
"""
