"""Reads sakshi.yml, and the files that it names, into the dataclasses that the packages own.

In goes a path; out comes a `Configuration`, or a `BadInputError` with every problem that was found,
each with file, line, column, key, what was expected and what stood there. Read `configuration.py`
first: what there is to configure; then `node.py` (text to tree), `section.py` (tree to values) and
`document.py` (what is wrong).
"""

from sakshi.config.check import CheckReport, check_file
from sakshi.config.configuration import Configuration, read_configuration
from sakshi.config.document import Document
from sakshi.config.rule_file import read_rule_file
from sakshi.config.scrape import GlobalConfig
from sakshi.config.section import Section

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
