"""Torture: programs that kill the store and cut its power, and count what was lost.

`python -m torture kill` and `python -m torture cut` (both: `make torture`). Each has a negative
control, a store that is known to lose, which it must catch. Read `journal.py` first: what is
written, and how it is judged; then `kill.py` and `cut.py`.
"""
