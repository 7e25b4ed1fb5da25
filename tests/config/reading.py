"""Reads configurations out of texts, and says what was found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from sakshi.config import Configuration, Document, Section
from sakshi.config.configuration import read_document
from sakshi.model.errors import BadInputError

NOWHERE = Path("/nonexistent")


def open_document(text: str, environment: Mapping[str, str] | None = None) -> Document:
    """Return the document of a text, which is named x.yml."""
    return Document.parse("x.yml", dedent(text).encode(), environment or {})


def read_text(
    text: str, environment: Mapping[str, str] | None = None, folder: Path = NOWHERE
) -> Configuration:
    """Return what a sakshi.yml of this text says."""
    return read_document(open_document(text, environment), folder)


def find_problems(
    text: str, environment: Mapping[str, str] | None = None, folder: Path = NOWHERE
) -> list[str]:
    """Return what is wrong with a sakshi.yml of this text, as it is printed."""
    with pytest.raises(BadInputError) as caught:
        read_text(text, environment, folder)
    return [str(problem) for problem in caught.value.problems]


def take(
    text: str, read: Callable[[Section], object], environment: Mapping[str, str] | None = None
) -> tuple[object, list[str], list[str]]:
    """Return what a reader makes of a text's root, the problems, and the warnings."""
    document = open_document(text, environment)
    value = read(document.root())
    return value, [str(problem) for problem in document.problems], list(document.warnings)
