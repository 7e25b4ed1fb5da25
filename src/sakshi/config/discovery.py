"""Reads `file_sd_configs` and `http_sd_configs`, and the YAML of the files that name targets.

Source:
    prometheus/prometheus discovery/file/file.go, discovery/http/http.go
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from sakshi.config.http_client import read_http_config
from sakshi.config.node import ListNode, MappingNode, Node, ScalarNode, YamlError, parse_yaml
from sakshi.config.secret import is_url
from sakshi.config.section import Section
from sakshi.scrape import FileDiscoveryConfig, HttpDiscoveryConfig

FILE_REFRESH_MS_DEFAULT: Final = 300_000
HTTP_REFRESH_MS_DEFAULT: Final = 60_000
URL_DEFAULT: Final = "http://localhost"  # of a wrong entry, which nobody asks

_FILE_NAME: Final = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")


def read_file_discovery(section: Section, folder: Path) -> FileDiscoveryConfig:
    """Return one entry of `file_sd_configs`."""
    names = section.texts("files")
    if "files" not in section:
        section.require("files", "a list of paths")
    for index, name in enumerate(names):
        if not _FILE_NAME.fullmatch(name):
            expected = "a path that ends in .json, .yml or .yaml, a * only in its last part"
            section.problem(f"files[{index}]", expected)
        elif "*" not in name and not (folder / name).exists():
            section.warn(f"files[{index}]", "no such file: no targets until there is one")
    refresh_ms = section.duration("refresh_interval", FILE_REFRESH_MS_DEFAULT, minimum_ms=1)
    section.close()
    return FileDiscoveryConfig(tuple(folder / name for name in names), refresh_ms, load_yaml)


def read_http_discovery(section: Section, folder: Path) -> HttpDiscoveryConfig:
    """Return one entry of `http_sd_configs`."""
    url = section.expanded("url", required=True) or URL_DEFAULT
    for reason in section.unset.get("url", ()):
        section.problem("url", "a variable that is set", reason)
    if not is_url(url):
        section.problem("url", "an address like https://example.org/targets", "something else")
    elif urlsplit(url).username is not None:
        section.problem("url", "an address without user and password: see basic_auth", "both")
    config = HttpDiscoveryConfig(
        url,
        section.duration("refresh_interval", HTTP_REFRESH_MS_DEFAULT, minimum_ms=1),
        read_http_config(section, folder),
    )
    section.close()
    return config


def load_yaml(content: bytes) -> Any:
    """Return lists, mappings and texts of a YAML file; None for an empty one.

    Raises:
        ValueError: it is not YAML in UTF-8, or a key is no text.

    Example:
        >>> load_yaml(b"- {targets: ['chat:5000'], labels: {zone: 1}}")
        [{'targets': ['chat:5000'], 'labels': {'zone': '1'}}]
    """
    try:
        node = parse_yaml(content.decode("utf-8-sig"))
    except YamlError as error:
        raise ValueError(str(error)) from None
    return None if node is None else _plain(node)


def _plain(node: Node) -> Any:
    if isinstance(node, ListNode):
        return [_plain(item) for item in node.items]
    if isinstance(node, MappingNode):
        return {_key(key): _plain(value) for key, value in node.entries}
    assert isinstance(node, ScalarNode)
    return None if node.is_null else node.text


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise ValueError(f"{node.line}:{node.column}: expected a text as key")
    return node.text
