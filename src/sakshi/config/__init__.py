"""Reads sakshi.yml, and the files that it names, into the dataclasses that the packages own.

In goes a path; out comes a `Configuration`, or a `BadInputError` with every problem that was found,
each with file, line, key, what was expected and what stood there. Read `document.py` first: how a
YAML node becomes a value; then `configuration.py`: what there is to configure.
"""

from sakshi.config.configuration import (
    CheckReport,
    Configuration,
    check_file,
    read_configuration,
)
from sakshi.config.document import Document, Section
from sakshi.config.rule_file import read_rule_file
from sakshi.config.scrape import GlobalConfig

__all__ = [
    "CheckReport",
    "Configuration",
    "Document",
    "GlobalConfig",
    "Section",
    "check_file",
    "read_configuration",
    "read_rule_file",
]
