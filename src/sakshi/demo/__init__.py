"""The demo: a messaging service under traffic, watched; a provider fails and recovers.

In goes how long and on which ports; out comes what happened, on the page and in the terminal, and
whether the incident was detected, delivered and resolved. Read `show.py` first: what starts, and
in which order.
"""

from sakshi.demo.show import DemoSettings, run_demo

__all__ = ["DemoSettings", "run_demo"]
