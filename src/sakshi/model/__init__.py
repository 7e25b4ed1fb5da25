"""The nouns that every floor shares: labels, matchers, durations, samples, alerts, clock, errors.

Nothing here does I/O or knows another package. Read `labels.py` first, then `alert.py`.
"""
