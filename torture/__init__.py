"""Torture: programs that try to make sakshi break what it promises, and count where it does.

`python -m torture kill`, and so on (all: `make torture`). Each has a negative control, a build that
is known to be bad, which it must catch. `kind.py` lists them. The store's: read `journal.py` first
(what is written, and how it is judged), then `kill.py` and `cut.py`. The process': `serving.py`
starts it, then `query.py`.
"""
