"""Environment variables in values: `${NAME}` as sakshi writes it, `$NAME` in external labels too.

A notification file that names its secrets (`api_url: ${SLACK_WEBHOOK}`) is fit for a repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LABEL_REFERENCE: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)


def find_unset(text: str, environment: Mapping[str, str]) -> Sequence[str]:
    """Return the names of a text's `${NAME}` that are not set, or set to nothing; each once.

    Example:
        >>> find_unset("${HOST}:${PORT}", {"HOST": "smtp.example.org", "PORT": ""})
        ['PORT']
    """
    names = dict.fromkeys(_REFERENCE.findall(text))
    return [name for name in names if not environment.get(name)]


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with each `${NAME}` replaced; all of them are set.

    Example:
        >>> expand("${HOST}:25", {"HOST": "smtp.example.org"})
        'smtp.example.org:25'
    """
    return _REFERENCE.sub(lambda match: environment[match[1]], text)


def has_reference(text: str) -> bool:
    """Tell whether a text holds a `${NAME}`."""
    return _REFERENCE.search(text) is not None


def expand_label(text: str, environment: Mapping[str, str]) -> tuple[str, Sequence[str]]:
    """Return an external label's value, expanded, and the names that are not set.

    `$$` is a dollar; what is not set is empty.

    Source:
        prometheus/prometheus config/config.go, expandExternalLabels.

    Example:
        >>> expand_label("$ZONE-${RACK}: $$5", {"ZONE": "eu"})
        ('eu-: $5', ['RACK'])
    """
    unset: dict[str, None] = {}

    def replace(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        if name not in environment:
            unset[name] = None
        return environment.get(name, "")

    return _LABEL_REFERENCE.sub(replace, text), list(unset)
