"""The composition root: builds every object, connects them, starts and stops them.

In goes a `Configuration`, a folder and an address; what comes out is a running sakshi. Read
`monitor.py`: it is the way of a sample, in constructor calls.
"""

from sakshi.app.errors import StartError
from sakshi.app.monitor import Monitor

__all__ = ["Monitor", "StartError"]
