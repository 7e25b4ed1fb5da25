"""The command `sakshi`: one module per command, named after it.

A command's module has `HELP`, `EXAMPLES`, `add_arguments(parser)` and `run(arguments)`, which
returns an exit code (`exit_code.py`); it is registered in `command.py`. Read that first.
"""

from sakshi.cli.command import main

__all__ = ["main"]
