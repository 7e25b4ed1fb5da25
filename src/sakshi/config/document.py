"""One YAML file while it is read, and everything that is found wrong in it.

Reading never stops at the first problem. A value that is wrong is noted and replaced by its
default, so that one pass finds everything; `Document.raise_problems` ends it:

    document = Document.read(Path("sakshi.yml"), environment)
    section = document.root()
    interval_ms = section.duration("scrape_interval", 60_000)
    section.close()                 # whatever key was not asked for is unknown
    document.raise_problems()

What is wrong is wrong once: a path that has a problem gets no second one, nor does what lies below
it, for the second would be the first one's doing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sakshi.config.node import MappingNode, Node, YamlError, parse_yaml
from sakshi.model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from sakshi.config.section import Section

FILE_BYTES_MAX: Final = 16 << 20  # a rule file of 50,000 rules; beyond it, somebody named a log


class Document:
    """One file.

    Args:
        file: as problems name it.
        environment: what `${NAME}` expands to in secrets and addresses.
        node: the root; None for an empty file.
    """

    def __init__(self, file: str, environment: Mapping[str, str], node: Node | None) -> None:
        self.file = file
        self.environment = environment
        self._node = node
        self._problems: dict[Problem, tuple[int, int]] = {}
        self._warnings: dict[str, tuple[int, int]] = {}
        self._included: list[Document | BadInputError] = []
        self._wrong: set[str] = set()

    @classmethod
    def read(cls, path: Path, environment: Mapping[str, str]) -> Document:
        """Return the document of a file.

        Raises:
            BadInputError: the file cannot be read, is too large, or not YAML in UTF-8.
        """
        try:
            with path.open("rb") as stream:
                content = stream.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            problem = Problem(str(path), "a file that can be read", describe_failure(error))
            raise BadInputError(problem) from None
        if len(content) > FILE_BYTES_MAX:
            raise BadInputError(Problem(str(path), "at most 16 MiB", "more"))
        return cls.parse(str(path), content, environment)

    @classmethod
    def parse(cls, file: str, content: bytes, environment: Mapping[str, str]) -> Document:
        """Return the document of a text that was already read.

        Raises:
            BadInputError: the content is not YAML in UTF-8.
        """
        try:
            return cls(file, environment, parse_yaml(content.decode("utf-8-sig")))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            place = f"{file}:{line}"
            found = f"the byte 0x{error.object[error.start]:02x}"
            raise BadInputError(Problem(place, "text in UTF-8", found)) from None
        except YamlError as error:
            place = f"{file}:{error.line}:{error.column}"
            raise BadInputError(Problem(place, error.expected, error.found)) from None

    def root(self) -> Section:
        """Return the file's mapping; empty for an empty file."""
        from sakshi.config.section import Section  # which needs this module

        return Section(self, self._node or MappingNode(1, 1), "")

    def include(self, other: Document | BadInputError) -> None:
        """Take over what was found in a file that this one names, or why it could not be read."""
        self._included.append(other)

    # ------------------------------------------------------------------ findings

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong, in the order of the file; that of included files follows, file by file."""
        own = sorted(self._problems, key=self._problems.__getitem__)
        return [*own, *(problem for other in self._included for problem in other.problems)]

    @property
    def warnings(self) -> Sequence[str]:
        """What will not have the effect that its author hopes for; in the same order."""
        own = sorted(self._warnings, key=self._warnings.__getitem__)
        documents = (other for other in self._included if isinstance(other, Document))
        return [*own, *(warning for other in documents for warning in other.warnings)]

    def note(self, node: Node, path: str, expected: str, found: str, *, inside: str = "") -> None:
        """Note a problem; without effect where the path is wrong already.

        Args:
            node: where it stands.
            path: of the key: `scrape_configs[0].job_name`; empty: of the file itself.
            expected: in words.
            found: in words.
            inside: where in the value: ` at 1:17`.
        """
        if not self.is_wrong(path):
            self.mark_wrong(path)
            problem = Problem(self.place(node, path) + inside, expected, found)
            self._problems[problem] = (node.line, node.column)

    def note_missing(self, node: Node, path: str, expected: str) -> None:
        """Note that there is nothing at a path, which was marked before.

        Args:
            node: the mapping that should have it.
            path: of the key.
            expected: in words.
        """
        problem = Problem(self.place(node, path), expected, "nothing")
        self._problems[problem] = (node.line, node.column)

    def warn(self, node: Node, path: str, text: str) -> None:
        """Note something that stops nothing."""
        self._warnings[f"{self.place(node, path)}: {text}"] = (node.line, node.column)

    def mark_wrong(self, path: str) -> None:
        """Note that there is something wrong at a path, which is going to be said."""
        self._wrong.add(path)

    def is_wrong(self, path: str) -> bool:
        """Tell whether there is a problem at a path or above it."""
        while path:
            if path in self._wrong:
                return True
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return "" in self._wrong

    def has_problems_at(self, path: str) -> bool:
        """Tell whether there is a problem at a path, above it or below it."""
        below = (f"{path}.", f"{path}[")
        return self.is_wrong(path) or any(wrong.startswith(below) for wrong in self._wrong)

    def place(self, node: Node, path: str) -> str:
        """Return `file:line:column: path`."""
        where = f"{self.file}:{node.line}:{node.column}"
        return f"{where}: {path}" if path else where

    def raise_problems(self) -> None:
        """End the reading.

        Raises:
            BadInputError: with all problems, where there is any.
        """
        if self.problems:
            raise BadInputError(*self.problems)


def describe_failure(error: OSError) -> str:
    """Return in words why a file cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder"
    return f'"{error.strerror or error}"'
