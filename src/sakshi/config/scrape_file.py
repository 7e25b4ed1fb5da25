"""Reads the jobs: those of the configuration itself, and those of `scrape_config_files`.

A file of jobs has `scrape_configs` and nothing else; paths in it are relative to its own folder.

Source:
    prometheus/prometheus config/config.go, GetScrapeConfigs
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sakshi.config.document import Document
from sakshi.config.pattern import find_files, is_pattern
from sakshi.config.scrape import GlobalConfig, find_duplicates, read_scrape_config
from sakshi.config.section import Section
from sakshi.model.errors import BadInputError
from sakshi.scrape import ScrapeConfig


def read_scrape_configs(
    root: Section, folder: Path, defaults: GlobalConfig
) -> Sequence[ScrapeConfig]:
    """Return the jobs; their names are unique, in whatever file they are.

    Args:
        root: of the configuration.
        folder: what paths in it are relative to.
        defaults: what jobs do not say.
    """
    sections = list(root.sections("scrape_configs"))
    configs = [read_scrape_config(section, defaults, folder) for section in sections]
    for index, pattern in enumerate(root.texts("scrape_config_files")):
        paths = find_files(folder, pattern)
        if not paths and not is_pattern(pattern):
            root.problem(f"scrape_config_files[{index}]", "a file that exists")
        for path in paths:
            found = read_file(root, path)
            sections += found
            configs += [read_scrape_config(section, defaults, path.parent) for section in found]
    find_duplicates(sections, "job_name", "a name that no other job has")
    return configs


def read_file(root: Section, path: Path) -> Sequence[Section]:
    """Return the jobs of a file, as they stand there."""
    try:
        document = Document.read(path, root.document.environment)
    except BadInputError as error:
        root.document.include(error)
        return ()
    root.document.include(document)
    content = document.root()
    sections = content.sections("scrape_configs")
    content.close()
    return sections
