"""YAML with places: typed values out of nodes, and a complaint for each that does not fit.

Reading never stops at the first problem. A value that is wrong is noted in the document and
replaced by its default, so that one pass finds everything; `Document.raise_problems` ends it:

    document = Document.read(Path("sakshi.yml"), environment)
    section = document.root()
    interval_ms = section.duration("scrape_interval", 60_000)
    section.close()                 # whatever key was not asked for is unknown
    document.raise_problems()
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import yaml

from sakshi.model.duration import InvalidDurationError, parse_duration
from sakshi.model.errors import BadInputError, Problem, SakshiError

T = TypeVar("T")

FILE_BYTES_MAX: Final = 16 << 20  # a rule file of 50,000 rules; beyond it, somebody named a log
_TAG: Final = "tag:yaml.org,2002:"
_ENVIRONMENT: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Required:
    """The default of a value that has none: its absence is a problem."""


REQUIRED: Final = Required()


@dataclass
class Document:
    """One YAML file while it is read.

    Args:
        file: as problems name it.
        environment: what `${NAME}` expands to in secrets and addresses.
        node: the root; None for an empty file.
        problems: what is wrong; fatal.
        warnings: what will not have the effect that its author hopes for.
        unset: names of environment variables that were asked for and are not set.
    """

    file: str
    environment: Mapping[str, str]
    node: yaml.Node | None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unset: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path, environment: Mapping[str, str]) -> Document:
        """Return the document of a file.

        Raises:
            BadInputError: the file cannot be read, is not UTF-8, or is not YAML.
        """
        try:
            with path.open("rb") as stream:
                content = stream.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            found = f"{type(error).__name__}: {error.strerror}"
            raise BadInputError(Problem(str(path), "a file that can be read", found)) from None
        if len(content) > FILE_BYTES_MAX:
            raise BadInputError(Problem(str(path), "at most 16 MiB", "more"))
        return cls.parse(str(path), content, environment)

    @classmethod
    def parse(cls, file: str, content: bytes, environment: Mapping[str, str]) -> Document:
        """Return the document of a text that was already read.

        Raises:
            BadInputError: the content is not UTF-8 or not YAML.
        """
        try:
            node = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            found = f"byte 0x{content[error.start]:02x} at offset {error.start}"
            raise BadInputError(Problem(file, "UTF-8", found)) from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
            raise BadInputError(Problem(place, "YAML", error.problem or "something else")) from None
        except yaml.YAMLError as error:
            raise BadInputError(Problem(file, "YAML", str(error))) from None
        return cls(file, environment, node)

    def root(self) -> Section:
        """Return the file's mapping; empty for an empty file."""
        if self.node is None or self.node.tag == f"{_TAG}null":
            return Section(self, yaml.MappingNode(f"{_TAG}map", []), "")
        return Section(self, self.node, "")

    def place(self, node: yaml.Node | None, path: str) -> str:
        """Return `file:line:column: path` of a node."""
        where = self.file
        if node is not None and node.start_mark is not None:
            where += f":{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        return f"{where}: {path}" if path else where

    def raise_problems(self) -> None:
        """End the reading.

        Raises:
            BadInputError: with all problems, where there is any.
        """
        if self.problems:
            raise BadInputError(*self.problems)


class Section:
    """A mapping of the document, whose keys are taken one by one."""

    def __init__(self, document: Document, node: yaml.Node, path: str) -> None:
        self.document = document
        self.path = path
        self.node = node
        self._taken: set[str] = set()
        self._nodes: dict[str, yaml.Node] = {}
        if isinstance(node, yaml.MappingNode):
            self._collect(node)
        elif node.tag != f"{_TAG}null":
            self._problem(node, path, "a mapping")

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def keys(self) -> Sequence[str]:
        """Return the keys in the file's order."""
        return list(self._nodes)

    def place(self, key: str | None = None) -> str:
        """Return where a key stands, or the section itself."""
        if key is None or key not in self._nodes:
            return self.document.place(self.node, self._join(key) if key else self.path)
        return self.document.place(self._nodes[key], self._join(key))

    # ------------------------------------------------------------------ scalars

    def text(self, key: str, default: str | Required = REQUIRED) -> str:
        """Return a text; a number or a boolean is the text that stands in the file."""
        return self._scalar(key, default, "a text", _accept_text, "")

    def integer(self, key: str, default: int | Required = REQUIRED, minimum: int = 0) -> int:
        """Return a whole number of at least `minimum`."""
        expected = f"a whole number of at least {minimum}"

        def accept(node: yaml.ScalarNode) -> int:
            value = int(node.value, 0)
            if value < minimum:
                raise ValueError
            return value

        return self._scalar(key, default, expected, accept, 0)

    def boolean(self, key: str, default: bool | Required = REQUIRED) -> bool:
        """Return `true` or `false`."""
        return self._scalar(key, default, "true or false", _accept_boolean, False)

    def duration(self, key: str, default: int | Required = REQUIRED, *, minimum_ms: int = 0) -> int:
        """Return a duration in milliseconds."""
        expected = 'a duration like "30s" or "1h30m"'
        if minimum_ms:
            expected += f" of at least {minimum_ms} ms"

        def accept(node: yaml.ScalarNode) -> int:
            value = parse_duration(node.value)
            if value < minimum_ms:
                raise ValueError
            return value

        return self._scalar(key, default, expected, accept, 0)

    def one_of(self, key: str, choices: Sequence[str], default: str | Required = REQUIRED) -> str:
        """Return one of the choices."""

        def accept(node: yaml.ScalarNode) -> str:
            if node.value not in choices:
                raise ValueError
            return str(node.value)

        return self._scalar(key, default, f"one of {', '.join(choices)}", accept, choices[0])

    def expanded(self, key: str, default: str | Required = REQUIRED) -> str | None:
        """Return a text with each `${NAME}` replaced from the environment.

        Returns:
            None where a variable is not set: the document remembers its name in `unset`.
        """
        text = self.text(key, default)
        missing = [
            name for name in _ENVIRONMENT.findall(text) if not self.document.environment.get(name)
        ]
        if missing:
            self.document.unset.update(missing)
            return None
        return _ENVIRONMENT.sub(lambda match: self.document.environment[match[1]], text)

    def parsed(
        self, key: str, parse: Callable[[str], T], expected: str, default: T | Required = REQUIRED
    ) -> T | None:
        """Return what `parse` makes of a text; it complains by raising ValueError or SakshiError.

        Returns:
            None where the value is missing or wrong, and a problem was noted.
        """
        return self._scalar(key, default, expected, lambda node: parse(node.value), None)

    # ------------------------------------------------------------------ collections

    def texts(self, key: str, default: Sequence[str] = ()) -> Sequence[str]:
        """Return a list of texts."""
        values = []
        for index, node in enumerate(self._items(key, "a list of texts")):
            if isinstance(node, yaml.ScalarNode):
                values.append(str(node.value))
            else:
                self._problem(node, f"{self._join(key)}[{index}]", "a text")
        return values if key in self._nodes else default

    def labels(self, key: str) -> dict[str, str]:
        """Return a mapping of names to texts; empty where it is absent."""
        section = self.section(key)
        return {name: section.text(name) for name in section.keys()}  # noqa: SIM118 - not a dict

    def section(self, key: str) -> Section:
        """Return a mapping below this one; empty where it is absent."""
        self._taken.add(key)
        node = self._nodes.get(key)
        if node is None:
            node = yaml.MappingNode(f"{_TAG}map", [], self.node.start_mark, self.node.end_mark)
        return Section(self.document, node, self._join(key))

    def sections(self, key: str) -> Sequence[Section]:
        """Return a list of mappings; empty where it is absent."""
        return [
            Section(self.document, node, f"{self._join(key)}[{index}]")
            for index, node in enumerate(self._items(key, "a list"))
        ]

    # ------------------------------------------------------------------ the end

    def unsupported(self, keys: Iterable[str]) -> None:
        """Warn of these keys where they stand: they are right, but have no effect yet."""
        for key in keys:
            if key in self._nodes and key not in self._taken:
                self._taken.add(key)
                self.document.warnings.append(f"{self.place(key)}: not supported yet, no effect")

    def ignore(self, keys: Iterable[str]) -> None:
        """Take keys that mean nothing to sakshi, without a word."""
        self._taken.update(keys)

    def problem(self, key: str | None, expected: str, found: str | None = None) -> None:
        """Note that something is wrong at a key, or with the section itself."""
        node = self._nodes.get(key, self.node) if key else self.node
        where = self._join(key) if key else self.path
        self._problem(node, where, expected, found)

    def close(self) -> None:
        """Note every key that nobody took as a problem, with the known one that is nearest."""
        for key, node in self._nodes.items():
            if key in self._taken:
                continue
            near = difflib.get_close_matches(key, self._taken, n=1)
            expected = (
                f'the key "{near[0]}"' if near else f"one of {', '.join(sorted(self._taken))}"
            )
            self._problem(node, self._join(key), expected, f'the unknown key "{key}"')

    # ------------------------------------------------------------------ below

    def _collect(self, node: yaml.MappingNode) -> None:
        merged: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                sources = (
                    value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                )
                for source in reversed(sources):
                    merged.update(Section(self.document, source, self.path)._nodes)
            elif not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, self.path, "a text as key")
            elif key_node.value in self._nodes:
                self._problem(
                    key_node, self._join(key_node.value), "each key once", "it a second time"
                )
            else:
                self._nodes[key_node.value] = value_node
        for name, value in merged.items():
            self._nodes.setdefault(name, value)

    def _scalar(
        self,
        key: str,
        default: T | Required,
        expected: str,
        accept: Callable[[yaml.ScalarNode], T],
        placeholder: T,
    ) -> T:
        self._taken.add(key)
        node = self._nodes.get(key)
        if node is None or (node.tag == f"{_TAG}null" and not isinstance(default, Required)):
            if isinstance(default, Required):
                self._problem(self.node, self._join(key), expected, "nothing")
                return placeholder
            return default
        if isinstance(node, yaml.ScalarNode) and node.tag != f"{_TAG}null":
            try:
                return accept(node)
            except (ValueError, SakshiError) as error:
                self._problem(node, self._join(key), expected, describe(node) + reason(error))
        else:
            self._problem(node, self._join(key), expected)
        return placeholder if isinstance(default, Required) else default

    def _items(self, key: str, expected: str) -> Sequence[yaml.Node]:
        self._taken.add(key)
        node = self._nodes.get(key)
        if node is None or node.tag == f"{_TAG}null":
            return []
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._problem(node, self._join(key), expected)
        return []

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _problem(self, node: yaml.Node, path: str, expected: str, found: str | None = None) -> None:
        found = describe(node) if found is None else found
        self.document.problems.append(Problem(self.document.place(node, path), expected, found))


def describe(node: yaml.Node) -> str:
    """Return in words what stands at a node."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag == f"{_TAG}null":
        return "nothing"
    return f'"{node.value}"'


def reason(error: Exception) -> str:
    """Return what an error of ours adds to the finding; nothing where it would only repeat it."""
    if isinstance(error, SakshiError) and not isinstance(error, InvalidDurationError):
        return f" ({error})"
    return ""


def _accept_text(node: yaml.ScalarNode) -> str:
    return str(node.value)


def _accept_boolean(node: yaml.ScalarNode) -> bool:
    if node.tag != f"{_TAG}bool":
        raise ValueError
    return node.value.lower() in ("true", "yes", "on")
