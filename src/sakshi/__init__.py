"""sakshi: the performance monitor for AI messaging systems.

Applications import `sakshi.instrument`; operators run the command `sakshi`. The way of a sample
through the packages is told in docs/ARCHITECTURE.md.
"""

__version__ = "0.1.0"
